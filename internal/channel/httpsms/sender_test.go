package httpsms_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/channel/httpsms"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const text = "Registrar: \"ada\" & 100% + ✓\nتم"

var message = notify.Message{NotificationID: registration.ID{0x01, 0x99, 15: 7}, To: "+447700900123", Text: text}

const messageID = "01990000-0000-0000-0000-000000000007"

// gateway is a real HTTP server with one handler.
func gateway(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func newSender(t *testing.T, c httpsms.Config) *httpsms.Sender {
	t.Helper()
	s, err := httpsms.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// A request as Twilio's Messages resource takes it.
func TestForm(t *testing.T) {
	url := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" || user != "AC1" || password != "to:ken" {
			t.Errorf("%s %s as %q", r.Method, r.URL.Path, user)
		}
		if r.PostFormValue("To") != message.To || r.PostFormValue("From") != "+15005550006" || r.PostFormValue("Body") != text {
			t.Errorf("form: %v", r.PostForm)
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid": "SM123", "status": "queued"}`)
	})
	s := newSender(t, httpsms.Config{
		URL: url + "/2010-04-01/Accounts/{{path .Secrets.sid}}/Messages.json",
		Headers: map[string]string{
			"Authorization": "Basic {{basic .Secrets.sid .Secrets.token}}",
			"Content-Type":  "application/x-www-form-urlencoded",
		},
		Body:    "To={{query .To}}&From=%2B15005550006&Body={{urlescape .Text}}",
		Secrets: map[string]string{"sid": "AC1", "token": "to:ken"},
		IDPath:  "sid",
	})
	receipt, err := s.Send(t.Context(), message)
	if err != nil || receipt.Ref != "SM123" || receipt.State != registration.Accepted {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestJSON(t *testing.T) {
	url := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Messages []struct{ To, Text, Ref string }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		if len(body.Messages) != 1 || body.Messages[0].To != message.To || body.Messages[0].Text != text || body.Messages[0].Ref != messageID {
			t.Errorf("%+v", body)
		}
		if r.Header.Get("X-Api-Key") != "k1" || r.Header.Get("Idempotency-Key") != messageID || r.Method != http.MethodPut {
			t.Errorf("%s %v", r.Method, r.Header)
		}
		_, _ = io.WriteString(w, `{"messages": [{"id": 18446744073709551615}]}`)
	})
	s := newSender(t, httpsms.Config{
		Method: "PUT", URL: url,
		Headers: map[string]string{"X-Api-Key": "{{.Secrets.key}}", "Content-Type": "application/json", "Idempotency-Key": "{{.ID}}"},
		Body:    `{"messages": [{"to": {{json .To}}, "text": {{json .Text}}, "ref": "{{.ID}}"}]}`,
		Secrets: map[string]string{"key": "k1"}, IDPath: "messages.0.id",
	})
	if receipt, err := s.Send(t.Context(), message); err != nil || receipt.Ref != "18446744073709551615" {
		t.Errorf("%+v, %v", receipt, err)
	}
}

func TestStatuses(t *testing.T) {
	var status atomic.Int64
	var asked atomic.Int64
	url := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(status.Load()))
		if status.Load() != 204 && status.Load() != 304 {
			_, _ = io.WriteString(w, "+447700900123 is not known")
		}
	})
	byDefault := newSender(t, httpsms.Config{URL: url, Body: "{{.To}}"})
	chosen := newSender(t, httpsms.Config{URL: url, Body: "{{.To}}", Statuses: httpsms.Statuses{
		Accepted: []string{"202", "409"}, Permanent: []string{"2xx", "503"}, Ambiguous: []string{"504"}, Transient: []string{"4xx"}, Throttled: []string{"420"}}})
	const ok = notify.Class("")
	for _, c := range []struct {
		status          int
		byDefault, with notify.Class
	}{
		{200, ok, notify.Permanent}, {202, ok, ok}, {204, ok, notify.Permanent},
		{301, notify.Transient, notify.Transient}, {302, notify.Transient, notify.Transient}, {307, notify.Transient, notify.Transient}, {304, notify.Transient, notify.Transient},
		{400, notify.Permanent, notify.Transient}, {404, notify.Permanent, notify.Transient}, {409, notify.Permanent, ok}, {422, notify.Permanent, notify.Transient},
		{401, notify.Transient, notify.Transient}, {402, notify.Transient, notify.Transient}, {408, notify.Transient, notify.Transient}, {429, notify.Throttled, notify.Transient}, {420, notify.Permanent, notify.Throttled},
		{500, notify.Transient, notify.Transient}, {503, notify.Transient, notify.Permanent}, {504, notify.Transient, notify.Ambiguous}, {599, notify.Transient, notify.Transient},
		{600, notify.Ambiguous, notify.Ambiguous},
	} {
		for want, s := range map[*notify.Class]*httpsms.Sender{&c.byDefault: byDefault, &c.with: chosen} {
			status.Store(int64(c.status))
			before := asked.Load()
			_, err := s.Send(t.Context(), message)
			got := ok
			if err != nil {
				got = notify.ClassOf(err)
				if want := fmt.Sprintf("%s HTTP %d", got, c.status); err.Error() != want {
					t.Errorf("%q, want %q", err, want)
				}
			}
			if got != *want || asked.Load() != before+1 {
				t.Errorf("%d: %q after %d requests, want %q after one", c.status, got, asked.Load()-before, *want)
			}
		}
	}
}

// A gateway whose answers never come, or come in pieces.
func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		serve  func(conn net.Conn, end chan struct{})
		class  notify.Class
		status string
	}{
		{"closed after the request", func(conn net.Conn, _ chan struct{}) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
		}, notify.Ambiguous, "answer"},
		{"silent after the request", func(conn net.Conn, end chan struct{}) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			<-end
		}, notify.Ambiguous, "answer"},
		{"nonsense", func(conn net.Conn, _ chan struct{}) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "220 smtp.example.com\r\n")
		}, notify.Ambiguous, "answer"},
		{"a body that breaks off", func(conn net.Conn, _ chan struct{}) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":")
		}, "", ""},
	} {
		for _, method := range []string{"POST", "GET"} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				var connections atomic.Int64
				var running sync.WaitGroup
				end := make(chan struct{})
				running.Go(func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						connections.Add(1)
						running.Go(func() {
							defer conn.Close()
							c.serve(conn, end)
						})
					}
				})
				s := newSender(t, httpsms.Config{Method: method, URL: "http://" + l.Addr().String() + "/send?to={{query .To}}", IDPath: "id", Timeout: 300 * time.Millisecond})
				_, err = s.Send(t.Context(), message)
				close(end)
				_ = l.Close()
				running.Wait()
				if c.class == "" {
					if err != nil {
						t.Error(err)
					}
				} else if e, ok := errors.AsType[*notify.SendError](err); !ok || e.Class != c.class || e.Status != c.status || strings.Contains(fmt.Sprintf("%v %v", e, e.Err), "447700") {
					t.Errorf("%v", err)
				}
				if connections.Load() != 1 {
					t.Errorf("%d requests", connections.Load())
				}
			})
		}
	}
}

// net/http repeats a GET whose kept connection breaks: an SMS must not be.
func TestGetIsNotRepeated(t *testing.T) {
	var asked atomic.Int64
	url := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
	})
	s := newSender(t, httpsms.Config{Method: "GET", URL: url + "?to={{query .To}}"})
	if _, err := s.Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Send(t.Context(), message); notify.ClassOf(err) != notify.Ambiguous || err == nil {
		t.Errorf("%v", err)
	}
	if asked.Load() != 2 {
		t.Errorf("%d requests for two messages", asked.Load())
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	s := newSender(t, httpsms.Config{URL: "http://" + address + "/?key={{.Secrets.key}}", Secrets: map[string]string{"key": "s3cret"}})
	_, err = s.Send(t.Context(), message)
	e, ok := errors.AsType[*notify.SendError](err)
	if !ok || e.Class != notify.Transient || !e.Provider || e.Status != "connect" || strings.Contains(fmt.Sprintf("%v %v", e, e.Err), "s3cret") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Send(ctx, message)
	if e, ok := errors.AsType[*notify.SendError](err); !ok || e.Class != notify.Transient || e.Provider || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Another provider may take what this one cannot take of anybody.
func TestWhoseFailureItIs(t *testing.T) {
	var status atomic.Int64
	url := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(int(status.Load()))
	})
	s := newSender(t, httpsms.Config{URL: url, Body: "{{.To}}", Statuses: httpsms.Statuses{Transient: []string{"404"}, Throttled: []string{"420"}}})
	for code, gateways := range map[int]bool{
		302: true, 401: true, 402: true, 407: true, 408: true, 420: true, 429: true, 500: true, 503: true,
		404: false, 425: false,
	} {
		status.Store(int64(code))
		_, err := s.Send(t.Context(), message)
		if e, ok := errors.AsType[*notify.SendError](err); !ok || e.Provider != gateways || e.RetryAfter != 7*time.Second {
			t.Errorf("%d: %+v", code, e)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "1.5": 0, "soon": 0, "99999999": 24 * time.Hour, "99999999999999999999": 0,
		"Tue, 03 Feb 2026 04:05:36 GMT": 30 * time.Second, "Tue, 03 Feb 2026 04:05:05 GMT": 0, "Sun, 03 Feb 2036 04:05:05 GMT": 24 * time.Hour,
		"Tuesday, 03-Feb-26 04:06:06 GMT": time.Minute,
	} {
		if got := httpsms.RetryAfter(value, now); got != want {
			t.Errorf("%q is %s, want %s", value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "1", "-1", "Tue, 03 Feb 2026 04:05:06 GMT", "99999999999"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := httpsms.RetryAfter(value, time.Now()); d < 0 || d > 24*time.Hour {
			t.Errorf("%q is %s", value, d)
		}
	})
}

func TestNewTellsEverything(t *testing.T) {
	_, err := httpsms.New(httpsms.Config{
		Method: "DELETE", URL: "{{.Secrets.tokn}}", Body: "{{", Headers: map[string]string{"X y": "1", "X-Number": "{{.Number}}"},
		Secrets: map[string]string{"token": "s3cret"}, Statuses: httpsms.Statuses{Accepted: []string{"7xx"}},
	})
	for _, want := range []string{"method", "the URL names", "the body is not a template", "header's name", "the header X-Number names", "7xx"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %q", err, want)
		}
	}
	for name, c := range map[string]httpsms.Config{
		"no URL":              {},
		"another scheme":      {URL: "ftp://example.com"},
		"no host":             {URL: "https:///send"},
		"a header of 2 lines": {URL: "https://example.com", Headers: map[string]string{"X-Text": "{{.Text}}"}},
		"a status twice":      {URL: "https://example.com", Statuses: httpsms.Statuses{Accepted: []string{"409"}, Permanent: []string{"409"}}},
	} {
		if _, err := httpsms.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestHeaderThatBecomesTwo(t *testing.T) {
	s := newSender(t, httpsms.Config{URL: "http://127.0.0.1:1", Headers: map[string]string{"X-To": "{{.To}}"}})
	m := message
	m.To = "+1\r\nX-Other: 1"
	if _, err := s.Send(t.Context(), m); notify.ClassOf(err) != notify.Permanent || err == nil {
		t.Errorf("%v", err)
	}
}

func TestPick(t *testing.T) {
	for _, c := range []struct{ body, path, want string }{
		{`{"id":"a"}`, "id", "a"}, {`{"id":7}`, "id", "7"}, {`{"a":[{"b":"c"}]}`, "a.0.b", "c"}, {`["x"]`, "0", "x"},
		{`{"id":"a"}`, "", ""}, {`{"id":"a"}`, "other", ""}, {`{"id":null}`, "id", ""}, {`{"id":{"x":1}}`, "id", ""}, {`[1]`, "1", ""}, {`[1]`, "-1", ""}, {`"x"`, "id", ""},
		{`not JSON`, "id", ""}, {``, "id", ""}, {`{"id":"a\nb"}`, "id", ""}, {`{"id":"` + strings.Repeat("x", 129) + `"}`, "id", ""},
	} {
		if got := httpsms.Pick([]byte(c.body), c.path); got != c.want {
			t.Errorf("%s of %s: %q, want %q", c.path, c.body, got, c.want)
		}
	}
}

func FuzzPick(f *testing.F) {
	f.Add([]byte(`{"messages":[{"id":"x"}]}`), "messages.0.id")
	f.Add([]byte(`[[[1]]]`), "0.0.0")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		ref := httpsms.Pick(body, path)
		if len(ref) > 128 || strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q", ref)
		}
	})
}
