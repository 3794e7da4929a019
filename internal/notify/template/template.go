// Package template renders notifications from versioned text files: for each
// kind and locale a subject, a text and an HTML part of the e-mail, and the text
// of the SMS. English and Arabic are built in; a directory of the operator may
// replace single files and add locales.
//
// What may be relied on: after Load every kind can be rendered for every locale
// by every channel; subjects are one line without control characters; names are
// escaped in HTML and cannot change the direction of the text around them.
package template

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	texttemplate "text/template"
	"unicode"

	"golang.org/x/text/language"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Version is the first folder of a template's path. It changes when Data loses
// or renames a field, so that files written for another version are refused
// with their names instead of failing for a person's notification.
const Version = "v1"

// Data is what a template may name.
type Data struct {
	Brand     string // the product's name
	Contact   string // where a person can ask; may be ""
	Username  string
	FirstName string // may be ""
	LastName  string // may be ""
}

// Name is how the person is addressed; "" where no name is known.
func (d Data) Name() string { return strings.TrimSpace(d.FirstName + " " + d.LastName) }

// Catalog is every template, parsed and checked. It may be used by several
// goroutines.
type Catalog struct {
	brand, contact string
	matcher        language.Matcher
	locales        []language.Tag // as the matcher counts them; the first is the default
	sets           map[key]*set
}

type key struct {
	kind   registration.Kind
	locale language.Tag
}

// executor is a parsed text or HTML template.
type executor interface {
	Execute(w io.Writer, data any) error
}

// set is one kind in one locale.
type set struct {
	subject, text, html, sms executor
}

// Locales gives the BCP 47 tags that there are templates for, the default first.
func (c *Catalog) Locales() []string {
	tags := make([]string, len(c.locales))
	for i, l := range c.locales {
		tags[i] = l.String()
	}
	return tags
}

// Match gives the locale in which a person who asked for locale is written to:
// the nearest by BCP 47, or the default.
func (c *Catalog) Match(locale string) string { return c.match(locale).String() }

func (c *Catalog) match(locale string) language.Tag {
	tag, err := language.Parse(locale)
	if err != nil {
		return c.locales[0]
	}
	_, index, confidence := c.matcher.Match(tag)
	if confidence == language.No {
		return c.locales[0] // the matcher would go by the script
	}
	return c.locales[index]
}

// Render makes the message of a claim. Its errors hold no name and no address.
func (c *Catalog) Render(claim notify.Claim) (notify.Message, error) {
	n := claim.Notification
	locale := c.match(n.Locale)
	s, ok := c.sets[key{n.Kind, locale}]
	if !ok {
		return notify.Message{}, fmt.Errorf("template: none for the kind %q", n.Kind)
	}
	data := Data{Brand: c.brand, Contact: c.contact, Username: clean(claim.Username), FirstName: clean(claim.FirstName), LastName: clean(claim.LastName)}
	m := notify.Message{NotificationID: claim.NotificationID, To: n.Recipient, Name: data.Name(), Locale: locale.String()}
	return m, s.render(n.Channel, data, &m)
}

var errExecute = errors.New("template: cannot be rendered with this person's data")

func (s *set) render(channel registration.Channel, data Data, m *notify.Message) error {
	var err error
	execute := func(e executor) string {
		var b strings.Builder
		if e.Execute(&b, data) != nil {
			err = errExecute // the engine's own text may quote the data
		}
		return b.String()
	}
	switch channel {
	case registration.EmailChannel:
		m.Subject = oneLine(execute(s.subject))
		m.Text = strings.TrimSpace(execute(s.text)) + "\n"
		m.HTML = execute(s.html)
	case registration.SMSChannel:
		m.Text = oneLine(execute(s.sms))
	default:
		return fmt.Errorf("template: none for the channel %q", channel)
	}
	return err
}

// oneLine makes every run of spaces and control characters one space: a subject
// must not begin another header (RFC 5322 section 2.2).
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// parse reads one file as the template of its name's kind.
func parse(f file, locale language.Tag) (executor, error) {
	funcs := functions(locale)
	if strings.HasSuffix(f.path, ".html") {
		return htmltemplate.New(f.origin).Funcs(funcs).Option("missingkey=error").Parse(f.content)
	}
	return texttemplate.New(f.origin).Funcs(funcs).Option("missingkey=error").Parse(f.content)
}
