package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/transport"
)

// process is one end of mutual TLS, with its files.
type process struct {
	*transport.Mutual
	pair transport.Pair
	log  *lines
}

// lines are what is logged, for several goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (p *process) replace(t *testing.T, certificate, key, ca []byte) {
	t.Helper()
	write(t, p.pair.CertificateFile, certificate)
	write(t, p.pair.KeyFile, key)
	write(t, p.pair.CAFile, ca)
}

// newProcess has a certificate by one authority and believes another one, which
// may be the same.
func newProcess(t *testing.T, by, believes *devstack.Authority, end time.Time, hosts ...string) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{pair: transport.Pair{CertificateFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key"), CAFile: filepath.Join(dir, "ca.pem")}, log: &lines{}}
	certificate, key, err := by.IssueUntil(pkix.Name{CommonName: "process"}, end, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	p.replace(t, certificate, key, believes.PEM())
	if p.Mutual, err = transport.OpenMutual(p.pair, slog.New(slog.NewTextHandler(p.log, nil))); err != nil {
		t.Fatal(err)
	}
	return p
}

// answers starts a server that says hello.
func (p *process) answers(t *testing.T) (address string) {
	t.Helper()
	on, err := tls.Listen("tcp", "127.0.0.1:0", p.Server())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := on.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = io.WriteString(c, "hello")
			c.Close()
		}
	}()
	t.Cleanup(func() {
		on.Close()
		<-ended
	})
	return on.Addr().String()
}

// talk connects as a client to a server of some name.
func talk(ctx context.Context, config *tls.Config, address, name string) (server *tls.ConnectionState, err error) {
	config.ServerName = name
	c, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	said, err := io.ReadAll(c) // a server refuses a client after the client's own handshake
	if err == nil && string(said) != "hello" {
		err = errors.New("no answer")
	}
	state := c.(*tls.Conn).ConnectionState()
	return &state, err
}

// TestWhoProvesWhat: each end refuses an authority that is not its own, a
// certificate that is over, and a server another name than its own.
func TestWhoProvesWhat(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	soon, past := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	good := newProcess(t, ours, ours, soon)
	addresses := map[string]string{}
	for name, p := range map[string]*process{
		"good": good, "over": newProcess(t, ours, ours, past), "of others": newProcess(t, others, ours, soon), "of another name": newProcess(t, ours, ours, soon, "app1.test"),
	} {
		addresses[name] = p.answers(t)
	}
	nobody := good.Client()
	nobody.Certificates = nil
	old := good.Client()
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	for _, tt := range []struct {
		name, server, host string
		client             *tls.Config
		refused            string // what the error says; "" is that it is not
	}{
		{"both are good", "good", "localhost", good.Client(), ""},
		{"by address", "good", "127.0.0.1", good.Client(), ""},
		{"another of the server's names", "of another name", "app1.test", good.Client(), ""},
		{"a name that is not the server's", "good", "app1.test", good.Client(), "app1.test"},
		{"an address that is not the server's", "good", "127.0.0.2", good.Client(), "127.0.0.2"},
		{"an address that is not the server's, of version 6", "good", "::1", good.Client(), "::1"},
		{"a server whose certificate is over", "over", "localhost", good.Client(), "expired"},
		{"a server of others", "of others", "localhost", good.Client(), "unknown authority"},
		{"a client whose certificate is over", "good", "localhost", newProcess(t, ours, ours, past).Client(), "expired certificate"},
		{"a client of others", "good", "localhost", newProcess(t, others, ours, soon).Client(), "certificate"},
		{"a client without a certificate", "good", "localhost", nobody, "certificate required"},
		{"a client that believes others", "good", "localhost", newProcess(t, ours, others, soon).Client(), "unknown authority"},
		{"TLS 1.2", "good", "localhost", old, "protocol version"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := talk(t.Context(), tt.client, addresses[tt.server], tt.host)
			if (err == nil) != (tt.refused == "") || err != nil && !strings.Contains(err.Error(), tt.refused) {
				t.Errorf("%v", err)
			}
		})
	}
	if c, err := net.Dial("tcp", addresses["good"]); err == nil {
		_, _ = io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if said, _ := io.ReadAll(c); strings.Contains(string(said), "hello") {
			t.Error("plain text is answered")
		}
		c.Close()
	}
}

// TestRenewedFilesNeedNoRestart, also those of a new authority; broken ones
// change nothing, and are told once.
func TestRenewedFilesNeedNoRestart(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	soon := time.Now().Add(time.Hour)
	server, client := newProcess(t, first, first, soon), newProcess(t, first, first, soon)
	address := server.answers(t)
	serial := func() string {
		t.Helper()
		state, err := talk(t.Context(), client.Client(), address, "localhost")
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	if again := serial(); again != before {
		t.Errorf("the certificate is %s, and then %s", before, again)
	}
	certificate, key := issue(t, first, "renewed")
	write(t, server.pair.CertificateFile, certificate) // the key comes later
	if now := serial(); now != before {
		t.Error("half of a pair was taken")
	}
	_ = serial()
	if n := strings.Count(server.log.String(), "cannot be used"); n != 1 {
		t.Errorf("told %d times:\n%s", n, server.log)
	}
	write(t, server.pair.KeyFile, key)
	renewed := serial()
	if renewed == before {
		t.Error("the renewed certificate is not used")
	}
	if err := os.Remove(server.pair.CAFile); err != nil {
		t.Fatal(err)
	}
	if now := serial(); now != renewed {
		t.Error("the certificate changed")
	}
	if n := strings.Count(server.log.String(), "cannot be used"); n != 2 {
		t.Errorf("told %d times:\n%s", n, server.log)
	}

	// From one authority to the next: first both believe both.
	both := append(first.PEM(), second.PEM()...)
	certificate, key = issue(t, second, "next")
	ownCertificate, ownKey := issue(t, first, "client")
	client.replace(t, ownCertificate, ownKey, both)
	server.replace(t, certificate, key, both)
	if serial() == renewed {
		t.Error("the next authority's certificate is not used")
	}
	ownCertificate, ownKey = issue(t, second, "client")
	client.replace(t, ownCertificate, ownKey, second.PEM())
	write(t, server.pair.CAFile, second.PEM())
	_ = serial()
	client.replace(t, ownCertificate, ownKey, first.PEM())
	if _, err := talk(t.Context(), client.Client(), address, "localhost"); err == nil {
		t.Error("an authority that is not believed any more is")
	}
}

// TestFilesOfNoProcess: files that cannot be used are told at the start, by name and without their
// content.
func TestFilesOfNoProcess(t *testing.T) {
	a := newAuthority(t)
	p := newProcess(t, a, a, time.Now().Add(time.Hour))
	_, otherKey := issue(t, a, "other")
	for name, tt := range map[string]struct {
		file    string
		content []byte
		says    string
	}{
		"no certificate":       {p.pair.CertificateFile, nil, p.pair.CertificateFile},
		"no key":               {p.pair.KeyFile, nil, p.pair.KeyFile},
		"no authority":         {p.pair.CAFile, nil, p.pair.CAFile},
		"another's key":        {p.pair.KeyFile, otherKey, "does not match"},
		"an authority of none": {p.pair.CAFile, []byte("nothing"), p.pair.CAFile},
		"a key of none":        {p.pair.KeyFile, []byte("nothing"), "key"},
	} {
		t.Run(name, func(t *testing.T) {
			was, err := os.ReadFile(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if tt.content == nil {
				err = os.Remove(tt.file)
			} else {
				err = os.WriteFile(tt.file, tt.content, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer write(t, tt.file, was)
			if _, err := transport.OpenMutual(p.pair, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "BEGIN") {
				t.Errorf("%v", err)
			}
		})
	}
}
