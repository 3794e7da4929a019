package soapui_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
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

// TestWrongAnswersFail runs single cases through a proxy that spoils what the
// service answers. Each way must fail the assertions that are there for it.
func TestWrongAnswersFail(t *testing.T) {
	t.Parallel()
	const soap11, soap12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
	base := service(t)
	p := readProject(t, projectPath)
	for _, way := range []struct {
		name, testCase string
		spoil          spoil
		fails          []string // assertions, each at least once
	}{
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
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			r := run(t, t.TempDir(), projectPath, proxy(t, base, way.spoil), "-c", way.testCase)
			if len(r.cases) != 1 || r.cases[0].name != way.testCase {
				t.Fatalf("the case has not run: %v\n%s", r.faults(p.only(way.testCase)), r.output)
			}
			if r.err == nil {
				t.Error("the runner exits with 0")
			}
			failed := r.failed()
			for _, name := range way.fails {
				if failed[name] == 0 {
					t.Errorf("%q has not failed, but %v", name, failed)
				}
			}
		})
	}
}

// TestNoServiceFails: with nobody to answer, SoapUI evaluates no assertion.
func TestNoServiceFails(t *testing.T) {
	t.Parallel()
	nobody := httptest.NewServer(nil)
	nobody.Close()
	const one = "Register a person"
	r := run(t, t.TempDir(), projectPath, nobody.URL, "-c", one)
	if faults := r.faults(readProject(t, projectPath).only(one)); len(faults) == 0 {
		t.Errorf("a run without a service has no fault:\n%s", r.output)
	}
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
