package soap_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/soap"
)

func zipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRow14TheBodyIsLimitedAlsoUnpacked(t *testing.T) {
	for name, test := range map[string]struct {
		body   string
		gzip   bool
		beyond bool
	}{
		"plain, at the limit":      {pad(1000), false, false},
		"plain, beyond":            {pad(1001), false, true},
		"packed, at the limit":     {zipped(t, pad(1000)), true, false},
		"packed, unpacks to more":  {zipped(t, pad(1001)), true, true},
		"packed, unpacks to a lot": {zipped(t, pad(50<<20)), true, true},
	} {
		for _, sized := range []bool{true, false} {
			e := newEcho(t, func(c *soap.Config) { c.BodyLimit = 1000 })
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader(test.body))
			r.Header.Set("Content-Type", "text/xml")
			if test.gzip {
				r.Header.Set("Content-Encoding", "gzip")
			}
			if !sized {
				r.ContentLength = -1
			}
			a := e.do(t, r)
			if test.beyond {
				e.expectFault(t, a, soap.LimitExceeded)
				if a.status != http.StatusInternalServerError {
					t.Errorf("%s: status %d", name, a.status)
				}
			} else {
				expectEcho(t, a, soap.SOAP11)
			}
		}
	}
}

func TestRow18GzipOfRequests(t *testing.T) {
	for _, coding := range []string{"gzip", "x-gzip", "GZIP"} {
		e := newEcho(t, nil)
		expectEcho(t, e.send(t, zipped(t, envelope11(say(hello))), "Content-Type", "text/xml", "Content-Encoding", coding), soap.SOAP11)
	}
	e := newEcho(t, nil)
	expectEcho(t, e.send(t, envelope11(say(hello)), "Content-Type", "text/xml", "Content-Encoding", "identity"), soap.SOAP11)
	whole := zipped(t, envelope11(say(hello)))
	sum := []byte(whole)
	sum[len(sum)-6] ^= 1 // of the checksum
	for _, broken := range []string{envelope11(say(hello)), "", whole[:50], string(sum), whole + "x"} {
		e := newEcho(t, nil)
		e.expectFault(t, e.send(t, broken, "Content-Type", "text/xml", "Content-Encoding", "gzip"), soap.Malformed)
	}
	for _, coding := range []string{"deflate", "br", "gzip, gzip", "gzip, deflate"} {
		e := newEcho(t, nil)
		a := e.send(t, envelope11(say(hello)), "Content-Type", "text/xml", "Content-Encoding", coding)
		if a.status != http.StatusUnsupportedMediaType || a.header.Get("Accept-Encoding") == "" || e.effects.Load() != 0 {
			t.Errorf("%s: %d", coding, a.status)
		}
	}
}

func TestRow18GzipOfAnswers(t *testing.T) {
	e := newEcho(t, nil)
	long := envelope11(`<FailRequest xmlns="urn:test:echo"><how>LONG</how></FailRequest>`)
	for accept, want := range map[string]bool{
		"gzip": true, "gzip, deflate": true, "deflate, x-gzip": true, "br;q=1, gzip;q=0.5": true, "gzip;q=1.0": true,
		"": false, "none": false, "deflate": false, "gzip;q=0": false, "gzip; q=0.000": false, "gzipped": false,
	} {
		a := e.send(t, long, "Content-Type", "text/xml", "Accept-Encoding", accept)
		if (a.header.Get("Content-Encoding") == "gzip") != want {
			t.Errorf("%q: %v", accept, a.header)
		}
		if a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) || a.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: %v", accept, a.header)
		}
		if want {
			z, err := gzip.NewReader(strings.NewReader(a.body))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil || !strings.Contains(string(plain), "long long") {
				t.Errorf("%q: %v, %s", accept, err, plain)
			}
		}
	}
	if a := e.send(t, envelope11(say(hello)), "Content-Type", "text/xml", "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Error("a small answer is packed")
	}
}

func TestRow18OtherMethods(t *testing.T) {
	e := newEcho(t, nil)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch, http.MethodTrace, "PROPFIND"} {
		a := e.do(t, httptest.NewRequestWithContext(t.Context(), method, "/echo", strings.NewReader(envelope11(say(hello)))))
		if a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD, POST" || e.effects.Load() != 0 {
			t.Errorf("%s: %d %v", method, a.status, a.header)
		}
	}
}

// serve runs the service on loopback.
func serve(t *testing.T, e *echo, readTimeout time.Duration) string {
	t.Helper()
	server := httptest.NewUnstartedServer(e)
	server.Config.ReadTimeout = readTimeout
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// talk writes what is given, piece by piece, and gives all that comes back
// until the other side closes or waits.
func talk(t *testing.T, address string, pieces ...string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var answer bytes.Buffer
	buf := make([]byte, 64<<10)
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Logf("writing: %v", err)
			break
		}
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		n, _ := conn.Read(buf)
		answer.Write(buf[:n])
	}
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	_, _ = io.Copy(&answer, conn)
	return answer.String()
}

func TestRow18TransportsOfOldAndNewClients(t *testing.T) {
	doc := envelope11(say(hello))
	length := "Content-Length: " + strconv.Itoa(len(doc)) + "\r\n"
	const head = "Host: localhost\r\nContent-Type: text/xml\r\n"
	half := len(doc) / 2
	chunks := strconv.FormatInt(int64(half), 16) + "\r\n" + doc[:half] + "\r\n" + strconv.FormatInt(int64(len(doc)-half), 16) + ";x=y\r\n" + doc[half:] + "\r\n0\r\n\r\n"
	for name, test := range map[string]struct {
		pieces  []string
		want    []string
		answers int
	}{
		"chunked":                    {[]string{"POST /echo HTTP/1.1\r\n" + head + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks}, []string{"HTTP/1.1 200", "Connection: close"}, 1},
		"Expect: 100-continue":       {[]string{"POST /echo HTTP/1.1\r\n" + head + "Connection: close\r\nExpect: 100-continue\r\n" + length + "\r\n", doc}, []string{"HTTP/1.1 100 Continue", "HTTP/1.1 200"}, 1},
		"HTTP/1.0":                   {[]string{"POST /echo HTTP/1.0\r\n" + head + length + "\r\n" + doc}, []string{"HTTP/1.0 200", "Content-Length: "}, 1},
		"HTTP/1.0 kept alive":        {[]string{"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n" + head + length + "\r\n" + doc, "POST /echo HTTP/1.0\r\n" + head + length + "\r\n" + doc}, []string{"Connection: keep-alive"}, 2},
		"kept alive":                 {[]string{"POST /echo HTTP/1.1\r\n" + head + length + "\r\n" + doc, "POST /echo HTTP/1.1\r\nConnection: TE, close\r\n" + head + length + "\r\n" + doc}, []string{"HTTP/1.1 200"}, 2},
		"Upgrade: h2c is ignored":    {[]string{"POST /echo HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" + head + length + "\r\n" + doc}, []string{"HTTP/1.1 200"}, 1},
		"GET with Content-Length: 0": {[]string{"GET /echo?wsdl HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n" + head + "\r\n"}, []string{"HTTP/1.1 200", "wsdl:definitions"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := talk(t, serve(t, newEcho(t, nil), 0), test.pieces...)
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %s\nwant %s", got, want)
				}
			}
			if n := strings.Count(got, " 200 OK"); n != test.answers {
				t.Errorf("%d answers in %s", n, got)
			}
		})
	}
}

func TestRow14TheFaultReachesAClientThatStillWrites(t *testing.T) {
	e := newEcho(t, nil)
	address := serve(t, e, 10*time.Second)
	doc := pad(3 << 20)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/echo", strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	e.expectFault(t, answer{response.StatusCode, response.Header, string(body)}, soap.LimitExceeded)
}

func TestRow14AClientThatWaitsIsNotLetWriteTooMuch(t *testing.T) {
	got := talk(t, serve(t, newEcho(t, nil), 10*time.Second),
		"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n")
	if strings.Contains(got, "100 Continue") || !strings.Contains(got, "LIMIT_EXCEEDED") {
		t.Errorf("got %s", got)
	}
}

func TestRow14ASlowBodyRunsIntoTheDeadline(t *testing.T) {
	e := newEcho(t, nil)
	got := talk(t, serve(t, e, 200*time.Millisecond), "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 100\r\n\r\n<s:")
	if !strings.HasPrefix(got, "HTTP/1.1 408") || e.effects.Load() != 0 {
		t.Errorf("got %s", got)
	}
}

func TestABodyThatIsCutOffIsNotAnswered200(t *testing.T) {
	e := newEcho(t, nil)
	address := serve(t, e, 10*time.Second)
	doc := envelope11(say(hello))
	got := talk(t, address, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"+
		strconv.FormatInt(int64(len(doc)), 16)+"\r\n"+doc+"\r\nnonsense\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 400") || e.effects.Load() != 0 {
		t.Errorf("got %s", got)
	}
}
