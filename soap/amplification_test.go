package soap_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"registrar/soap"
)

// TestNoSmallMessageMakesALargeAnswer: faults name what is wrong, but not a
// thousand times, and not at any length.
func TestNoSmallMessageMakesALargeAnswer(t *testing.T) {
	t.Parallel()
	server := newEcho(t, nil)
	block := func(n int, name string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(name, "#", strings.Repeat("x", i%200+1)))
		}
		return b.String()
	}
	for name, tt := range map[string]struct{ space, header string }{
		"a long namespace, many blocks":  {strings.Repeat("q", 900_000), block(900, `<w:n s:mustUnderstand="1"/>`)},
		"a namespace at its limit":       {strings.Repeat("&amp;", 1000), block(900, `<w:n# s:mustUnderstand="1"/>`)},
		"the same block again and again": {"urn:w", block(900, `<w:n s:mustUnderstand="1"/>`)},
	} {
		for _, version := range []string{soap.Envelope11, soap.Envelope12} {
			envelope := `<s:Envelope xmlns:s="` + version + `"><s:Header xmlns:w="` + tt.space + `">` + tt.header + `</s:Header><s:Body><e:echoRequest xmlns:e="urn:echo"/></s:Body></s:Envelope>`
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader(envelope))
			req.Header.Set("Content-Type", "text/xml")
			rec := httptest.NewRecorder()
			server.ServeHTTP(rec, req)
			if rec.Body.Len() > 256<<10 || !strings.Contains(rec.Body.String(), "Fault") {
				t.Errorf("%s: %d bytes were answered with %d", name, len(envelope), rec.Body.Len())
			}
		}
	}
}

// promise is a body that is announced and does not come.
type promise struct{}

func (promise) Read([]byte) (int, error) { return 0, http.ErrBodyReadAfterClose }

// TestNoMemoryForAPromise: a Content-Length alone costs next to nothing.
func TestNoMemoryForAPromise(t *testing.T) {
	server := newEcho(t, nil)
	const times = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", promise{})
		req.Header.Set("Content-Type", "text/xml")
		req.ContentLength = 1 << 20
		server.ServeHTTP(httptest.NewRecorder(), req)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 256<<10 {
		t.Errorf("each took %d bytes", each)
	}
}

func TestTwoContentTypesAreRefused(t *testing.T) {
	t.Parallel()
	server := newEcho(t, nil)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader("<x/>"))
	req.Header["Content-Type"] = []string{"text/xml", "application/soap+xml"}
	rec := httptest.NewRecorder()
	server.ServeHTTP(rec, req)
	if rec.Code != http.StatusUnsupportedMediaType {
		t.Errorf("HTTP %d", rec.Code)
	}
}
