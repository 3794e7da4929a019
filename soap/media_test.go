package soap

import (
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzMedia: what mime.ParseMediaType can read, this package reads alike; what
// it cannot, such as unquoted URIs, may be read or refused.
func FuzzMedia(f *testing.F) {
	for _, contentType := range []string{
		"text/xml", "text/xml; charset=utf-8", `text/xml;charset="UTF-8"`, "TEXT/XML ; Charset = 'utf-8'", "application/soap+xml;charset=utf-8;action=urn:a/b",
		`application/soap+xml; action="urn:a\"b\\c"; charset=utf-8`, "application/soap+xml;action=http://a/b?c=d", "text/xml; charset=a; charset=b", "text/xml; charset",
		"text/xml; charset*=utf-8''x", `text/xml; a="b;charset=c"; charset=d`, "text/xml;", "text/xml; =", "multipart/related; type=\"text/xml\"", "text/xml, text/html", "",
		"application/soap+xml; charset=\"utf-8", "text/xml; charset=utf-8 ; ;", "text/xml\t;\tcharset=utf-8", "application/xop+xml",
	} {
		f.Add(contentType, `"urn:a/b"`)
	}
	f.Add("text/xml", "''")
	f.Add("text/xml", `"`)
	f.Add("text/xml", " urn:a ")
	f.Fuzz(func(t *testing.T, contentType, action string) {
		h := http.Header{"Content-Type": {contentType}, "Soapaction": {action}}
		m, ok := parseMedia(h)
		kind, _, _ := strings.Cut(contentType, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
		if ok && (kind != "text/xml" || m.version != SOAP11) && (kind != "application/soap+xml" || m.version != SOAP12) {
			t.Fatalf("%q is taken as %s", contentType, m.version)
		}
		if slices.ContainsFunc(m.actions, func(a string) bool { return a == "" || a != strings.TrimSpace(a) }) {
			t.Fatalf("%q gives %q", action, m.actions)
		}
		theirs, parameters, err := mime.ParseMediaType(contentType)
		if err != nil || theirs != kind || strings.ContainsAny(contentType, `*\`) {
			return // asterisks are of mail (RFC 2231), and mime keeps some backslashes, for paths of Windows
		}
		if want := kind == "text/xml" || kind == "application/soap+xml"; ok != want {
			t.Fatalf("%q: %v", contentType, ok)
		}
		if !ok {
			return
		}
		if m.charset != unquote(parameters["charset"]) { // some clients write single quotes
			t.Fatalf("%q has the charset %q, here %q", contentType, parameters["charset"], m.charset)
		}
		if a := strings.TrimSpace(unquote(parameters["action"])); a != "" && !slices.Contains(m.actions, a) {
			t.Fatalf("%q has the action %q, here %q", contentType, a, m.actions)
		}
	})
}

// FuzzAcceptsGzip: only a client that names gzip gets it.
func FuzzAcceptsGzip(f *testing.F) {
	for _, accepted := range []string{"gzip", "gzip;q=0", "gzip; q=0.000", "deflate, gzip;q=1.0", "*", "identity", "x-gzip", "GZIP ; Q=0.5", "gzip;;q", ",,"} {
		f.Add(accepted)
	}
	f.Fuzz(func(t *testing.T, accepted string) {
		if acceptsGzip(http.Header{"Accept-Encoding": {accepted}}) && !strings.Contains(strings.ToLower(accepted), "gzip") {
			t.Fatalf("%q accepts gzip", accepted)
		}
	})
}
