package soap_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// goldenAnswer reads an .answer of TestGolden.
func goldenAnswer(t *testing.T, name string) answer {
	t.Helper()
	text := bytes.TrimSuffix(file(t, name), []byte("\n"))
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// TestRows3And7And13EveryAnswer: each golden answer is of the exact media type
// with its length, a fault's code is a QName in scope and has its status, and
// what the Body or the detail holds is valid against the schema.
func TestRows3And7And13EveryAnswer(t *testing.T) {
	schema, err := xsd.Compile(file(t, "testdata/echo.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := filepath.Glob("testdata/golden/*.answer")
	if err != nil {
		t.Fatal(err)
	}
	envelopes, faults, details := 0, 0, 0
	for _, name := range answers {
		a := goldenAnswer(t, name)
		if !strings.Contains(a.body, "<soap:Envelope ") {
			continue
		}
		envelopes++
		root, err := xmlreader.ReadDocument(a.body, xmlreader.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mediaTypes := map[string]string{soap.Envelope11: "text/xml; charset=utf-8", soap.Envelope12: "application/soap+xml; charset=utf-8"}
		if got := a.header.Get("Content-Type"); got != mediaTypes[root.Name.Space] || a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
			t.Errorf("%s: %v", name, a.header)
		}
		content := child(t, root, soap.Name{Space: root.Name.Space, Local: "Body"}).Children[0]
		if content.Name != (soap.Name{Space: root.Name.Space, Local: "Fault"}) {
			validate(t, schema, name, a.body, content)
			continue
		}
		faults++
		code := content.Children[0]
		if root.Name.Space == soap.Envelope12 {
			code = code.Children[0]
		}
		qname, ok := code.ResolveQName(code.Text)
		if !ok || qname.Space != root.Name.Space {
			t.Errorf("%s: the code %s is not one of the envelope's namespace", name, code.Text)
		}
		want := http.StatusInternalServerError
		if qname.Local == "Sender" && !strings.HasSuffix(name, "-for-cxf.answer") {
			want = http.StatusBadRequest
		}
		if a.status != want {
			t.Errorf("%s: status %d for %s", name, a.status, code.Text)
		}
		if last := content.Children[len(content.Children)-1]; strings.EqualFold(last.Name.Local, "detail") {
			details++
			validate(t, schema, name, a.body, last.Children[0])
		} else if qname.Local != "MustUnderstand" && qname.Local != "VersionMismatch" {
			t.Errorf("%s: the fault has no detail", name)
		}
	}
	if envelopes < 80 || faults < 40 || details < 30 {
		t.Errorf("%d envelopes, %d faults, %d details were seen", envelopes, faults, details)
	}
}

// validate checks the element of doc that e is against the schema.
func validate(t *testing.T, schema *xsd.Schema, name, doc string, e *xmlreader.Element) {
	t.Helper()
	for _, into := range []any{&echoResponse{}, &failResponse{}, &echoFault{}} {
		binding, err := schema.Bind(soap.Name{Space: "urn:test:echo", Local: e.Name.Local}, reflect.TypeOf(into).Elem())
		if err != nil {
			continue
		}
		r := xmlreader.New(doc, xmlreader.Limits{})
		for {
			token, err := r.Next()
			if err != nil || token.Kind == xmlreader.EndDocument {
				t.Fatalf("%s: %s is not found (%v)", name, e.Name.Local, err)
			}
			if token.Kind == xmlreader.StartElement && token.Name == e.Name {
				violations, err := binding.Decode(r, token, into)
				if err != nil || len(violations) > 0 {
					t.Errorf("%s: %v %v", name, err, violations)
				}
				return
			}
		}
	}
	t.Errorf("%s: no type is for %s", name, e.Name.Local)
}
