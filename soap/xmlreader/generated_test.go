package xmlreader_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
	"registrar/test/libxml2"
)

// writer writes a document as a program of bytes says: each byte is a choice.
// What it writes is well-formed as far as its grammar knows; names may collide
// and prefixes may be undeclared.
type writer struct {
	program []byte
	doc     strings.Builder
	room    int // elements that may still be written
}

func (w *writer) choose(n int) int {
	if len(w.program) == 0 {
		return 0
	}
	c := int(w.program[0])
	w.program = w.program[1:]
	return c % n
}

func (w *writer) one(of []string) string { return of[w.choose(len(of))] }

var (
	prefixes   = []string{"", "", "", "p:", "q:", "ü:", "xml:", "u:"}
	names      = []string{"a", "b", "c", "été", "lang", "space", "_-.1", "ё·ё"}
	namespaces = []string{"u:1", "u:2", "u:1 ", "u:\n1"}
	blanks     = []string{" ", "\n", "\r\n", "\t", "\r", "  "}
	pieces     = []string{
		"x", " ", "\r\n", "\r", "\n", "\t", "&amp;", "&lt;", "&gt;", "&apos;", "&quot;", "&#13;", "&#xA;", "&#9;", "&#x1F600;", "&#00065;",
		"م", "😀", "\u0085", "\u2028", "\ufeff", "\u007f", "\ufffd", "]]", "&#93;]&gt;", "=", "/", "?", "!--", "%", "]", "-",
	}
	odd = []string{"<!---->", "<!-- - \r - -->", "<![CDATA[]]>", "<![CDATA[<&>\r]]]]>", "<![CDATA[\r\n]]>", "<!--&<>-->"}
)

func (w *writer) text(quote string) {
	for range w.choose(4) {
		w.doc.WriteString(w.one(pieces))
		if quote == "" && w.choose(4) == 1 {
			w.doc.WriteString(w.one(odd))
		}
	}
}

func (w *writer) attribute() {
	w.doc.WriteString(w.one(blanks))
	quote := w.one([]string{`"`, `'`})
	equals := w.one([]string{"=", "=", "=", " = ", "\n=\r\n"})
	if w.choose(3) == 1 {
		prefix := w.one([]string{"", ":p", ":q", ":ü"})
		space := w.one(namespaces)
		if prefix == "" && w.choose(4) == 1 {
			space = ""
		}
		w.doc.WriteString("xmlns" + prefix + equals + quote + space + quote)
		return
	}
	w.doc.WriteString(w.one(prefixes) + w.one(names) + equals + quote)
	w.text(quote)
	w.doc.WriteString(quote)
}

func (w *writer) element(depth int) {
	w.room--
	name := w.one(prefixes) + w.one(names)
	w.doc.WriteString("<" + name)
	for range w.choose(5) {
		w.attribute()
	}
	if w.choose(4) == 1 {
		w.doc.WriteString(w.one(blanks))
	}
	if w.choose(4) == 1 {
		w.doc.WriteString("/>")
		return
	}
	w.doc.WriteString(">")
	for range w.choose(4) {
		w.text("")
		if depth < 6 && w.room > 0 {
			w.element(depth + 1)
		}
	}
	w.text("")
	w.doc.WriteString("</" + name + w.one([]string{"", "", " ", "\n"}) + ">")
}

func generate(program []byte) string {
	w := &writer{program: program, room: 30}
	w.doc.WriteString(w.one([]string{"", "", `<?xml version="1.0"?>`, "<?xml version='1.0' encoding='UTF-8' standalone=\"no\" ?>\r\n", "<!-- x -->\n"}))
	w.element(1)
	w.doc.WriteString(w.one([]string{"", "\r\n", "<!-- x -->", " \n"}))
	return w.doc.String()
}

// FuzzWellFormedAgainstLibxml2: of documents that are made to be well-formed,
// this reader and libxml2 take the same, and read the same.
func FuzzWellFormedAgainstLibxml2(f *testing.F) {
	for seed := range 60 {
		program := make([]byte, 400)
		state := uint32(seed)*2654435761 + 1
		for i := range program {
			state = state*1664525 + 1013904223
			program[i] = byte(state >> 24)
		}
		f.Add(program)
	}
	second := libxml2.Start(f, "")
	f.Fuzz(func(t *testing.T, program []byte) {
		doc := generate(program)
		ours, refused := sortedStream(doc)
		d, err := second.Read(doc)
		if err != nil {
			t.Fatal(err)
		}
		var e *xmlreader.Error
		if beyondXML(d.Error) || errors.As(refused, &e) && (e.Reason == xmlreader.BadNamespace || e.Reason == xmlreader.UndeclaredPrefix) {
			return // libxml2 only warns of these
		}
		if (refused != nil) != (d.Error != "") {
			t.Fatalf("here %v, there %q: %q", refused, d.Error, doc)
		}
		if refused != nil {
			return
		}
		if them, err := lines(theirs(d)); err != nil || !slices.Equal(ours, them) {
			t.Fatalf("here  %q\nthere %q\n%v %q", ours, them, err, doc)
		}
	})
}
