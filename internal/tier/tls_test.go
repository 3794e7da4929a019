package tier_test

import (
	"crypto/tls"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/registration"
	"registrar/internal/tier"
	"registrar/internal/transport"
)

// identity is a process's own certificate, for localhost, 127.0.0.1 and its
// name, by an authority.
func identity(t *testing.T, a *devstack.Authority, name string) *transport.Mutual {
	t.Helper()
	certificate, key, err := a.Issue(pkix.Name{CommonName: name}, name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	pair := transport.Pair{CertificateFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), CAFile: filepath.Join(dir, "ca.pem")}
	for path, content := range map[string][]byte{pair.CertificateFile: certificate, pair.KeyFile: key, pair.CAFile: a.PEM()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := transport.OpenMutual(pair, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func authority(t *testing.T) *devstack.Authority {
	t.Helper()
	a, err := devstack.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestWhoMayCall: each end proves itself, or nothing is asked of it.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	ours, others := authority(t), authority(t)
	own := func(m *transport.Mutual) func(*tier.ServerSettings) {
		return func(s *tier.ServerSettings) { s.TLS = m.Server() }
	}
	app, stranger, plain := serve(t, backend{}, own(identity(t, ours, "app"))), serve(t, backend{}, own(identity(t, others, "app"))), serve(t, backend{})
	elsewhere := serveOn(t, listen(t, "127.0.0.2:0"), backend{}, own(identity(t, ours, "app")))
	_, port, _ := net.SplitHostPort(app.address)
	as := func(m *transport.Mutual) func(*tier.ClientSettings) {
		return func(s *tier.ClientSettings) { s.TLS = m.Client }
	}
	web := identity(t, ours, "web")
	nameless := func(s *tier.ClientSettings) {
		s.TLS = func() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: ours.Pool()} }
	}
	for _, tt := range []struct {
		name, server string
		client       func(*tier.ClientSettings)
		says         string // "" is that it may
	}{
		{"by address", app.address, as(web), ""},
		{"by name", "localhost:" + port, as(web), ""},
		{"a server of another authority", stranger.address, as(web), "unknown authority"},
		{"a server at another address than its certificate's", elsewhere.address, as(web), "127.0.0.2"},
		{"a server without TLS", plain.address, as(web), "handshake"},
		{"a web server of another authority", app.address, as(identity(t, others, "web")), ""},
		{"a web server without a certificate", app.address, nameless, ""},
		{"a web server without TLS", app.address, func(*tier.ClientSettings) {}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, []string{tt.server}, tt.client)
			may := strings.HasPrefix(tt.name, "by ")
			if may {
				c.await(t, 1)
			} else if err := c.Ready(within(t, 5*time.Second)); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ready: %v", err)
			}
			_, err := c.Register(within(t, time.Second), registration.Request{})
			if (err == nil) != may {
				t.Errorf("%v", err)
			}
			if c.Serving() > 0 != may {
				t.Errorf("%d servers serve", c.Serving())
			}
		})
	}
}

// TestTheWatchProvesItselfToo: behind a name in DNS servers are known by their
// addresses, and prove that they are the name.
func TestTheWatchProvesItselfToo(t *testing.T) {
	t.Parallel()
	a := authority(t)
	secured := func(s *tier.ServerSettings) { s.TLS = identity(t, a, "registrar-app.test").Server() }
	first := serveOn(t, listen(t, "127.0.0.1:0"), backend{}, secured)
	_, port, _ := net.SplitHostPort(first.address)
	serveOn(t, listen(t, "127.0.0.2:"+port), backend{}, secured)
	n := newNames(t)
	n.are("127.0.0.1", "127.0.0.2")
	c := dial(t, []string{"dns://" + n.address + "/registrar-app.test:" + port}, func(s *tier.ClientSettings) { s.TLS = identity(t, a, "web").Client })
	c.await(t, 2)
	if _, err := c.Register(within(t, 5*time.Second), registration.Request{}); err != nil {
		t.Error(err)
	}
}
