package tier_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/tier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend is the application behind a server. What a test does not set answers
// with nothing.
type backend struct {
	register func(context.Context, registration.Request) (registration.Receipt, error)
	details  func(context.Context, registration.Lookup) (registration.Details, error)
	verify   func(context.Context, registration.VerifyRequest) (registration.Verified, error)
	resend   func(context.Context, registration.ResendRequest) (registration.Resent, error)
	password func(context.Context, registration.PasswordRequest) (registration.PasswordVerdict, error)
	callers  func(context.Context) ([]caller.Caller, error)
	spend    func(context.Context, registration.ID, string, [32]byte, time.Time) error
	reserve  func(context.Context, string, caller.Policy, int, time.Time) (caller.Grant, error)
	standing func(context.Context, registration.ID, registration.Channel) (bool, string, error)
	withdraw func(context.Context, registration.ID, registration.Channel, time.Time) error
	restore  func(context.Context, registration.ID, registration.Channel) error
}

func (b backend) Register(ctx context.Context, r registration.Request) (registration.Receipt, error) {
	if b.register == nil {
		return registration.Receipt{}, nil
	}
	return b.register(ctx, r)
}

func (b backend) Details(ctx context.Context, l registration.Lookup) (registration.Details, error) {
	if b.details == nil {
		return registration.Details{}, nil
	}
	return b.details(ctx, l)
}

func (b backend) Verify(ctx context.Context, r registration.VerifyRequest) (registration.Verified, error) {
	return b.verify(ctx, r)
}

func (b backend) Resend(ctx context.Context, r registration.ResendRequest) (registration.Resent, error) {
	return b.resend(ctx, r)
}

func (b backend) VerifyPassword(ctx context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
	return b.password(ctx, r)
}

func (b backend) Callers(ctx context.Context) ([]caller.Caller, error) { return b.callers(ctx) }

func (b backend) Spend(ctx context.Context, call registration.ID, name string, nonce [32]byte, expires time.Time) error {
	return b.spend(ctx, call, name, nonce, expires)
}

func (b backend) Reserve(ctx context.Context, name string, p caller.Policy, want int, now time.Time) (caller.Grant, error) {
	return b.reserve(ctx, name, p, want, now)
}

func (b backend) Standing(ctx context.Context, id registration.ID, c registration.Channel) (bool, string, error) {
	return b.standing(ctx, id, c)
}

func (b backend) Withdraw(ctx context.Context, id registration.ID, c registration.Channel, now time.Time) error {
	return b.withdraw(ctx, id, c, now)
}

func (b backend) Restore(ctx context.Context, id registration.ID, c registration.Channel) error {
	return b.restore(ctx, id, c)
}

// logged is what was logged, for several goroutines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// server is a tier.Server on loopback.
type server struct {
	*tier.Server
	address string
	log     *logged
	stop    func() error // as SIGTERM does
}

func well(context.Context) error { return nil }

func newID() (registration.ID, error) { return registration.ID(uuid.New()), nil }

// serve starts a server. change, if given, changes its settings.
func serve(t *testing.T, b backend, change ...func(*tier.ServerSettings)) *server {
	t.Helper()
	return serveOn(t, listen(t, "127.0.0.1:0"), b, change...)
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func serveOn(t *testing.T, on net.Listener, b backend, change ...func(*tier.ServerSettings)) *server {
	t.Helper()
	settings := tier.ServerSettings{Ready: well, Grace: 10 * time.Second}
	for _, c := range change {
		c(&settings)
	}
	s := &server{address: on.Addr().String(), log: &logged{}}
	s.Server = tier.NewServer(settings, b, b, b, slog.New(slog.NewTextHandler(s.log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, on) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	return s
}

// client is a tier.Client with what it tells.
type client struct {
	*tier.Client
	log *logged

	mu       sync.Mutex
	called   map[[2]string]int // by method and code
	repeated int
	givenUp  int
}

func (c *client) figures() (repeated, givenUp int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.repeated, c.givenUp
}

// dial makes a client of servers, which need not be there.
func dial(t *testing.T, servers []string, change ...func(*tier.ClientSettings)) *client {
	t.Helper()
	c := &client{log: &logged{}, called: map[[2]string]int{}}
	settings := tier.ClientSettings{Servers: servers, NewID: newID, Observer: tier.ClientObserver{
		Called: func(method, code string, _ time.Duration) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.called[[2]string{method, code}]++
		},
		Repeated: func(string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.repeated++
		},
		GivenUp: func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.givenUp++
		},
	}}
	for _, change := range change {
		change(&settings)
	}
	var err error
	if c.Client, err = tier.Dial(settings, slog.New(slog.NewTextHandler(c.log, nil))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// connected is dial that waits until some servers take calls.
func connected(t *testing.T, servers []string, change ...func(*tier.ClientSettings)) *client {
	t.Helper()
	c := dial(t, servers, change...)
	c.await(t, len(servers))
	return c
}

func (c *client) await(t *testing.T, servers int) {
	t.Helper()
	eventually(t, func() bool { return c.Serving() == servers })
}

// eventually waits for something that takes no more than a few seconds.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for began := time.Now(); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("it did not come to that in 20 s")
		}
	}
}

// within is a context with some time.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func code(err error) registration.Code {
	if err == nil {
		return ""
	}
	e, ok := err.(*registration.Error) //nolint:errorlint // the promise is about the error itself
	if !ok {
		return registration.Code("no *Error: " + err.Error())
	}
	return e.Code
}
