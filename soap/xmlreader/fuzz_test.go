package xmlreader_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"registrar/soap/xmlreader"
)

// generous limits, so that the comparison is about XML.
var generous = xmlreader.Limits{Depth: 1000, Attributes: 1000, Elements: 100_000, NameBytes: 10_000, Namespaces: 1000}

func seeds(f *testing.F) {
	f.Helper()
	for _, r := range refused {
		f.Add(r.doc)
	}
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
}

// FuzzAgainstEncodingXML compares with a second parser: what this reader takes,
// encoding/xml takes too, and both give the same tokens.
func FuzzAgainstEncodingXML(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc string) {
		ours, err := stream(doc, generous)
		if err != nil {
			var e *xmlreader.Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(doc) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		theirs, err := streamEncodingXML(doc)
		if err != nil {
			// It knows the names of the 4th edition of XML 1.0 only.
			if strings.Contains(err.Error(), "invalid XML name") && strings.ContainsFunc(doc, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return
			}
			t.Fatalf("taken here, there: %v", err)
		}
		// It does not turn line ends and tabs in attributes into spaces (XML 1.0, 3.3.3).
		spaces := strings.NewReplacer(`\n`, " ", `\t`, " ", "\n", " ", "\t", " ")
		for _, lines := range [][]string{ours, theirs} {
			for i := range lines {
				if !strings.HasPrefix(lines[i], "text") {
					lines[i] = spaces.Replace(lines[i])
				}
			}
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("here  %q\nthere %q", ours, theirs)
		}
	})
}

// FuzzRoundTrip writes what was read and reads it again.
func FuzzRoundTrip(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, doc string) {
		root, err := xmlreader.ReadDocument(doc, generous)
		if err != nil {
			return
		}
		again, err := xmlreader.ReadDocument(rewrite(root), generous)
		if err != nil {
			t.Fatalf("%v in %s", err, rewrite(root))
		}
		if got, want := rewrite(again), rewrite(root); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

// rewrite gives a document with the same names, attributes and text, each
// element with its own declarations and its text in front.
func rewrite(e *xmlreader.Element) string {
	escape := func(s string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;", "\n", "&#10;", "\t", "&#9;").Replace(s)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<%s xmlns="%s"`, e.Name.Local, escape(e.Name.Space))
	if e.Name.Space == xmlreader.XMLSpace { // which may not be the default namespace
		b.Reset()
		fmt.Fprintf(&b, `<xml:%s`, e.Name.Local)
	}
	for i, a := range e.Attrs {
		switch a.Name.Space {
		case "":
			fmt.Fprintf(&b, ` %s="%s"`, a.Name.Local, escape(a.Value))
		case xmlreader.XMLSpace:
			fmt.Fprintf(&b, ` xml:%s="%s"`, a.Name.Local, escape(a.Value))
		default:
			fmt.Fprintf(&b, ` xmlns:p%d="%s" p%d:%s="%s"`, i, escape(a.Name.Space), i, a.Name.Local, escape(a.Value))
		}
	}
	b.WriteString(">" + escape(e.Text))
	for _, c := range e.Children {
		b.WriteString(rewrite(c))
	}
	if e.Name.Space == xmlreader.XMLSpace {
		return b.String() + "</xml:" + e.Name.Local + ">"
	}
	return b.String() + "</" + e.Name.Local + ">"
}

func streamEncodingXML(doc string) ([]string, error) {
	d := xml.NewDecoder(strings.NewReader(doc))
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	var lines []string
	depth, text := 0, ""
	flush := func() {
		if text != "" {
			lines = append(lines, fmt.Sprintf("text %q", text))
		}
		text = ""
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			if depth > 0 {
				text += string(t)
			}
		case xml.StartElement:
			flush()
			depth++
			line := fmt.Sprintf("start {%s}%s", t.Name.Space, t.Name.Local)
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name == (xml.Name{Local: "xmlns"}) {
					continue
				}
				line += fmt.Sprintf(" {%s}%s=%q", a.Name.Space, a.Name.Local, a.Value)
			}
			lines = append(lines, line)
		case xml.EndElement:
			flush()
			depth--
			lines = append(lines, fmt.Sprintf("end {%s}%s", t.Name.Space, t.Name.Local))
		case xml.ProcInst, xml.Comment, xml.Directive:
		}
	}
}
