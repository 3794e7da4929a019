package soap_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// spoken is an envelope of about 400 bytes with strings, a boolean, a number and a time.
const spoken = `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="urn:test:echo"><soapenv:Body>` +
	`<t:EchoRequest><t:text>hello</t:text><t:code>correct horse</t:code><t:flag>true</t:flag><t:count>42</t:count>` +
	`<t:at>2026-01-02T03:04:05Z</t:at><t:note>alice@example.com</t:note></t:EchoRequest></soapenv:Body></soapenv:Envelope>`

// edge is the whole edge with a stub for a domain.
func edge(b *testing.B) http.Handler {
	b.Helper()
	return newEcho(b, func(c *soap.Config) { c.Observe = nil })
}

func benchmarkInProcess(b *testing.B, h http.Handler) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/echo", strings.NewReader(spoken))
		r.Header.Set("Content-Type", "text/xml; charset=utf-8")
		r.Header.Set("Soapaction", `"urn:test:echo/Echo"`)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkInProcessEdge(b *testing.B) { benchmarkInProcess(b, edge(b)) }

// BenchmarkInProcessNothing is what recorder and request cost by themselves.
func BenchmarkInProcessNothing(b *testing.B) {
	benchmarkInProcess(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
	}))
}

// BenchmarkDecode is reading, validating and binding alone.
func BenchmarkDecode(b *testing.B) {
	schema, err := xsd.Compile(file(b, "testdata/echo.xsd"))
	if err != nil {
		b.Fatal(err)
	}
	element, _ := xsd.ElementOf(reflect.TypeFor[echoRequest]())
	binding, err := schema.Bind(element, reflect.TypeFor[echoRequest]())
	if err != nil {
		b.Fatal(err)
	}
	r := new(xmlreader.Reader)
	b.SetBytes(int64(len(spoken)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(spoken, xmlreader.Limits{})
		var in echoRequest
		for {
			t, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			if t.Kind == xmlreader.EndDocument {
				break
			}
			if t.Kind == xmlreader.StartElement && t.Name == element {
				if v, err := binding.Decode(r, t, &in); err != nil || len(v) > 0 {
					b.Fatal(err, v)
				}
			}
		}
		if in.Text == nil || in.Note == nil {
			b.Fatal("nothing is bound")
		}
	}
}

// BenchmarkDecodeEncodingXML is encoding/xml's Unmarshal of the same, without checks.
func BenchmarkDecodeEncodingXML(b *testing.B) {
	b.SetBytes(int64(len(spoken)))
	b.ReportAllocs()
	for b.Loop() {
		var in struct {
			Body struct {
				Request echoRequest `xml:"EchoRequest"`
			}
		}
		if err := xml.Unmarshal([]byte(spoken), &in); err != nil || in.Body.Request.Note == nil {
			b.Fatal(err)
		}
	}
}
