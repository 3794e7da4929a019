package soap_test

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/soap"
)

// The types of testdata/echo2.xsd, a later version of the contract.
type (
	echo2Request struct {
		XMLName xml.Name `xml:"urn:test:echo2 EchoRequest"`
		Words   string   `xml:"words,omitempty"`
	}
	echo2Response struct {
		XMLName xml.Name `xml:"urn:test:echo2 EchoResponse"`
		Words   string   `xml:"words,omitempty"`
	}
	echo2Fault struct {
		XMLName xml.Name `xml:"urn:test:echo2 EchoFault"`
		Code    string   `xml:"code,omitempty"`
	}
)

var (
	since  = time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)
	sunset = time.Date(2028, time.July, 1, 12, 0, 0, 0, time.FixedZone("", 3*3600))
)

// twoVersions serves two contracts beside each other, the first deprecated.
func twoVersions(t *testing.T) (both http.Handler, first *echo) {
	t.Helper()
	first = newEcho(t, func(c *soap.Config) {
		c.Deprecation = soap.Deprecation{Since: since, Sunset: sunset, Successor: "/echo2"}
		c.OtherVersions = map[string]string{"urn:test:echo2": "/echo2"}
	})
	second, err := soap.New(soap.Config{
		Path:        "/echo2",
		Description: file(t, "testdata/echo2.wsdl"),
		Schemas:     map[string][]byte{"echo2.xsd": file(t, "testdata/echo2.xsd")},
		Operations: []soap.AnyOperation{soap.Operation[echo2Request, echo2Response]{
			Name: "Echo",
			Handle: func(_ context.Context, in *echo2Request) (*echo2Response, error) {
				return &echo2Response{Words: in.Words}, nil
			},
		}},
		FaultDetails: []any{(*echo2Fault)(nil)},
		Faults: func(_ context.Context, err error) soap.Fault {
			var e *soap.Error
			if !errors.As(err, &e) {
				t.Errorf("error %v", err)
			}
			return soap.Fault{Sender: true, Reason: e.Reason, Detail: &echo2Fault{Code: string(e.Kind)}}
		},
		PublicURL: "https://public.example", Hosts: []string{"localhost"},
		OtherVersions: map[string]string{"urn:test:echo": "/echo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/echo", first)
	mux.Handle("/echo2", second)
	return mux, first
}

func ask(t *testing.T, h http.Handler, method, target, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host = "localhost:8080"
	r.Header.Set("Content-Type", "text/xml; charset=utf-8")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func TestTwoVersionsAreServedBesideEachOther(t *testing.T) {
	both, first := twoVersions(t)
	one, two := envelope11(say(hello)), envelope11(`<EchoRequest xmlns="urn:test:echo2"><words>hello</words></EchoRequest>`)
	for _, test := range []struct {
		target, body string
		status       int
		want         []string
	}{
		{"/echo", one, 200, []string{`<EchoResponse xmlns="urn:test:echo">`}},
		{"/echo2", two, 200, []string{`<EchoResponse xmlns="urn:test:echo2"><words>hello</words>`}},
		{"/echo", two, 500, []string{"UNKNOWN_OPERATION", "urn:test:echo2 is served at /echo2", "here it is urn:test:echo."}},
		{"/echo2", one, 500, []string{"UNKNOWN_OPERATION", "urn:test:echo is served at /echo", "here it is urn:test:echo2."}},
		{"/echo2", envelope11(`<FailRequest xmlns="urn:test:echo"/>`), 500, []string{"UNKNOWN_OPERATION", "is served at /echo,"}},
		{"/echo2", envelope11(`<EchoRequest xmlns="urn:test:echo3"/>`), 500, []string{"must be in the namespace urn:test:echo2."}},
	} {
		a := ask(t, both, http.MethodPost, test.target, test.body)
		for _, want := range test.want {
			if a.status != test.status || !strings.Contains(a.body, want) {
				t.Errorf("%s at %s: %d %s, want %s", test.body, test.target, a.status, a.body, want)
			}
		}
	}
	if first.effects.Load() != 1 {
		t.Errorf("%d handlers ran", first.effects.Load())
	}
	for target, namespace := range map[string]string{"/echo": "urn:test:echo", "/echo2": "urn:test:echo2"} {
		a := ask(t, both, http.MethodGet, target+"?wsdl", "")
		if !strings.Contains(a.body, ` targetNamespace="`+namespace+`"`) || !strings.Contains(a.body, `<soap:address location="http://localhost:8080`+target+`"/>`) {
			t.Errorf("%s: %s", target, a.body)
		}
	}
}

func TestADeprecatedContractSaysSoInEachAnswer(t *testing.T) {
	both, _ := twoVersions(t)
	requests := []struct{ method, query, body string }{
		{http.MethodPost, "", envelope11(say(hello))}, {http.MethodPost, "", envelope11(fail("SENDER"))}, {http.MethodPost, "", "x"},
		{http.MethodGet, "?wsdl", ""}, {http.MethodGet, "", ""}, {http.MethodGet, "?x", ""}, {http.MethodPut, "", ""},
	}
	for _, q := range requests {
		h := ask(t, both, q.method, "/echo"+q.query, q.body).header
		if h.Get("Deprecation") != "@1798761600" || h.Get("Sunset") != "Sat, 01 Jul 2028 09:00:00 GMT" || h.Get("Link") != `</echo2>; rel="successor-version"` {
			t.Errorf("%s %s: %v", q.method, q.query, h)
		}
		h = ask(t, both, q.method, "/echo2"+q.query, q.body).header
		for _, name := range []string{"Deprecation", "Sunset", "Link"} {
			if h.Get(name) != "" {
				t.Errorf("%s %s: %s of what is not deprecated: %s", q.method, q.query, name, h.Get(name))
			}
		}
	}
}

func TestThePageTellsOfOtherVersions(t *testing.T) {
	both, _ := twoVersions(t)
	page := ask(t, both, http.MethodGet, "/echo", "").body
	for _, want := range []string{
		`deprecated since <time datetime="2027-01-01">1 January 2027</time>`, `until <time datetime="2028-07-01">1 July 2028</time>`, `<a href="/echo2">/echo2</a>`,
		`<code>urn:test:echo2</code>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if page := ask(t, both, http.MethodGet, "/echo2", "").body; strings.Contains(page, "deprecated") || !strings.Contains(page, `<a href="/echo">/echo</a>`) {
		t.Error("the page of the later version is wrong")
	}
}

func TestADeprecationIsChecked(t *testing.T) {
	for want, d := range map[string]soap.Deprecation{
		"":                    {Since: since, Sunset: since},
		"no Since":            {Sunset: sunset},
		"no Since ":           {Successor: "/echo2"},
		"before its Since":    {Since: sunset, Sunset: since},
		"no http":             {Since: since, Successor: "javascript:alert(1)"},
		"no http ":            {Since: since, Successor: "echo2"},
		"no http or https ":   {Since: since, Successor: "//other/echo2"},
		"no path":             {Since: since, Successor: "/echo2>; rel=\"x"},
		"https URL and no pa": {Since: since, Successor: "ftp://other/echo2"},
	} {
		c := new(echo).config(t)
		c.Deprecation = d
		_, err := soap.New(c)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want))) {
			t.Errorf("%+v: error %v, want %q", d, err, want)
		}
	}
	c := new(echo).config(t)
	c.OtherVersions = map[string]string{"urn:test:echo": "/echo"}
	if _, err := soap.New(c); err == nil || !strings.Contains(err.Error(), "OtherVersions") {
		t.Errorf("its own namespace is one of OtherVersions: %v", err)
	}
}
