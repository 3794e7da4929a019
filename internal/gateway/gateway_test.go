package gateway_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// systems are the callers of the tests. The secret of each is its name in
// capitals, with a number where there are several.
func systems(t testing.TB) []caller.Caller {
	t.Helper()
	now := time.Now()
	made := func(name, text string, sealed bool, expires time.Time) caller.Secret {
		s := caller.Secret{Hash: caller.HashSecret(text), CreatedAt: now, ExpiresAt: expires}
		if sealed {
			s.Sealed = sealer(t).Seal(name, text)
		}
		return s
	}
	one := func(name string, sealed bool) []caller.Secret {
		return []caller.Secret{made(name, strings.ToUpper(name), sealed, time.Time{})}
	}
	return []caller.Caller{
		{Name: "plain", Secrets: one("plain", false), CertificateSubject: "CN=plain,O=Acme"},
		{Name: "sealed", Secrets: one("sealed", true), CertificateSubject: "CN=sealed,O=Acme"},
		{Name: "disabled", Secrets: one("disabled", true), CertificateSubject: "CN=disabled,O=Acme", Disabled: true},
		{Name: "rotated", Secrets: []caller.Secret{
			made("rotated", "ROTATED1", true, time.Time{}), made("rotated", "ROTATED2", true, now.Add(time.Hour)), made("rotated", "ROTATED3", true, now.Add(-time.Second)),
		}},
		{Name: "reader", Secrets: one("reader", true), Policy: caller.Policy{Operations: []string{"GetRegistration"}}},
		{Name: "writer", Secrets: one("writer", true), Policy: caller.Policy{Operations: []string{"Register"}}},
		{Name: "slow", Secrets: one("slow", true), Policy: caller.Policy{Rate: 1, Burst: 2}},
		{Name: "daily", Secrets: one("daily", true), Policy: caller.Policy{DailyQuota: 3}},
	}
}

// kinds are the credentials, each as a message has it.
var kinds = map[string]func(m *message, name, secret string){
	"basic":  func(m *message, name, secret string) { m.header = basic(name, secret) },
	"text":   func(m *message, name, secret string) { m.token = textToken(name, secret) },
	"digest": func(m *message, name, secret string) { m.token = digestToken(name, secret) },
}

// transports are the ways of a message; true where others cannot read it.
var transports = map[string]struct {
	peer   string
	tls    *tls.ConnectionState
	secure bool
}{
	"in the clear": {elsewhere, nil, false},
	"TLS":          {elsewhere, &tls.ConnectionState{}, true},
	"loopback":     {loopback, nil, true},
}

// TestRow16WhoIsLetIn sends each kind of credential of each kind of caller over each transport.
func TestRow16WhoIsLetIn(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	refusals := map[string]string{} // by what may make a difference: the answer
	for _, version12 := range []bool{false, true} {
		for kind, credential := range kinds {
			for way, transport := range transports {
				for _, who := range []struct {
					name, secret string
					right        bool
				}{
					{"plain", "PLAIN", true}, {"plain", "SEALED", false}, {"plain", "plain", false},
					{"sealed", "SEALED", true}, {"sealed", "WRONG", false},
					{"rotated", "ROTATED1", true}, {"rotated", "ROTATED2", true}, {"rotated", "ROTATED3", false},
					{"disabled", "DISABLED", false}, {"disabled", "WRONG", false},
					{"unknown", "PLAIN", false}, {"Plain", "PLAIN", false},
				} {
					m := message{peer: transport.peer, tls: transport.tls, version12: version12}
					credential(&m, who.name, who.secret)
					a, told := s.send(t, m)
					known := who.name
					if known == "unknown" || known == "Plain" {
						known = ""
					}
					want := known + " unauthenticated"
					switch {
					case kind != "digest" && !transport.secure:
						want = known + " password_in_the_clear"
					case who.right && (kind != "digest" || who.name != "plain"): // of plain no text is kept
						want = known + " accepted"
					}
					if told != want || a.passed() != strings.HasSuffix(want, " accepted") {
						t.Errorf("%s %s by %s over %s: %q %s, want %q", who.name, who.secret, kind, way, told, a.body, want)
					}
					if a.passed() {
						if got := s.asked[len(s.asked)-1]; got != who.name {
							t.Errorf("the operation of %s was called by %q", who.name, got)
						}
						continue
					}
					// Nothing in the answer depends on who was named.
					same := fmt.Sprint(kind == "basic", version12, kind != "digest" && !transport.secure)
					if other, seen := refusals[same]; seen && other != fmt.Sprint(a) {
						t.Errorf("answers tell callers apart:\n%v\n%v", a, other)
					}
					refusals[same] = fmt.Sprint(a)
					if a.code() != "UNAUTHENTICATED" || a.header.Get("WWW-Authenticate") != "" {
						t.Errorf("the answer is %v", a)
					}
				}
			}
		}
	}
	if log := s.log.String(); strings.Contains(log, "unknown") || strings.Contains(log, "Plain") || strings.Contains(log, "PLAIN") || !strings.Contains(log, "caller=plain") {
		t.Errorf("the log is\n%s", log)
	}
}

func TestTheFaultOfATokenHasItsSubcode(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	a, _ := s.send(t, message{token: digestToken("sealed", "WRONG"), version12: true})
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, `<soap:Value>soap:Sender</soap:Value><soap:Subcode><soap:Value xmlns:s="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">s:FailedAuthentication</soap:Value></soap:Subcode>`) {
		t.Errorf("got %v", a)
	}
}

func TestRow16ClientCertificates(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	for _, test := range []struct{ name, want string }{
		{"plain", "plain accepted"}, {"disabled", " unauthenticated"}, {"unknown", " unauthenticated"}, {"PLAIN", " unauthenticated"}, {"plain,O=Acme", " unauthenticated"},
	} {
		a, told := s.send(t, message{tls: withCertificate(t, test.name)})
		if told != test.want || a.passed() != (test.want == "plain accepted") {
			t.Errorf("%s: %q %v", test.name, told, a)
		}
	}
	unverified := withCertificate(t, "plain")
	unverified.VerifiedChains = nil
	if _, told := s.send(t, message{tls: unverified}); told != " no_credential" {
		t.Errorf("a certificate that nobody verified: %q", told)
	}
	nameless := withCertificate(t, "plain")
	nameless.VerifiedChains[0][0].RawSubject = []byte{0x30, 0}
	if _, told := s.send(t, message{tls: nameless}); told != " unauthenticated" {
		t.Errorf("a certificate without a subject: %q", told)
	}
}

// TestSeveralCredentialsAreOfOneCaller: each must be right, whichever they are.
func TestSeveralCredentialsAreOfOneCaller(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	for _, test := range []struct {
		basic, token, certificate string // "" for none, else the name; with "!" the secret is wrong
		want                      bool
	}{
		{"sealed", "sealed", "", true}, {"sealed", "", "sealed", true}, {"", "sealed", "sealed", true}, {"sealed", "sealed", "sealed", true},
		{"sealed!", "sealed", "", false}, {"sealed", "sealed!", "", false}, {"sealed!", "", "sealed", false}, {"", "sealed!", "sealed", false},
		{"sealed", "rotated", "", false}, {"plain", "", "sealed", false}, {"", "sealed", "plain", false}, {"sealed", "sealed", "plain", false},
		{"sealed", "sealed", "unknown", false}, {"unknown", "sealed", "", false}, {"", "sealed", "disabled", false}, {"disabled", "sealed", "sealed", false},
	} {
		for _, token := range []func(string, string) string{textToken, digestToken} {
			m := message{tls: &tls.ConnectionState{}}
			secret := func(s string) (name, secret string) {
				name = strings.TrimSuffix(s, "!")
				if secret = strings.ToUpper(name); secret == "ROTATED" {
					secret = "ROTATED1"
				}
				return name, secret + strings.TrimPrefix(s, name)
			}
			if test.certificate != "" {
				m.tls = withCertificate(t, test.certificate)
			}
			if test.basic != "" {
				m.header = basic(secret(test.basic))
			}
			if test.token != "" {
				m.token = token(secret(test.token))
			}
			a, told := s.send(t, m)
			if a.passed() != test.want || test.want != (told == "sealed accepted") || !test.want && a.code() != "UNAUTHENTICATED" {
				t.Errorf("%+v: %q %s", test, told, a.body)
			}
		}
	}
}

func TestWithoutACredentialItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	for way, transport := range transports {
		m := message{peer: transport.peer, tls: transport.tls}
		a, told := s.send(t, m)
		if told != " no_credential" || a.status != http.StatusInternalServerError || a.code() != "UNAUTHENTICATED" || a.header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %q %v", way, told, a)
		}
		m.header = [][2]string{{"User-Agent", "asks first"}}
		a, _ = s.send(t, m)
		wantStatus, wantChallenge := http.StatusInternalServerError, ""
		if transport.secure {
			wantStatus, wantChallenge = http.StatusUnauthorized, `Basic realm="registrar", charset="UTF-8"`
		}
		if a.status != wantStatus || a.header.Get("WWW-Authenticate") != wantChallenge {
			t.Errorf("%s: a client that waits to be asked gets %v", way, a)
		}
	}
}

func TestAnAuthorizationHeaderIsOfHTTPBasic(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	right := basic("plain", "PLAIN")[0][1]
	for name, headers := range map[string][]string{
		"another scheme": {"Bearer abc"}, "Digest": {`Digest username="plain"`}, "Negotiate": {"Negotiate YII="}, "nothing": {""}, "no scheme": {right[6:]}, "no credential": {"Basic"},
		"no base64": {"Basic plain:PLAIN"}, "no colon": {"Basic cGxhaW4="}, "too long": {right + strings.Repeat("A", 4096)},
		"two": {right, right}, "two, one of another scheme": {right, "Bearer abc"},
	} {
		m := message{peer: loopback}
		for _, h := range headers {
			m.header = append(m.header, [2]string{"Authorization", h})
		}
		if a, told := s.send(t, m); told != " unreadable_credential" || a.code() != "UNAUTHENTICATED" {
			t.Errorf("%s: %q %v", name, told, a)
		}
	}
	for name, header := range map[string]string{"as it is": right, "in capitals": "BASIC" + right[5:], "in small letters": "basic" + right[5:], "with more spaces": "Basic  " + right[5:] + " "} {
		if a, told := s.send(t, message{peer: loopback, header: [][2]string{{"Authorization", header}}}); !a.passed() {
			t.Errorf("%s: %q %v", name, told, a)
		}
	}
}

// TestOrderOfDecisions: dispatch, then who calls, then whether it may, then
// the schema. Whoever is refused learns nothing of what comes behind.
func TestOrderOfDecisions(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	const unknownOperation = `<NoSuchRequest xmlns="urn:registrar:registration:v1"/>`
	expired := security("sealed", `<o:Password>SEALED</o:Password><u:Created>2020-01-01T00:00:00Z</u:Created>`)
	for _, test := range []struct {
		name string
		m    message
		code registration.Code
		told string
	}{
		{"dispatch before security", message{body: unknownOperation}, registration.ValidationFailed, ""},
		{"security before schema, no credential", message{body: register}, registration.Unauthenticated, " no_credential"},
		{"security before schema, a wrong one", message{body: register, peer: loopback, header: basic("plain", "X")}, registration.Unauthenticated, "plain unauthenticated"},
		{"policy before schema", message{body: register, peer: loopback, header: basic("reader", "READER")}, registration.Forbidden, "reader forbidden"},
		{"schema last", message{body: register, peer: loopback, header: basic("writer", "WRITER")}, registration.ValidationFailed, "writer accepted"},
		{"a token out of date before who it is", message{peer: loopback, token: expired, header: basic("plain", "X")}, registration.Unauthenticated, " expired_credential"},
	} {
		a, told := s.send(t, test.m)
		if a.code() != string(test.code) || told != test.told {
			t.Errorf("%s: %q %s", test.name, told, a.body)
		}
	}
	if len(s.asked) != 0 {
		t.Error("an operation ran")
	}
}

func TestPolicyNamesOperations(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	for _, test := range []struct{ name, body, want string }{
		{"reader", lookup, "reader accepted"}, {"reader", register, "reader forbidden"},
		{"writer", register, "writer accepted"}, {"writer", lookup, "writer forbidden"},
		{"plain", register, "plain accepted"}, {"plain", lookup, "plain accepted"},
	} {
		if a, told := s.send(t, message{body: test.body, peer: loopback, header: basic(test.name, strings.ToUpper(test.name))}); told != test.want || (a.code() == "FORBIDDEN") != strings.HasSuffix(test.want, "forbidden") {
			t.Errorf("%s: %q %v, want %q", test.name, told, a, test.want)
		}
	}
}

func TestWithoutCallersEverybodyIsLetIn(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t), parts{})
	for _, m := range []message{{}, {header: basic("any", "THING")}, {token: textToken("any", "THING")}, {token: digestToken("any", "THING")}, {header: [][2]string{{"Authorization", "Bearer x"}}}} {
		if a, told := s.send(t, m); !a.passed() || told != " open" {
			t.Errorf("%+v: %q %v", m, told, a)
		}
	}
	if slices.ContainsFunc(s.asked, func(name string) bool { return name != "" }) {
		t.Errorf("the callers are %q", s.asked)
	}
}

// TestRow16MutualTLS is a client certificate over a real connection.
func TestRow16MutualTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	authority := certificate(t, "authority", nil)
	server := httptest.NewUnstartedServer(s)
	trusted := x509.NewCertPool()
	trusted.AddCert(authority.Leaf)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, "server", &authority)}, ClientCAs: trusted, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, want := range map[string]string{"plain": "NOT_FOUND", "unknown": "UNAUTHENTICATED", "": "UNAUTHENTICATED"} {
		config := &tls.Config{RootCAs: trusted, ServerName: "localhost", MinVersion: tls.VersionTLS12}
		if name != "" {
			config.Certificates = []tls.Certificate{certificate(t, name, &authority)}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + lookup + `</s:Body></s:Envelope>`
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(envelope))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/xml")
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || (answer{body: string(body)}).code() != want {
			t.Errorf("%q: %s, %v", name, body, err)
		}
	}
}
