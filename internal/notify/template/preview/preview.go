// Package preview shows every template as people would get it, for those who
// write them: the e-mail at the width of a desktop and of a telephone, its text
// part, and the SMS with what it takes. The people and their codes are made up.
//
// What may be relied on: the pages load nothing but their own files and run no
// script; the HTML of a mail stands in a sandbox. Pages and files are the same,
// served or written. It is not for strangers: it shows what is in the templates.
package preview

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"registrar/internal/notify"
	templates "registrar/internal/notify/template"
	"registrar/internal/registration"
)

//go:embed assets
var assets embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"plural": func(n int) string {
		if n == 1 {
			return "1 segment"
		}
		return fmt.Sprintf("%d segments", n)
	},
}).ParseFS(assets, "assets/page.html"))

// scheme is light or dark, as the reader's system would ask a mail to be.
type scheme string

const (
	light scheme = "light"
	dark  scheme = "dark"
)

// view is one of the pages.
type view struct {
	person templates.Person
	scheme scheme
}

func views() (all []view) {
	for _, p := range templates.Persons() {
		all = append(all, view{p, light}, view{p, dark})
	}
	return all
}

// file is the page's name; the first view is the index.
func (v view) file() string {
	if v == views()[0] {
		return "index.html"
	}
	return string(v.person) + "-" + string(v.scheme) + ".html"
}

// frame is the name of the file with the HTML of a mail.
func (v view) frame(s templates.Specimen) string {
	return fmt.Sprintf("mail/%s-%s/%s.%s.html", v.person, v.scheme, strings.ReplaceAll(s.Name(), "/", "."), s.Locale)
}

// choice is a link to another view of the same.
type choice struct {
	Label, File string
	Chosen      bool
}

// card is one kind or campaign in one locale.
type card struct {
	Name, Locale, Anchor string
	Direction            string
	Email                *notify.Message
	Frame                string
	SMS                  *notify.Message
	Size                 templates.Size
}

type pageData struct {
	Title    string
	Scheme   scheme
	Self     string
	Persons  []choice
	Schemes  []choice
	Cards    []card
	Problems []string
}

// about says who a person is, on the page.
var about = map[templates.Person]string{
	templates.Usual: "A usual name", templates.Foreign: "A name of the other direction", templates.Nameless: "No name", templates.Longest: "The longest names",
}

func (v view) data() pageData {
	d := pageData{Title: "Templates", Scheme: v.scheme, Self: v.file()}
	for _, p := range templates.Persons() {
		d.Persons = append(d.Persons, choice{about[p], view{p, v.scheme}.file(), p == v.person})
	}
	for _, s := range []scheme{light, dark} {
		d.Schemes = append(d.Schemes, choice{strings.ToUpper(string(s[:1])) + string(s[1:]), view{v.person, s}.file(), s == v.scheme})
	}
	return d
}

// page makes a view's page.
func (v view) page(c *templates.Catalog) ([]byte, error) {
	all, err := c.Specimens(v.person)
	if err != nil {
		return nil, err
	}
	data := v.data()
	for _, s := range all {
		anchor := strings.ReplaceAll(s.Name(), "/", ".") + "." + s.Locale
		n := len(data.Cards)
		if n == 0 || data.Cards[n-1].Anchor != anchor {
			direction := "ltr"
			if s.RTL {
				direction = "rtl"
			}
			data.Cards = append(data.Cards, card{Name: s.Name(), Locale: s.Locale, Anchor: anchor, Direction: direction})
			n++
		}
		one := &data.Cards[n-1]
		if s.Channel == registration.SMSChannel {
			one.SMS, one.Size = &s.Message, s.Size
		} else {
			one.Email, one.Frame = &s.Message, v.frame(s)
		}
	}
	return execute(data)
}

// problems makes the page for templates that cannot be loaded.
func (v view) problems(err error) ([]byte, error) {
	data := v.data()
	for line := range strings.Lines(err.Error()) {
		data.Problems = append(data.Problems, strings.TrimPrefix(strings.TrimSpace(line), "template: "))
	}
	return execute(data)
}

func execute(data pageData) ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	return b.Bytes(), nil
}

// frames gives the HTML of a view's mails by the files' names.
func (v view) frames(c *templates.Catalog) (map[string][]byte, error) {
	all, err := c.Specimens(v.person)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, s := range all {
		if s.Channel == registration.EmailChannel {
			files[v.frame(s)] = []byte(v.scheme.apply(s.Message.HTML))
		}
	}
	return files, nil
}

var (
	media   = regexp.MustCompile(`\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)`)
	schemes = regexp.MustCompile(`(color-scheme:\s*|content=")light dark\b`)
)

// apply makes a mail's HTML one that is always shown in the scheme: a page
// cannot tell a frame what to prefer in every browser.
func (s scheme) apply(html string) string {
	html = media.ReplaceAllStringFunc(html, func(query string) string {
		if strings.Contains(query, string(s)) {
			return "(min-width: 0)"
		}
		return "(max-width: 0)"
	})
	return schemes.ReplaceAllString(html, "${1}"+string(s))
}

// styles are the files that all pages share, by their names.
func styles() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range []string{"preview.css", "preview.svg"} {
		content, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("preview: %w", err)
		}
		files[name] = content
	}
	return files, nil
}

// viewOf finds the view of a page or of a mail.
func viewOf(file string) (v view, found bool) {
	i := slices.IndexFunc(views(), func(v view) bool {
		return file == v.file() || strings.HasPrefix(file, fmt.Sprintf("mail/%s-%s/", v.person, v.scheme))
	})
	if i < 0 {
		return v, false
	}
	return views()[i], true
}
