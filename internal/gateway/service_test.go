package gateway_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/address"
	"registrar/internal/caller"
	"registrar/internal/endpoint"
	"registrar/internal/gateway"
	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/soap"
	"registrar/soap/wss"
	"registrar/wsdl"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"))
}

// database makes one with callers.
func database(t testing.TB, callers ...caller.Caller) *store.DB {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, c := range callers {
		if err := db.Callers().Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

var key = bytes.Repeat([]byte{7}, caller.KeySize)

func sealer(t testing.TB) *caller.Sealer {
	t.Helper()
	s, err := caller.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parts are what a test puts in the place of the real ones, nil for none.
type parts struct {
	callers caller.Store
	nonces  caller.Nonces
	usage   caller.Usage
	refresh time.Duration
}

// service is a web server of the contract behind a gateway. Its domain finds
// nobody, and keeps who asked.
type service struct {
	http.Handler
	endpoint.Registrar // of the operations that nobody calls here
	directory          *caller.Directory
	gateway            *gateway.Gateway

	mu       sync.Mutex
	asked    []string // the callers of operations that ran
	observed []string // "caller result"
	log      bytes.Buffer
}

func (s *service) Register(context.Context, registration.Request) (registration.Receipt, error) {
	return registration.Receipt{}, errors.New("not asked for here")
}

func (s *service) Details(ctx context.Context, _ registration.Lookup) (registration.Details, error) {
	c, _ := gateway.Caller(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, c.Name)
	return registration.Details{}, registration.ErrNotFound
}

// The peers: this machine, and another one.
const loopback, elsewhere = "127.0.0.1:4711", "192.0.2.7:4711"

func serve(t testing.TB, db *store.DB, p parts) *service {
	t.Helper()
	s := &service{}
	if p.callers == nil {
		p.callers = db.Callers()
	}
	if p.nonces == nil {
		p.nonces = db.Nonces()
	}
	if p.usage == nil {
		p.usage = db.Usage()
	}
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	var err error
	s.directory, err = caller.OpenDirectory(t.Context(), caller.Settings{Refresh: p.refresh}, p.callers, sealer(t), log)
	if err != nil {
		t.Fatal(err)
	}
	s.gateway = gateway.New(gateway.Settings{
		Secure: func(r *http.Request) bool { return r.TLS != nil || r.RemoteAddr == loopback },
		Observe: func(name string, result gateway.Result) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.observed = append(s.observed, name+" "+string(result))
		},
	}, s.directory, caller.NewLimiter(p.usage, time.Now), p.nonces, log)
	policy, err := password.NewPolicy(8, password.DefaultArgon2id)
	if err != nil {
		t.Fatal(err)
	}
	e := &endpoint.Endpoint{
		Registrar:     s,
		Rules:         registration.Rules{DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{}.Parse, CheckPassword: policy.Check, DefaultLocale: "en"},
		Caller:        func(context.Context) endpoint.Caller { return endpoint.Caller{} },
		MessageID:     func(context.Context) string { return "" },
		TraceParent:   func(context.Context) string { return "" },
		CorrelationID: func(context.Context) string { return "the-correlation-id" },
		Challenge:     gateway.Challenge,
		Failed:        func(context.Context, error) {},
	}
	s.Handler, err = soap.New(soap.Config{
		Path: "/registration", Description: wsdl.Description, Schemas: map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations: e.Operations(), FaultDetails: endpoint.FaultDetails(), PublicURL: "http://localhost",
		Headers: []soap.HeaderHandler{s.gateway.HeaderHandler()},
		Faults:  e.Fault,
		Quirks:  []soap.Quirk{{UserAgent: "asks first", Needs: soap.ChallengeFirst}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// message is a request.
type message struct {
	body      string // "" is a look-up
	token     string // of WS-Security
	peer      string // "" is elsewhere
	tls       *tls.ConnectionState
	header    [][2]string
	version12 bool
}

const (
	lookup   = `<GetRegistrationRequest xmlns="urn:registrar:registration:v1"><username>noor</username></GetRegistrationRequest>`
	register = `<RegisterRequest xmlns="urn:registrar:registration:v1"><username>noor</username></RegisterRequest>` // breaks the schema
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// code is that of the fault.
func (a answer) code() string {
	_, after, _ := strings.Cut(a.body, `<RegistrationFault xmlns="urn:registrar:registration:v1"><code>`)
	code, _, _ := strings.Cut(after, "<")
	return code
}

// passed says whether the operation ran.
func (a answer) passed() bool { return a.code() == string(registration.NotFound) }

// send gives the answer, and what the gateway has told of it: "caller result", "" for nothing.
func (s *service) send(t testing.TB, m message) (answer, string) {
	t.Helper()
	if m.body == "" {
		m.body = lookup
	}
	envelope := `<s:Envelope xmlns:s="` + soap.Envelope11 + `"><s:Header>` + m.token + `</s:Header><s:Body>` + m.body + `</s:Body></s:Envelope>`
	contentType := "text/xml"
	if m.version12 {
		envelope, contentType = strings.ReplaceAll(envelope, soap.Envelope11, soap.Envelope12), "application/soap+xml"
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/registration", strings.NewReader(envelope))
	if r.RemoteAddr = elsewhere; m.peer != "" {
		r.RemoteAddr = m.peer
	}
	r.TLS = m.tls
	r.Header.Set("Content-Type", contentType)
	for _, h := range m.header {
		r.Header.Add(h[0], h[1])
	}
	w := httptest.NewRecorder()
	before := len(s.observed)
	s.ServeHTTP(w, r)
	told := strings.Join(s.observed[before:], ", ")
	return answer{w.Code, w.Header(), w.Body.String()}, told
}

// basic is the header of HTTP Basic.
func basic(name, secret string) [][2]string {
	return [][2]string{{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+secret))}}
}

const profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#"

func security(name, rest string) string {
	return `<o:Security xmlns:o="` + wss.SecextSpace + `" xmlns:u="` + wss.UtilitySpace + `" s:mustUnderstand="1"><o:UsernameToken><o:Username>` + name + `</o:Username>` + rest + `</o:UsernameToken></o:Security>`
}

// textToken is a UsernameToken that tells the secret.
func textToken(name, secret string) string {
	return security(name, `<o:Password Type="`+profile+`PasswordText">`+secret+`</o:Password>`)
}

// digestToken is one that does not, with a nonce of its own.
func digestToken(name, secret string) string {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce)
	created := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	sum := sha1.Sum(append(append(bytes.Clone(nonce), created...), secret...))
	return security(name, `<o:Password Type="`+profile+`PasswordDigest">`+base64.StdEncoding.EncodeToString(sum[:])+`</o:Password>`+
		`<o:Nonce>`+base64.StdEncoding.EncodeToString(nonce)+`</o:Nonce><u:Created>`+created+`</u:Created>`)
}

// certificate makes one with a common name; signed by itself where by is nil.
func certificate(t testing.TB, name string, by *tls.Certificate) tls.Certificate {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Acme"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		IsCA: by == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, any(own)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &own.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own, Leaf: leaf}
}

// withCertificate is a connection whose client has shown one.
func withCertificate(t testing.TB, name string) *tls.ConnectionState {
	t.Helper()
	leaf := certificate(t, name, nil).Leaf
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
}
