package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
	"go.uber.org/goleak"

	"registrar/internal/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var discard = slog.New(slog.DiscardHandler)

// server is a listener with an http.Server on it.
type server struct {
	address  string
	listener *transport.Listener
	mu       sync.Mutex
	log      bytes.Buffer
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *server) awaitLog(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		found := strings.Contains(s.log.String(), text)
		s.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q", text)
		}
	}
}

// serve answers 200 to all, or what h does, until the test ends.
func serve(t *testing.T, settings transport.Settings, h http.Handler) *server {
	t.Helper()
	s := &server{}
	log := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug}))
	settings.Address = "127.0.0.1:0"
	if settings.Connections == 0 {
		settings.Connections = 100
	}
	if settings.HeaderTimeout == 0 {
		settings.HeaderTimeout = 5 * time.Second
	}
	l, err := transport.Listen(t.Context(), settings, log)
	if err != nil {
		t.Fatal(err)
	}
	if h == nil {
		h = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	}
	s.listener, s.address = l, l.Addr().String()
	hs := &http.Server{Handler: h, ReadHeaderTimeout: settings.HeaderTimeout}
	l.Attach(hs, log)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { _ = l.Run(ctx) })
	running.Go(func() {
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = hs.Close()
		running.Wait()
	})
	return s
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

const get = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: other\r\n\r\n"

// ask sends a request and gives the answer's status and body.
func ask(conn net.Conn, preamble string) (string, error) {
	if _, err := io.WriteString(conn, preamble+get); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, body), err
}

// TestProxyHeaders: they are read from proxies, and from proxies alone.
func TestProxyHeaders(t *testing.T) {
	peers := transport.Peers{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	echo := transport.WithoutForwarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s https=%v secure=%v %s", r.RemoteAddr, peers.HTTPS(r), peers.Secure(r), r.Header.Get("X-Forwarded-Host"))
	}))
	trusting := serve(t, transport.Settings{Proxies: peers.Proxies, HeaderTimeout: 300 * time.Millisecond}, echo)
	elsewhere := serve(t, transport.Settings{Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, echo)
	without := serve(t, transport.Settings{}, echo)

	header := func(version byte, change func(*proxyproto.Header)) string {
		h := proxyproto.HeaderProxyFromAddrs(version, &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 4711}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443})
		if change != nil {
			change(h)
		}
		b, err := h.Format()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	overTLS := func(h *proxyproto.Header) {
		tlv, err := tlvparse.PP2SSL{
			Client: tlvparse.PP2_BITFIELD_CLIENT_SSL,
			TLV:    []proxyproto.TLV{{Type: proxyproto.PP2_SUBTYPE_SSL_VERSION, Value: []byte("TLSv1.3")}},
		}.Marshal()
		if err == nil {
			err = h.SetTLVs([]proxyproto.TLV{tlv})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name     string
		server   *server
		preamble string
		want     string // how the answer begins; "" for none
	}{
		{"version 2 of a proxy", trusting, header(2, nil), "200 198.51.100.7:4711 https=false secure=false"},
		{"version 2 of a proxy that ended TLS", trusting, header(2, overTLS), "200 198.51.100.7:4711 https=true secure=true"},
		{"a proxy's own check", trusting, header(2, func(h *proxyproto.Header) { h.Command = proxyproto.LOCAL }), "200 127.0.0.1:"},
		{"version 1 of a proxy", trusting, header(1, nil), ""},
		{"none of a proxy", trusting, "", ""},
		{"cut short", trusting, header(2, nil)[:20], "400"},
		{"version 2 of somebody else", elsewhere, header(2, nil), "400"},
		{"none of somebody else", elsewhere, "", "200 127.0.0.1:"},
		{"version 2 where none is expected", without, header(2, nil), "400"},
		{"none where none is expected", without, "", "200 127.0.0.1:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ask(dial(t, test.server.address), test.preamble)
			if (err == nil) != (test.want != "") || !strings.HasPrefix(got, test.want) {
				t.Errorf("answer %q, error %v; want %q", got, err, test.want)
			}
		})
	}
}

// TestSecure: whose word is taken for a connection that nobody reads.
func TestSecure(t *testing.T) {
	peers := transport.Peers{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.2/32")}}
	for _, test := range []struct {
		name, remote string
		header       [2]string
		https        bool
		secure       bool
	}{
		{name: "this machine", remote: "127.0.0.1:1", secure: true},
		{name: "this machine, IPv6", remote: "[::1]:1", secure: true},
		{name: "this machine, mapped", remote: "[::ffff:127.0.0.1]:1", secure: true},
		{name: "elsewhere", remote: "192.0.2.1:1"},
		{name: "a proxy that says nothing", remote: "10.1.1.1:1"},
		{name: "a proxy that says https", remote: "10.1.1.1:1", header: [2]string{"X-Forwarded-Proto", "https"}, https: true, secure: true},
		{name: "a proxy that says HTTPS, then http", remote: "10.1.1.1:1", header: [2]string{"X-Forwarded-Proto", "HTTPS, http"}, https: true, secure: true},
		{name: "a proxy that says http", remote: "10.1.1.1:1", header: [2]string{"X-Forwarded-Proto", "http"}},
		{name: "somebody who says https", remote: "192.0.2.1:1", header: [2]string{"X-Forwarded-Proto", "https"}},
		{name: "a proxy on this machine that says http", remote: "127.0.0.2:1", header: [2]string{"X-Forwarded-Proto", "http"}},
		{name: "a proxy on this machine that says https", remote: "127.0.0.2:1", header: [2]string{"X-Forwarded-Proto", "https"}, https: true, secure: true},
		{name: "something on this machine that speaks for others", remote: "127.0.0.1:1", header: [2]string{"X-Forwarded-For", "192.0.2.1"}},
		{name: "nobody", remote: ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = test.remote
		if test.header[0] != "" {
			r.Header.Set(test.header[0], test.header[1])
		}
		if peers.HTTPS(r) != test.https || peers.Secure(r) != test.secure {
			t.Errorf("%s: https %v, secure %v", test.name, peers.HTTPS(r), peers.Secure(r))
		}
	}
}

// TestBound: whoever waits makes room, whoever is served does not.
func TestBound(t *testing.T) {
	const limit = 16
	release := make(chan struct{})
	var slow sync.WaitGroup
	s := serve(t, transport.Settings{Connections: limit}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			slow.Done()
			<-release
		}
	}))
	busy := make([]net.Conn, limit/2)
	for i := range busy {
		slow.Add(1)
		busy[i] = dial(t, s.address)
		if _, err := io.WriteString(busy[i], "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	slow.Wait()
	idle := dial(t, s.address)
	if got, err := ask(idle, ""); err != nil || got != "200 " {
		t.Fatalf("answer %q, error %v", got, err)
	}
	for range 3 * limit { // each is answered, and waits from then on
		if got, err := ask(dial(t, s.address), ""); err != nil || got != "200 " {
			t.Fatalf("answer %q, error %v", got, err)
		}
	}
	silent := dial(t, s.address) // sends nothing
	for range 2 * limit {
		if got, err := ask(dial(t, s.address), ""); err != nil || got != "200 " {
			t.Fatalf("beside a silent one: answer %q, error %v", got, err)
		}
	}
	for name, conn := range map[string]net.Conn{"the longest idle": idle, "the silent": silent} {
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s connection is open still: %v", name, err)
		}
	}
	if open, evicted := s.listener.Connections(); open > limit || evicted < 5*limit-limit {
		t.Errorf("open %d, evicted %d", open, evicted)
	}
	close(release)
	for _, conn := range busy {
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("a busy connection was cut: %v", err)
		}
		_ = response.Body.Close()
	}
}

// TestBoundOfBusy: with all of them busy the new one has to go.
func TestBoundOfBusy(t *testing.T) {
	const limit = 16
	release := make(chan struct{})
	defer close(release)
	var slow sync.WaitGroup
	s := serve(t, transport.Settings{Connections: limit}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		slow.Done()
		<-release
	}))
	for range limit {
		slow.Add(1)
		if _, err := io.WriteString(dial(t, s.address), get); err != nil {
			t.Fatal(err)
		}
	}
	slow.Wait()
	if got, err := ask(dial(t, s.address), ""); err == nil {
		t.Errorf("answer %q beyond the bound", got)
	}
}

// TestShutdownDoesNotWaitForTheSilent: a connection that never had a request is
// no call in progress.
func TestShutdownDoesNotWaitForTheSilent(t *testing.T) {
	l, err := transport.Listen(t.Context(), transport.Settings{Address: "127.0.0.1:0", Connections: 16}, discard)
	if err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	release := make(chan struct{})
	asked.Add(1)
	hs := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Done()
		<-release
	})}
	l.Attach(hs, discard)
	var served sync.WaitGroup
	served.Go(func() { _ = hs.Serve(l) })
	silent, busy := dial(t, l.Addr().String()), dial(t, l.Addr().String())
	if _, err := io.WriteString(busy, get); err != nil {
		t.Fatal(err)
	}
	asked.Wait()
	time.Sleep(600 * time.Millisecond) // what is fresh may be about to ask
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	down := make(chan error, 1)
	go func() { down <- hs.Shutdown(ctx) }()
	if n, err := silent.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the silent connection is open still: %v", err)
	}
	close(release)
	if response, err := http.ReadResponse(bufio.NewReader(busy), nil); err != nil || response.Body.Close() != nil {
		t.Errorf("the call in progress: %v", err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	served.Wait()
}

// TestNoAddressInTheLog: what clients do wrong is told without who they are.
func TestNoAddressInTheLog(t *testing.T) {
	a := newAuthority(t)
	s := serve(t, transport.Settings{TLS: identity(t, a, "x")}, nil)
	conn := dial(t, s.address)
	_, _ = io.WriteString(conn, get+get)
	s.awaitLog(t, "TLS handshake error from peer")
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(s.log.String(), "127.0.0.1") {
		t.Errorf("log %s", s.log.String())
	}
}
