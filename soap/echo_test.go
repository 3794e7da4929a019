package soap_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/soap"
)

// The types of testdata/echo.xsd, in the shape that gowsdl generates.
type (
	text string
	how  string

	echoRequest struct {
		XMLName xml.Name  `xml:"urn:test:echo EchoRequest"`
		Text    *text     `xml:"text,omitempty"`
		Code    *text     `xml:"code,omitempty"`
		Flag    bool      `xml:"flag,omitempty"`
		Count   int32     `xml:"count,omitempty"`
		At      time.Time `xml:"at,omitempty"`
		Note    *string   `xml:"note,omitempty"`
	}
	echoResponse struct {
		XMLName xml.Name  `xml:"urn:test:echo EchoResponse"`
		Text    string    `xml:"text,omitempty"`
		Flag    bool      `xml:"flag,omitempty"`
		Count   int32     `xml:"count,omitempty"`
		At      time.Time `xml:"at,omitempty"`
		Note    string    `xml:"note,omitempty"`
	}
	failRequest struct {
		XMLName xml.Name `xml:"urn:test:echo FailRequest"`
		How     *how     `xml:"how,omitempty"`
	}
	failResponse struct {
		XMLName xml.Name `xml:"urn:test:echo FailResponse"`
	}
	field struct {
		Name    string `xml:"name,omitempty"`
		Code    string `xml:"code,omitempty"`
		Message string `xml:"message,omitempty"`
	}
	echoFault struct {
		XMLName   xml.Name `xml:"urn:test:echo EchoFault"`
		Code      string   `xml:"code,omitempty"`
		Retryable bool     `xml:"retryable,omitempty"`
		Field     []*field `xml:"field,omitempty"`
	}
)

var (
	errSender   = errors.New("the sender's <fault>")
	errReceiver = errors.New("secret text of a driver")
	errRetry    = errors.New("busy")
	errDetail   = errors.New("a detail of no known type")
	errLong     = errors.New("long")
)

// echo is the test's service.
type echo struct {
	*soap.Server
	effects   atomic.Int32 // how many handlers ran
	exchanges chan soap.Exchange
	log       bytes.Buffer
}

// newEcho makes the service; change adapts its configuration.
func newEcho(t testing.TB, change func(*soap.Config)) *echo {
	t.Helper()
	e := &echo{exchanges: make(chan soap.Exchange, 1000)}
	c := e.config(t)
	if change != nil {
		change(&c)
	}
	s, err := soap.New(c)
	if err != nil {
		t.Fatal(err)
	}
	e.Server = s
	return e
}

func (e *echo) config(t testing.TB) soap.Config {
	t.Helper()
	return soap.Config{
		Path:         "/echo",
		Description:  file(t, "testdata/echo.wsdl"),
		Schemas:      map[string][]byte{"echo.xsd": file(t, "testdata/echo.xsd")},
		FaultDetails: []any{(*echoFault)(nil)},
		Faults:       faults,
		PublicURL:    "https://public.example/",
		Hosts:        []string{"localhost", "::1"},
		Log:          slog.New(slog.NewTextHandler(&e.log, nil)),
		Observe: func(_ context.Context, x soap.Exchange) {
			select {
			case e.exchanges <- x:
			default:
			}
		},
		Operations: []soap.AnyOperation{
			soap.Operation[echoRequest, echoResponse]{Name: "Echo", Handle: e.echo, Check: check},
			soap.Operation[failRequest, failResponse]{Name: "Fail", Handle: e.fail},
		},
	}
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (e *echo) echo(_ context.Context, in *echoRequest) (*echoResponse, error) {
	e.effects.Add(1)
	out := &echoResponse{Text: string(*in.Text), Flag: in.Flag, Count: in.Count, At: in.At}
	if in.Note != nil {
		out.Note = *in.Note
	}
	return out, nil
}

// check is a rule beyond the schema: what is there begins with a letter.
func check(in *echoRequest, _ []soap.Violation) (wrong []soap.Violation) {
	for _, f := range []struct {
		name  string
		value *text
	}{{"text", in.Text}, {"code", in.Code}} {
		if f.value == nil || (*f.value)[0] < 'A' {
			wrong = append(wrong, soap.Violation{Element: f.name, Rule: "LETTER", Message: "must begin with a letter"})
		}
	}
	return wrong
}

func (e *echo) fail(_ context.Context, in *failRequest) (*failResponse, error) {
	e.effects.Add(1)
	switch *in.How {
	case "SENDER":
		return nil, errSender
	case "RECEIVER":
		return nil, errReceiver
	case "RETRY":
		return nil, errRetry
	case "DETAIL":
		return nil, errDetail
	case "LONG":
		return nil, errLong
	case "PANIC":
		panic("s3cr3t value")
	default:
		return nil, nil //nolint:nilnil // what a wrong handler gives
	}
}

func faults(_ context.Context, err error) soap.Fault {
	var e *soap.Error
	switch {
	case errors.As(err, &e):
		detail := &echoFault{Code: string(e.Kind)}
		for _, v := range e.Violations {
			detail.Field = append(detail.Field, &field{v.Element, string(v.Rule), v.Message})
		}
		return soap.Fault{Sender: e.Kind != soap.Internal, Reason: e.Reason, Detail: detail}
	case errors.Is(err, errSender):
		return soap.Fault{Sender: true, Reason: "هذا خطؤك <&>", Lang: "ar", Detail: &echoFault{Code: "SENDER"}}
	case errors.Is(err, errRetry):
		return soap.Fault{Sender: true, Reason: "Later.", RetryAfter: 1500 * time.Millisecond, Detail: &echoFault{Code: "RETRY", Retryable: true}}
	case errors.Is(err, errDetail):
		return soap.Fault{Reason: "No detail.", Detail: &field{}}
	case errors.Is(err, errLong):
		return soap.Fault{Reason: strings.Repeat("long ", 1000)}
	default:
		return soap.Fault{Reason: "The service failed.", Detail: &echoFault{Code: "INTERNAL", Retryable: true}}
	}
}

// envelope11 and envelope12 put the content of a Body into an envelope.
func envelope11(body string) string {
	return `<s:Envelope xmlns:s="` + soap.Envelope11 + `"><s:Body>` + body + `</s:Body></s:Envelope>`
}

func envelope12(body string) string {
	return strings.ReplaceAll(envelope11(body), soap.Envelope11, soap.Envelope12)
}

// say is a request for Echo.
func say(content string) string {
	return `<EchoRequest xmlns="urn:test:echo">` + content + `</EchoRequest>`
}

const hello = `<text>hello</text>`

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// send sends a body with headers given in pairs.
func (e *echo) send(t testing.TB, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return e.do(t, r)
}

func (e *echo) do(t testing.TB, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{w.Code, w.Header(), string(body)}
}

// xml11 and xml12 send an envelope under the media type of its version.
func (e *echo) xml11(t testing.TB, body string) answer {
	t.Helper()
	return e.send(t, body, "Content-Type", "text/xml; charset=utf-8")
}

func (e *echo) xml12(t testing.TB, body string) answer {
	t.Helper()
	return e.send(t, body, "Content-Type", "application/soap+xml; charset=utf-8")
}

// kind is the soap.Kind that the fault's detail tells, "" without a detail.
func (a answer) kind() soap.Kind {
	_, after, _ := strings.Cut(a.body, `<EchoFault xmlns="urn:test:echo"><code>`)
	kind, _, _ := strings.Cut(after, "<")
	return soap.Kind(kind)
}

// expectFault checks that a is a fault of that kind and that nothing was done.
func (e *echo) expectFault(t testing.TB, a answer, kind soap.Kind) {
	t.Helper()
	if a.kind() != kind || a.status < 400 {
		t.Errorf("got %d %s\nwant a fault of %s", a.status, a.body, kind)
	}
	if e.effects.Load() != 0 {
		t.Error("a handler ran")
	}
}

// expectEcho checks that a is the answer of Echo to hello.
func expectEcho(t testing.TB, a answer, v soap.Version) {
	t.Helper()
	if a.status != http.StatusOK || !strings.Contains(a.body, `<soap:Envelope xmlns:soap="`+v.Space()+`">`) || !strings.Contains(a.body, "<text>hello</text>") {
		t.Errorf("got %d %s\nwant an echo in SOAP %s", a.status, a.body, v)
	}
}
