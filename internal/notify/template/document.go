package template

import (
	"bytes"
	"fmt"
	htmltemplate "html/template"
	"io"
	"strings"
	"sync"
	texttemplate "text/template"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"registrar/internal/registration"
)

// executor is a parsed text or HTML template.
type executor interface {
	Execute(w io.Writer, data any) error
}

// document is one file, parsed.
type document struct {
	file
	about subject
	rtl   bool
	executor
}

// parse reads one file.
func parse(f file, about subject, locale language.Tag) (d *document, err error) {
	if at := strings.IndexFunc(f.content, control); at >= 0 {
		r, _ := utf8.DecodeRuneInString(f.content[at:])
		return nil, fmt.Errorf("%s has the control character %U in line %d; remove it", f.origin, r, 1+strings.Count(f.content[:at], "\n"))
	}
	d = &document{file: f, about: about, rtl: rightToLeft(locale)}
	funcs := functions(locale)
	if f.name == htmlFile {
		d.executor, err = htmltemplate.New(f.origin).Funcs(funcs).Option("missingkey=error").Parse(f.content)
	} else {
		d.executor, err = texttemplate.New(f.origin).Funcs(funcs).Option("missingkey=error").Parse(f.content)
	}
	return d, err
}

// control says whether r has no place in a template.
func control(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\n' }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps a large message's buffer from staying for good, in octets.
const maxPooled = 256 << 10

func (d *document) render(data *Data) (string, error) {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	defer func() {
		if b.Cap() <= maxPooled {
			buffers.Put(b)
		}
	}()
	if d.Execute(b, data) != nil {
		return "", errExecute // the engine's own text may quote the data
	}
	return d.finish(b.String(), data), nil
}

// finish gives what was rendered the form of its part.
func (d *document) finish(out string, data *Data) string {
	switch d.name {
	case subjectFile:
		return align(oneLine(out), d.rtl)
	case textFile:
		return d.lines(out, func(line string) string { return strings.TrimRight(line, " \t\r") }) + "\n"
	case smsFile:
		out = d.lines(out, oneLine)
		for strings.Contains(out, "\n\n") { // an empty line is paid for too
			out = strings.ReplaceAll(out, "\n\n", "\n")
		}
		if d.about.kind == registration.VerificationCode && data.Domain != "" {
			out += "\n" + autofill(data)
		}
	}
	return out
}

func (d *document) lines(out string, form func(string) string) string {
	out = strings.TrimSpace(out)
	var b strings.Builder
	b.Grow(len(out) + 16)
	for line := range strings.SplitSeq(out, "\n") {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(align(form(line), d.rtl))
	}
	return b.String()
}

// autofill is the line by which a browser fills the code in on the domain's
// pages and on no others (WICG, Origin-bound one-time codes delivered via SMS).
// It must be the last one and begin with the @.
func autofill(data *Data) string { return "@" + data.Domain + " #" + data.Code }
