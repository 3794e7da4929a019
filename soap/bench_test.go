package soap_test

import (
	"bytes"
	"context"
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

// plain is a handler with net/http and encoding/xml and no checks.
func plain() http.Handler {
	type requestEnvelope struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Body    struct {
			Request echoRequest `xml:"urn:test:echo EchoRequest"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	type responseEnvelope struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Body    struct {
			Response *echoResponse
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	service := new(echo)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in requestEnvelope
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = xml.Unmarshal(body, &in)
		}
		if err != nil || in.Body.Request.Text == nil {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		var out responseEnvelope
		out.Body.Response, err = service.echo(r.Context(), &in.Body.Request)
		if err != nil {
			http.Error(w, "bad", http.StatusInternalServerError)
			return
		}
		answer, err := xml.Marshal(out)
		if err != nil {
			http.Error(w, "bad", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(answer)
	})
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

func BenchmarkInProcessEdge(b *testing.B)  { benchmarkInProcess(b, edge(b)) }
func BenchmarkInProcessPlain(b *testing.B) { benchmarkInProcess(b, plain()) }

// BenchmarkInProcessNothing is what recorder and request cost by themselves.
func BenchmarkInProcessNothing(b *testing.B) {
	benchmarkInProcess(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
	}))
}

func benchmarkLoopback(b *testing.B, h http.Handler) {
	b.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}
	defer client.CloseIdleConnections()
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL+"/echo", bytes.NewReader([]byte(spoken)))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Content-Type", "text/xml; charset=utf-8")
			response, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				b.Error(response.Status)
				return
			}
		}
	})
}

func BenchmarkLoopbackEdge(b *testing.B)  { benchmarkLoopback(b, edge(b)) }
func BenchmarkLoopbackPlain(b *testing.B) { benchmarkLoopback(b, plain()) }

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
