package soap_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// get asks for a document with a Host and further headers.
func (e *echo) get(t testing.TB, target, host string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	r.Host = host
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return e.do(t, r)
}

func TestRow15AnyLetterCaseOfWSDL(t *testing.T) {
	e := newEcho(t, nil)
	for _, query := range []string{"wsdl", "WSDL", "Wsdl", "wsdl="} {
		a := e.get(t, "/echo?"+query, "localhost:8080")
		if a.status != 200 || a.header.Get("Content-Type") != "text/xml; charset=utf-8" {
			t.Fatalf("%s: %d %v", query, a.status, a.header)
		}
		if _, err := xmlreader.ReadDocument(a.body, xmlreader.Limits{}); err != nil {
			t.Error(err)
		}
		for _, want := range []string{
			`<soap:address location="http://localhost:8080/echo"/>`, `<soap12:address location="http://localhost:8080/echo"/>`,
			`schemaLocation="http://localhost:8080/echo?xsd=echo.xsd"`,
		} {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s lacks %s", a.body, want)
			}
		}
	}
}

func TestRow15TheSchemaIsServedAsItIs(t *testing.T) {
	e := newEcho(t, nil)
	for _, query := range []string{"xsd=echo.xsd", "XSD=echo.xsd", "xsd=echo%2Exsd"} {
		if a := e.get(t, "/echo?"+query, "localhost"); a.status != 200 || a.body != string(file(t, "testdata/echo.xsd")) || a.header.Get("Content-Type") != "text/xml; charset=utf-8" {
			t.Errorf("%s: %d", query, a.status)
		}
	}
	for _, query := range []string{"xsd=", "xsd", "xsd=../server.go", "xsd=other.xsd", "xsd=%zz", "disco", "x=wsdl"} {
		if a := e.get(t, "/echo?"+query, "localhost"); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", query, a.status)
		}
	}
}

func TestRow15OnlyExpectedHostsAreReflected(t *testing.T) {
	e := newEcho(t, nil)
	for host, want := range map[string]string{
		"localhost": "http://localhost/echo", "localhost:1": "http://localhost:1/echo", "LOCALHOST:8080": "http://LOCALHOST:8080/echo", "[::1]:8080": "http://[::1]:8080/echo", "[::1]": "http://[::1]/echo",
		"evil.example": "", "localhost.evil.example": "", "localhost:x": "", "localhost:": "", `localhost:80"/><x`: "", "": "", "[localhost]:80": "", "localhost:80:80": "", "::1": "", "[::1]80": "", "[::1": "", "[::1]:": "",
	} {
		if want == "" {
			want = "https://public.example/echo"
		}
		if a := e.get(t, "/echo?wsdl", host); !strings.Contains(a.body, `location="`+want+`"`) {
			t.Errorf("%q: %s", host, a.body)
		}
	}
}

func TestRow15ForwardedHeadersAreBelievedFromKnownProxiesOnly(t *testing.T) {
	forwarded := []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "api.example, inner"}
	for name, test := range map[string]struct {
		proxies []netip.Prefix
		headers []string
		want    string
	}{
		"unknown proxy":    {nil, forwarded, "http://localhost/echo"},
		"other proxy":      {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, forwarded, "http://localhost/echo"},
		"known proxy":      {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, forwarded, "https://api.example/echo"},
		"protocol only":    {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, forwarded[:2], "https://localhost/echo"},
		"unknown protocol": {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []string{"X-Forwarded-Proto", "javascript"}, "http://localhost/echo"},
		"unexpected host":  {[]netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, []string{"X-Forwarded-Host", "evil.example"}, "https://public.example/echo"},
	} {
		e := newEcho(t, func(c *soap.Config) {
			c.TrustedProxies = test.proxies // httptest's peer is 192.0.2.1
			c.Hosts = append(c.Hosts, "api.example")
		})
		if a := e.get(t, "/echo?wsdl", "localhost", test.headers...); !strings.Contains(a.body, `<soap:address location="`+test.want+`"/>`) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

func TestRow15TLSIsHTTPS(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/echo?wsdl", nil)
	r.Host, r.TLS = "localhost", &tls.ConnectionState{}
	if a := newEcho(t, nil).do(t, r); !strings.Contains(a.body, `location="https://localhost/echo"`) {
		t.Errorf("got %s", a.body)
	}
}
