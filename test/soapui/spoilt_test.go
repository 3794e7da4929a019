package soapui_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"registrar/internal/devstack"
)

// spoil changes an answer of the service.
type spoil func(status int, contentType, body string) (int, string, string)

// inBody is a spoil that replaces text.
func inBody(pairs ...string) spoil {
	r := strings.NewReplacer(pairs...)
	return func(status int, contentType, body string) (int, string, string) {
		return status, contentType, r.Replace(body)
	}
}

// TestWrongAnswersFail runs cases of the project through proxies, each of which
// spoils what the service answers in one way. The assertions that are there for
// it must fail.
func TestWrongAnswersFail(t *testing.T) {
	t.Parallel()
	const soap11, soap12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
	base := service(t)
	ways := []way{
		{
			"another registrationId", "Look up by each key",
			func(status int, contentType, body string) (int, string, string) {
				if _, rest, found := strings.Cut(body, "<GetRegistrationResponse"); found {
					_, id, _ := strings.Cut(rest, "<registrationId>")
					body = strings.Replace(body, id[:36], "01890a5d-ac96-774b-bcce-b302099a8057", 1)
				}
				return status, contentType, body
			},
			[]string{"registrationId"},
		},
		{
			"another fault code", "EMAIL_TAKEN",
			inBody("<code>EMAIL_TAKEN</code>", "<code>USERNAME_TAKEN</code>", "<name>email</name>", "<name>username</name>"),
			[]string{"code", "fields"},
		},
		{
			"the server's fault", "EXTERNAL_ID_TAKEN",
			inBody("soap:Client<", "soap:Server<", "soap:Sender<", "soap:Receiver<"),
			[]string{"fault code"},
		},
		{
			"an undeclared element", "Register a person", inBody("</RegisterResponse>", "<surprise/></RegisterResponse>"),
			[]string{"Schema Compliance"},
		},
		{
			"an undeclared element in a fault", "EXTERNAL_ID_TAKEN", inBody("</RegistrationFault>", "<surprise/></RegistrationFault>"),
			[]string{"Schema Compliance", "elements of the detail"},
		},
		{
			"status 200 with faults", "EXTERNAL_ID_TAKEN",
			func(_ int, contentType, body string) (int, string, string) { return http.StatusOK, contentType, body },
			[]string{"HTTP status 500", "HTTP status 400"},
		},
		{
			"the other SOAP version", "Register a person", inBody(soap11, soap12, soap12, soap11),
			[]string{"SOAP Response", "Schema Compliance"},
		},
		{
			"an empty body", "Register a person",
			func(status int, contentType, _ string) (int, string, string) { return status, contentType, "" },
			[]string{"SOAP Response", "Schema Compliance", "status"},
		},
		{"nobody", "Register a person", nil, []string{"SOAP Response", "HTTP status 200"}},
	}
	path := filepath.Join(t.TempDir(), "project.xml")
	if err := os.WriteFile(path, []byte(spoiltProject(t, base, ways)), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, t.TempDir(), path, base)
	if r.err == nil {
		t.Error("the runner exits with 0")
	}
	if len(r.cases) != len(ways) {
		t.Fatalf("%d cases have run of %d:\n%s", len(r.cases), len(ways), r.output)
	}
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			c := r.cases[i]
			if c.name != way.name || c.status != "FAILED" {
				t.Errorf("%s has ended as %q", c.name, c.status)
			}
			for _, name := range way.fails {
				if !slices.ContainsFunc(c.failures, func(f failure) bool { return f.assertion == name }) {
					t.Errorf("%q has not failed, but %v", name, c.failures)
				}
			}
		})
	}
}

// way is a wrong way of answering, and a case that must notice.
type way struct {
	name, testCase string
	spoil          spoil    // nil is no answer at all
	fails          []string // assertions, each at least once
}

// spoiltProject is the project with a case for each of the ways, called by its
// name, which talks to a proxy of its own.
func spoiltProject(t *testing.T, base string, ways []way) string {
	t.Helper()
	b, err := os.ReadFile(projectPath)
	if err != nil {
		t.Fatal(err)
	}
	file := string(b)
	const suiteEnd, caseEnd = "</con:testSuite>", "</con:testCase>"
	head := file[:strings.Index(file, "<con:testSuite ")]
	tail := file[strings.LastIndex(file, suiteEnd)+len(suiteEnd):]
	var cases strings.Builder
	for _, way := range ways {
		before, after, found := strings.Cut(file, ` name="`+way.testCase+`" searchProperties`)
		rest, _, _ := strings.Cut(after, caseEnd)
		if !found {
			t.Fatalf("the project has no case %s", way.testCase)
		}
		start := before[strings.LastIndex(before, "<con:testCase "):]
		address := nobody(t)
		if way.spoil != nil {
			address = proxy(t, base, way.spoil)
		}
		cases.WriteString(start + ` name="` + way.name + `" searchProperties` + strings.ReplaceAll(rest, "${#Project#base}", address) + caseEnd)
	}
	return head + `<con:testSuite name="Wrong answers"><con:settings/><con:runType>SEQUENTIAL</con:runType>` + cases.String() + "<con:properties/>" + suiteEnd + tail
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	port, err := devstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// proxy stands before the service at base and spoils the answers to messages.
func proxy(t *testing.T, base string, spoil spoil) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Set("Accept-Encoding", "identity")
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method != http.MethodPost {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body.Close()
			status, contentType, spoilt := spoil(r.StatusCode, r.Header.Get("Content-Type"), string(body))
			r.StatusCode, r.Status = status, http.StatusText(status)
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("Content-Length", strconv.Itoa(len(spoilt)))
			r.ContentLength, r.Body = int64(len(spoilt)), io.NopCloser(bytes.NewBufferString(spoilt))
			return nil
		},
	})
	t.Cleanup(s.Close)
	return s.URL
}
