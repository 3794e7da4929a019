package xmlreader_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
	"registrar/test/libxml2"
)

// comparable are limits that libxml2 has not, or has further out.
var comparable = xmlreader.Limits{Depth: 200, Attributes: 1000, Elements: 100_000, NameBytes: 10_000, Namespaces: 1000}

// goldens are the requests of the SOAP server's tests.
func goldens(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("../testdata/golden/*.request")
	if err != nil || len(files) == 0 {
		f.Fatalf("no requests: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, body, _ := strings.Cut(string(b), "\n\n")
		f.Add(body)
	}
}

// written is how clients write the same envelope, and how nobody should.
var written = []string{
	`<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:SOAP-ENC="http://schemas.xmlsoap.org/soap/encoding/" SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><SOAP-ENV:Body><m:a xmlns:m="urn:a"><m:b xsi:type="xsd:string" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">c</m:b></m:a></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
	"<?xml version=\"1.0\" encoding=\"ISO-8859-1\" standalone=\"yes\" ?>\r\n<ns0:a xmlns:ns0='u' xmlns:ns1='u'>\r\n\t<ns1:b>&#1571;&#x645;&#x64a;&#1606;&#1577;</ns1:b>\r</ns0:a>\r\n<!-- end -->\r\n",
	`<a xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="ar" xml:space="preserve" xml:id=" a  b "/>`,
	"<a b=' x\r\ny\tz&#10;&#13;&#9;&lt;&quot;&apos;&gt;' c=\"'>\"/>",
	"<a>]]<![CDATA[>]]]]><![CDATA[>&amp;<b>\r\n\r]]><!-- - -->&#13;\n&#xD;\r</a>",
	"<été xmlns='ü'><ё·ё xmlns:ü='ü' ü:é='1' é='2'/></été>",
	`<a xmlns="a}b{c"><b xmlns=""><c xmlns="a b"/></b></a>`,
	`<a xmlns="&#10;u&#9; "><b xmlns:p=" u"/></a>`,
	`<a b="&#x10FFFF;&#xFFFD;&#x85;&#x2028;">` + "\u0085\u2028\u00a0\ufeff" + `</a>`,
	`<a><b></b ><c
/><d	e = "f"	/></a
>`,
}

func sortedStream(doc string) ([]string, error) {
	r := xmlreader.New(doc, comparable)
	return lines(func() (xmlreader.Token, error) { return r.Next() })
}

// lines are the tokens of a document, text joined, attributes in order of their names.
func lines(next func() (xmlreader.Token, error)) (all []string, err error) {
	space := func(s string) string { return strings.ReplaceAll(s, "&#38;", "&") } // libxml2 2.9 leaves it so in namespaces
	text := ""
	for {
		t, err := next()
		if err != nil {
			return nil, err
		}
		if t.Kind == xmlreader.Text {
			text += t.Text
			continue
		}
		if text != "" {
			all = append(all, fmt.Sprintf("text %q", text))
			text = ""
		}
		switch t.Kind {
		case xmlreader.StartElement:
			var attributes []string
			for _, a := range t.Attrs {
				attributes = append(attributes, fmt.Sprintf("{%s}%s=%q", space(a.Name.Space), a.Name.Local, a.Value))
			}
			slices.Sort(attributes)
			all = append(all, fmt.Sprintf("start {%s}%s %v", space(t.Name.Space), t.Name.Local, attributes))
		case xmlreader.EndElement:
			all = append(all, fmt.Sprintf("end {%s}%s", space(t.Name.Space), t.Name.Local))
		default:
			return all, nil
		}
	}
}

// theirs are libxml2's tokens as this reader gives its own.
func theirs(d libxml2.Document) func() (xmlreader.Token, error) {
	i := 0
	return func() (xmlreader.Token, error) {
		if i == len(d.Tokens) {
			return xmlreader.Token{Kind: xmlreader.EndDocument}, nil
		}
		t := d.Tokens[i]
		i++
		switch {
		case t.Start != nil:
			token := xmlreader.Token{Kind: xmlreader.StartElement, Name: xmlreader.Name{Space: t.Start[0], Local: t.Start[1]}}
			for _, a := range t.Attributes {
				token.Attrs = append(token.Attrs, xmlreader.Attr{Name: xmlreader.Name{Space: a[0], Local: a[1]}, Value: a[2]})
			}
			return token, nil
		case t.End != nil:
			return xmlreader.Token{Kind: xmlreader.EndElement, Name: xmlreader.Name{Space: t.End[0], Local: t.End[1]}}, nil
		default:
			return xmlreader.Token{Kind: xmlreader.Text, Text: t.Text}, nil
		}
	}
}

// beyondXML tells what libxml2 refuses that is well-formed: a namespace that is
// no URI (Namespaces in XML 1.0 leaves that to applications, section 2.2), what
// another specification says of xml:id, and the name of an encoding that the
// document was decoded from before.
func beyondXML(reason string) bool {
	return strings.Contains(reason, "is not a valid URI") || strings.HasPrefix(reason, "xml:id : ") ||
		strings.HasPrefix(reason, "Unsupported encoding") || strings.HasPrefix(reason, "Document labelled ")
}

// FuzzAgainstLibxml2: what this reader takes, libxml2 takes too, and both give
// the same names, attributes and text. What this reader refuses on purpose,
// such as a DOCTYPE, libxml2 may take.
func FuzzAgainstLibxml2(f *testing.F) {
	seeds(f)
	goldens(f)
	for _, doc := range written {
		f.Add(doc)
	}
	second := libxml2.Start(f, "")
	f.Fuzz(func(t *testing.T, doc string) {
		ours, err := sortedStream(doc)
		if err != nil {
			return
		}
		d, err := second.Read(doc)
		if err != nil {
			t.Fatal(err)
		}
		if beyondXML(d.Error) {
			return
		}
		if d.Error != "" {
			t.Fatalf("taken here, there: %s", d.Error)
		}
		them, err := lines(theirs(d))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ours, them) {
			t.Fatalf("here  %q\nthere %q", ours, them)
		}
	})
}

// TestTakesWhatClientsWrite: how clients write is taken.
func TestTakesWhatClientsWrite(t *testing.T) {
	for _, doc := range written {
		if _, err := sortedStream(doc); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
}
