package template

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/language"
)

// void are the elements without an end (HTML section 13.1.2).
var void = []atom.Atom{atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Track, atom.Wbr}

// refused are elements that no mail client runs, loads or sends.
var refused = []atom.Atom{
	atom.Script, atom.Link, atom.Base, atom.Iframe, atom.Frame, atom.Frameset, atom.Object, atom.Embed, atom.Applet, atom.Form, atom.Input,
	atom.Button, atom.Select, atom.Textarea, atom.Audio, atom.Video, atom.Source, atom.Track,
}

// loading are attributes whose address a client fetches by itself.
var loading = []string{"src", "srcset", "background", "poster", "data", "manifest", "ping"}

// inspection is one walk through the HTML of a mail.
type inspection struct {
	problems []string
	open     []string // elements, the innermost last
	links    []string
	body     bool // inside what a mail client keeps: most drop html and body themselves
	turned   bool // an element there runs from right to left
	locale   language.Tag
}

// inspect says what is wrong with the HTML part of a mail. unsubscribe is an
// address that it must link to; "" for none.
func inspect(text, unsubscribe string, locale language.Tag) []string {
	i := &inspection{locale: locale, body: true}
	z := html.NewTokenizer(strings.NewReader(text))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				i.add("is not HTML: %s", err)
			}
			return i.end(unsubscribe)
		case html.StartTagToken:
			i.start(z.Token(), true)
		case html.SelfClosingTagToken:
			i.start(z.Token(), false)
		case html.EndTagToken:
			i.close(z.Token())
		case html.TextToken:
			if len(i.open) > 0 && i.open[len(i.open)-1] == "style" {
				i.style(string(z.Text()))
			}
		}
	}
}

func (i *inspection) add(format string, args ...any) {
	if wrong := fmt.Sprintf(format, args...); !slices.Contains(i.problems, wrong) {
		i.problems = append(i.problems, wrong)
	}
}

func (i *inspection) start(t html.Token, opens bool) {
	if slices.Contains(refused, t.DataAtom) {
		i.add("holds a %s, which no mail client takes", t.Data)
	}
	attributes := map[string]string{}
	for _, a := range t.Attr {
		attributes[a.Key] = a.Val
		switch value := strings.TrimSpace(a.Val); {
		case strings.HasPrefix(a.Key, "on"):
			i.add("holds the script %s, which no mail client runs", a.Key)
		case slices.Contains(loading, a.Key) && !strings.HasPrefix(value, "data:"):
			i.add("loads something from elsewhere: %s of %s", a.Key, t.Data)
		case a.Key == "style":
			i.style(value)
		case a.Key == "href":
			i.link(value)
		}
	}
	if t.DataAtom == atom.Meta && strings.EqualFold(attributes["http-equiv"], "refresh") {
		i.add("holds a meta refresh, which no mail client takes")
	}
	switch t.DataAtom {
	case atom.Html:
		i.language(attributes)
		i.body = false
	case atom.Body:
		i.body = true
	default:
		i.turned = i.turned || i.body && strings.EqualFold(attributes["dir"], "rtl")
	}
	if opens && !slices.Contains(void, t.DataAtom) {
		i.open = append(i.open, t.Data)
	}
}

func (i *inspection) close(t html.Token) {
	switch n := len(i.open); {
	case slices.Contains(void, t.DataAtom):
	case n == 0:
		i.add("closes a %s that is not open", t.Data)
	case i.open[n-1] != t.Data:
		i.add("closes a %s where a %s is open", t.Data, i.open[n-1])
		if at := slices.Index(i.open, t.Data); at >= 0 {
			i.open = i.open[:at]
		}
	default:
		i.open = i.open[:n-1]
	}
}

// language looks at the html element.
func (i *inspection) language(attributes map[string]string) {
	tag, err := language.Parse(attributes["lang"])
	given, _ := tag.Base()
	want, _ := i.locale.Base()
	if err != nil || given != want {
		i.add("has an html element without lang=%q", i.locale)
	}
	if rightToLeft(i.locale) != strings.EqualFold(attributes["dir"], "rtl") {
		i.add("has an html element whose dir is not that of %s", i.locale)
	}
}

// style looks at style sheets and style attributes.
func (i *inspection) style(css string) {
	css = strings.ToLower(css)
	if strings.Contains(css, "@import") {
		i.add("loads something from elsewhere: @import")
	}
	for rest := css; ; {
		_, after, found := strings.Cut(rest, "url(")
		if !found {
			return
		}
		if rest = strings.TrimLeft(after, ` '"`); !strings.HasPrefix(rest, "data:") {
			i.add("loads something from elsewhere: url() of a style")
		}
	}
}

func (i *inspection) link(address string) {
	u, err := url.Parse(address)
	switch {
	case err == nil && (u.Scheme == "mailto" || u.Scheme == "tel"):
	case err != nil || u.Scheme != "https" || u.Host == "":
		i.add("has a link that is not an absolute https address")
	default:
		i.links = append(i.links, address)
	}
}

func (i *inspection) end(unsubscribe string) []string {
	if len(i.open) > 0 {
		i.add("leaves a %s open", i.open[len(i.open)-1])
	}
	if rightToLeft(i.locale) && !i.turned {
		i.add(`has no element with dir="rtl" in its body; mail clients drop that of html`)
	}
	if unsubscribe != "" && !slices.Contains(i.links, unsubscribe) {
		i.add("does not link to {{.Unsubscribe}}")
	}
	return i.problems
}
