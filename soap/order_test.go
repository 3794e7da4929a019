package soap_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"registrar/soap"
)

// request is a message that a test spoils in several places.
type request struct {
	method, mediaType, coding, action string
	prolog, version, header, body     string // of the document
	inside, behind                    string // behind the Body's element, behind the root
	invalidBytes                      bool
}

func (q request) document() string {
	return q.prolog + `<s:Envelope xmlns:s="` + q.version + `"><s:Header>` + q.header + `</s:Header><s:Body>` + q.body + q.inside + `</s:Body></s:Envelope>` + q.behind
}

// TestTheOrderOfDecisions: a request with two defects is told the one that is
// decided first, wherever in the document it stands, and nothing is done.
func TestTheOrderOfDecisions(t *testing.T) {
	refusal := &soap.Error{Kind: soap.Unauthenticated, Reason: "Not you."}
	// Each is behind those before it in the order. Some are told by a status,
	// the others by the kind of a fault.
	defects := []struct {
		name   string
		spoil  func(*request)
		status int
		kind   soap.Kind
	}{
		{"method", func(q *request) { q.method = http.MethodPut }, 405, ""},
		{"media type", func(q *request) { q.mediaType = "application/json" }, 415, ""},
		{"content coding", func(q *request) { q.coding = "br" }, 415, ""},
		{"size", func(q *request) { q.behind += strings.Repeat(" ", 4096) }, 0, soap.LimitExceeded},
		{"charset", func(q *request) { q.mediaType += "; charset=utf-7" }, 0, soap.UnsupportedCharset},
		{"bytes of the charset", func(q *request) { q.invalidBytes = true }, 0, soap.Malformed},
		{"well-formedness, at the end", func(q *request) { q.behind += "<" }, 0, soap.Malformed},
		{"version", func(q *request) { q.version = "urn:other" }, 500, ""},
		{"envelope", func(q *request) { q.inside = `<x xmlns="u"/>` }, 0, soap.Malformed},
		{"mustUnderstand", func(q *request) { q.header = `<x xmlns="u" s:mustUnderstand="1"/>` }, 500, ""},
		{"dispatch", func(q *request) { q.body = strings.ReplaceAll(q.body, "EchoRequest", "Unknown") }, 0, soap.UnknownOperation},
		{"action", func(q *request) { q.action = "urn:test:echo/Fail" }, 0, soap.ActionMismatch},
		{"security", nil, 0, soap.Unauthenticated},
		{"schema", func(q *request) { q.body = strings.Replace(q.body, "<text>", "<text x=''>", 1) }, 0, soap.Invalid},
	}
	// wording tells apart what has one kind or status.
	wording := map[string]string{
		"media type": "The Content-Type must be", "content coding": "The Content-Encoding must be", "bytes of the charset": "not in the charset",
		"well-formedness, at the end": "not well-formed", "version": "soap:VersionMismatch<", "envelope": "more than one element", "mustUnderstand": "soap:MustUnderstand<",
	}
	for i, first := range defects {
		for _, second := range defects[i+1:] {
			if first.name == "dispatch" && second.name == "action" {
				continue // where there is no operation, none has an action
			}
			t.Run(first.name+" before "+second.name, func(t *testing.T) {
				e := newEcho(t, func(c *soap.Config) {
					c.BodyLimit = 4096
					c.Headers = []soap.HeaderHandler{{Process: func(ctx context.Context, _ *soap.Message) (context.Context, error) {
						if first.name == "security" || second.name == "security" {
							return nil, refusal
						}
						return ctx, nil
					}}}
				})
				q := request{method: http.MethodPost, mediaType: "text/xml", version: soap.Envelope11, body: say(hello)}
				for _, spoil := range []func(*request){first.spoil, second.spoil} {
					if spoil != nil {
						spoil(&q)
					}
				}
				document := q.document()
				if q.invalidBytes {
					document = strings.Replace(document, "<s:Body>", "<s:Body>\xff", 1)
				}
				r := httptest.NewRequestWithContext(t.Context(), q.method, "/echo", strings.NewReader(document))
				for name, value := range map[string]string{"Content-Type": q.mediaType, "Content-Encoding": q.coding, "SOAPAction": q.action} {
					if value != "" {
						r.Header.Set(name, value)
					}
				}
				a := e.do(t, r)
				if first.status != 0 && a.status != first.status || a.kind() != first.kind || !strings.Contains(a.body, wording[first.name]) {
					t.Errorf("%s\ngot %d %s", document, a.status, a.body)
				}
				if e.effects.Load() != 0 {
					t.Error("a handler ran")
				}
			})
		}
	}
}

// TestTheDomainIsAskedLast: what the operation says is told where nothing else is wrong.
func TestTheDomainIsAskedLast(t *testing.T) {
	e := newEcho(t, nil)
	if a := e.xml11(t, envelope11(fail("SENDER"))); a.kind() != "SENDER" || e.effects.Load() != 1 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	e = newEcho(t, nil)
	e.expectFault(t, e.xml11(t, envelope11(strings.Replace(fail("SENDER"), "</how>", "</how><x/>", 1))), soap.Invalid)
}

// TestEncodingIsToldBehindMustUnderstand: an encoded body is about the
// operation, and is read as one that is unknown.
func TestEncodingIsToldBehindMustUnderstand(t *testing.T) {
	e := newEcho(t, nil)
	encoded := envelope11(`<Echo s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/>`)
	e.expectFault(t, e.xml11(t, encoded), soap.Encoded)
	e.expectFault(t, e.xml11(t, encoded+"x"), soap.Malformed)
	a := e.xml11(t, withHeader(encoded, `<x xmlns="u" s:mustUnderstand="1"/>`))
	if a.status != 500 || !strings.Contains(a.body, "soap:MustUnderstand<") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
