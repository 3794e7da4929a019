package transport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/transport"
)

func newAuthority(t *testing.T) *devstack.Authority {
	t.Helper()
	a, err := devstack.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *devstack.Authority, name string) (certificate, key []byte) {
	t.Helper()
	certificate, key, err := a.Issue(pkix.Name{CommonName: name})
	if err != nil {
		t.Fatal(err)
	}
	return certificate, key
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	// As tools that renew certificates do it: never half a file.
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// identity is a listener's TLS on files of its own.
func identity(t *testing.T, a *devstack.Authority, name string) *transport.TLS {
	t.Helper()
	dir := t.TempDir()
	s := &transport.TLS{CertificateFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), MinVersion: tls.VersionTLS12}
	certificate, key := issue(t, a, name)
	write(t, s.CertificateFile, certificate)
	write(t, s.KeyFile, key)
	return s
}

func connect(ctx context.Context, address string, c *tls.Config) (*tls.ConnectionState, error) {
	c.ServerName = "localhost"
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// A refused client certificate is told after the client's own handshake.
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(conn)
	if err == nil && !strings.HasPrefix(string(answer), "HTTP/1.1 200") {
		err = errors.New("no answer")
	}
	state := conn.(*tls.Conn).ConnectionState()
	return &state, err
}

func TestTLSVersionsAndSuites(t *testing.T) {
	a := newAuthority(t)
	modern := identity(t, a, "modern")
	legacy := identity(t, a, "legacy")
	legacy.LegacyCiphers = true
	newest := identity(t, a, "newest")
	newest.MinVersion = tls.VersionTLS13
	addresses := map[string]string{}
	for name, s := range map[string]*transport.TLS{"modern": modern, "legacy": legacy, "newest": newest} {
		addresses[name] = serve(t, transport.Settings{TLS: s}, nil).address
	}
	old := []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}
	for _, test := range []struct {
		name, server string
		client       *tls.Config
		ok           bool
	}{
		{"TLS 1.3", "modern", &tls.Config{}, true},
		{"TLS 1.2", "modern", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
		{"TLS 1.1 is below the floor", "modern", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"TLS 1.1 is below the floor, with legacy ciphers too", "legacy", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		{"TLS 1.2 below a higher floor", "newest", &tls.Config{MaxVersion: tls.VersionTLS12}, false},
		{"RSA key exchange", "modern", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: old}, false},
		{"RSA key exchange, switched on", "legacy", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: old}, true},
		{"a modern client of a legacy server", "legacy", &tls.Config{MaxVersion: tls.VersionTLS12}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.client.RootCAs = a.Pool()
			state, err := connect(t.Context(), addresses[test.server], test.client)
			if (err == nil) != test.ok {
				t.Fatalf("error %v", err)
			}
			if test.ok && test.name == "a modern client of a legacy server" && strings.HasPrefix(tls.CipherSuiteName(state.CipherSuite), "TLS_RSA_") {
				t.Errorf("suite %s without forward secrecy", tls.CipherSuiteName(state.CipherSuite))
			}
		})
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	a := newAuthority(t)
	s := identity(t, a, "before")
	server := serve(t, transport.Settings{TLS: s}, nil)
	name := func() string {
		state, err := connect(t.Context(), server.address, &tls.Config{RootCAs: a.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].Subject.CommonName
	}
	if got := name(); got != "before" {
		t.Fatalf("certificate %q", got)
	}
	// What cannot be used changes nothing.
	write(t, s.CertificateFile, []byte("no certificate"))
	server.awaitLog(t, "cannot be used")
	if got := name(); got != "before" {
		t.Fatalf("certificate %q", got)
	}
	certificate, key := issue(t, a, "after")
	write(t, s.KeyFile, key)
	write(t, s.CertificateFile, certificate)
	server.awaitLog(t, "read again")
	if got := name(); got != "after" {
		t.Errorf("certificate %q", got)
	}
	if err := os.Remove(s.KeyFile); err != nil {
		t.Fatal(err)
	}
	server.awaitLog(t, "no such file")
	if got := name(); got != "after" {
		t.Errorf("certificate %q", got)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	a := newAuthority(t)
	for name, spoil := range map[string]func(*transport.TLS){
		"no certificate file":        func(s *transport.TLS) { s.CertificateFile += ".missing" },
		"another key":                func(s *transport.TLS) { _, key := issue(t, a, "other"); write(t, s.KeyFile, key) },
		"no authority":               func(s *transport.TLS) { s.ClientCAFile = s.KeyFile },
		"no file of authorities":     func(s *transport.TLS) { s.ClientCAFile = s.KeyFile + ".missing" },
		"an encrypted or broken key": func(s *transport.TLS) { write(t, s.KeyFile, []byte("-----BEGIN")) },
	} {
		s := identity(t, a, "x")
		spoil(s)
		if l, err := transport.Listen(t.Context(), transport.Settings{Address: "127.0.0.1:0", TLS: s, Connections: 16}, discard); err == nil {
			_ = l.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	s := identity(t, a, "server")
	s.ClientCAFile = filepath.Join(t.TempDir(), "ca.pem")
	write(t, s.ClientCAFile, a.PEM())
	var subjects []string
	server := serve(t, transport.Settings{TLS: s}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		subject := "none"
		if len(r.TLS.VerifiedChains) > 0 {
			subject = r.TLS.VerifiedChains[0][0].Subject.String()
		}
		subjects = append(subjects, subject)
		w.WriteHeader(http.StatusOK)
	}))
	for _, test := range []struct {
		issuer  *devstack.Authority
		subject string // "" for a refused one
	}{{nil, "none"}, {a, "CN=erp"}, {stranger, ""}} {
		subjects = nil
		client := &tls.Config{RootCAs: a.Pool()}
		if test.issuer != nil {
			certificate, key := issue(t, test.issuer, "erp")
			pair, err := tls.X509KeyPair(certificate, key)
			if err != nil {
				t.Fatal(err)
			}
			// Sent also where the server asks for other authorities.
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		_, err := connect(t.Context(), server.address, client)
		if (err == nil) != (test.subject != "") || strings.Join(subjects, "") != test.subject {
			t.Errorf("subjects %v, error %v; want %q", subjects, err, test.subject)
		}
	}
}
