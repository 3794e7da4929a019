package tier_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"registrar/internal/registration"
	"registrar/internal/tier"
)

// load is callers who call as long as a test does something.
type load struct {
	t     *testing.T
	over  chan struct{}
	work  sync.WaitGroup
	calls atomic.Int64
}

func startLoad(t *testing.T, c *client, callers int) *load {
	t.Helper()
	l := &load{t: t, over: make(chan struct{})}
	for range callers {
		l.work.Go(func() {
			for {
				select {
				case <-l.over:
					return
				default:
				}
				if _, err := c.Register(within(t, 20*time.Second), registration.Request{}); err != nil {
					t.Errorf("a call failed: %v", err)
				}
				l.calls.Add(1)
			}
		})
	}
	return l
}

// more waits for so many calls.
func (l *load) more(calls int64) {
	l.t.Helper()
	until := l.calls.Load() + calls
	eventually(l.t, func() bool { return l.calls.Load() >= until })
}

func (l *load) end() {
	close(l.over)
	l.work.Wait()
}

// TestAServerThatIsNotReady is not asked while it says so. It says so not at
// once: a cluster that chooses its members anew holds each server up.
func TestAServerThatIsNotReady(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	var asked [2]atomic.Int64
	var addresses []string
	for i := range asked {
		addresses = append(addresses, serve(t, backend{register: func(context.Context, registration.Request) (registration.Receipt, error) {
			asked[i].Add(1)
			return registration.Receipt{}, nil
		}}, func(s *tier.ServerSettings) {
			s.Ready = func(context.Context) error {
				if i == 0 && away.Load() {
					return errors.New("no database")
				}
				return nil
			}
		}).address)
	}
	c := connected(t, addresses)
	l := startLoad(t, c, 2)
	defer l.end()
	away.Store(true)
	time.Sleep(time.Second)
	if n := c.Serving(); n != 2 {
		t.Errorf("after a second without a database %d servers serve", n)
	}
	c.await(t, 1)
	var before int64
	eventually(t, func() bool { // what was on its way arrives, and then nothing more
		before = asked[0].Load()
		l.more(100)
		return asked[0].Load() == before
	})
	away.Store(false)
	c.await(t, 2)
	before = asked[0].Load()
	l.more(100)
	if asked[0].Load() == before {
		t.Error("a server that is ready again is not asked")
	}
	c.undisturbed(t)
}

// undisturbed says that no call was made again, unless a server was given up: a
// machine that is short of processors makes it look silent, and what is asked here
// is about servers that stop.
func (c *client) undisturbed(t *testing.T) {
	t.Helper()
	if repeated, givenUp := c.figures(); repeated != 0 && givenUp == 0 {
		t.Errorf("%d calls were made again", repeated)
	}
}

// TestNobodyIsReady: calls wait, and go on when one is.
func TestNobodyIsReady(t *testing.T) {
	t.Parallel()
	var there atomic.Bool
	s := serve(t, backend{}, func(s *tier.ServerSettings) {
		s.Ready = func(context.Context) error {
			if !there.Load() {
				return errors.New("no database")
			}
			return nil
		}
	})
	c := dial(t, []string{s.address})
	if _, err := c.Register(within(t, 500*time.Millisecond), registration.Request{}); code(err) != registration.Unavailable {
		t.Errorf("%v", err)
	}
	time.AfterFunc(200*time.Millisecond, func() { there.Store(true) })
	if _, err := c.Register(within(t, 20*time.Second), registration.Request{}); err != nil {
		t.Error(err)
	}
}

// slowly answers after a moment.
func slowly(ctx context.Context, _ registration.Request) (registration.Receipt, error) {
	select {
	case <-ctx.Done():
		return registration.Receipt{}, ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return registration.Receipt{}, nil
	}
}

// TestServersAreReplaced, each by another at the same address, under load: no
// call fails, and none is made twice.
func TestServersAreReplaced(t *testing.T) {
	t.Parallel()
	all := []*server{serve(t, backend{register: slowly}), serve(t, backend{register: slowly})}
	c := connected(t, []string{all[0].address, all[1].address})
	l := startLoad(t, c, 16)
	defer l.end()
	for i, s := range all {
		l.more(200)
		s.Drain()
		c.await(t, 1)
		l.more(100)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		l.more(100)
		all[i] = serveOn(t, listen(t, s.address), backend{register: slowly})
		c.await(t, 2)
	}
	for _, s := range all { // and without a word before it
		l.more(100)
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		serveOn(t, listen(t, s.address), backend{register: slowly})
		c.await(t, 2)
	}
	c.undisturbed(t)
}

// TestWhatIsInProgressIsFinished: a server that stops takes nobody in, and is
// not taken for silent by that.
func TestWhatIsInProgressIsFinished(t *testing.T) {
	t.Parallel()
	taken := make(chan int, 2)
	var stopping, other *server
	register := func(i int) backend {
		return backend{register: func(ctx context.Context, _ registration.Request) (registration.Receipt, error) {
			taken <- i
			select {
			case <-ctx.Done():
			case <-time.After(1500 * time.Millisecond):
			}
			return registration.Receipt{ID: registration.ID{15: byte(i)}}, ctx.Err()
		}}
	}
	stopping, other = serve(t, register(0)), serve(t, register(1))
	c := connected(t, []string{stopping.address, other.address})
	answers := make(chan registration.Receipt, 2)
	for range 2 {
		go func() {
			r, err := c.Register(within(t, 20*time.Second), registration.Request{})
			if err != nil {
				t.Error(err)
			}
			answers <- r
		}()
		<-taken
	}
	if err := stopping.stop(); err != nil {
		t.Error(err)
	}
	one, two := <-answers, <-answers
	if one.ID == two.ID {
		t.Error("one server answered both")
	}
	if repeated, givenUp := c.figures(); repeated != 0 || givenUp != 0 {
		t.Errorf("%d repeated, %d given up:\n%s", repeated, givenUp, c.log)
	}
}

// TestTheGrace of a server ends what does not end by itself; the call is made
// elsewhere.
func TestTheGrace(t *testing.T) {
	t.Parallel()
	taken := make(chan int, 1)
	var all []*server
	var addresses []string
	first := atomic.Bool{}
	for i := range 2 {
		s := serve(t, backend{register: func(ctx context.Context, _ registration.Request) (registration.Receipt, error) {
			if first.CompareAndSwap(false, true) {
				taken <- i
				<-ctx.Done()
			}
			return registration.Receipt{}, ctx.Err()
		}}, func(s *tier.ServerSettings) { s.Grace = 200 * time.Millisecond })
		all, addresses = append(all, s), append(addresses, s.address)
	}
	c := connected(t, addresses)
	answers := make(chan error, 1)
	go func() {
		_, err := c.Register(within(t, 20*time.Second), registration.Request{})
		answers <- err
	}()
	s := all[<-taken]
	if err := s.stop(); err == nil {
		t.Error("it is not told that a call was still in progress")
	}
	s.stop = func() error { return nil } // it was told
	if err := <-answers; err != nil {
		t.Error(err)
	}
}

// TestConnectionsThatAreTooOld are replaced, and nobody notices.
func TestConnectionsThatAreTooOld(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ports := map[string]bool{}
	b := backend{register: slowly}
	on := &noted{Listener: listen(t, "127.0.0.1:0"), note: func(address string) {
		mu.Lock()
		defer mu.Unlock()
		ports[address] = true
	}}
	s := serveOn(t, on, b, func(s *tier.ServerSettings) { s.ConnectionAge = 300 * time.Millisecond })
	c := connected(t, []string{s.address})
	l := startLoad(t, c, 8)
	defer l.end()
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(ports) >= 10
	})
	c.undisturbed(t)
}

// noted is a listener that tells who comes.
type noted struct {
	net.Listener
	note func(address string)
}

func (n *noted) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		n.note(c.RemoteAddr().String())
	}
	return c, err
}

// TestAStrangersHealthCheck does not hold a server up that stops: it need not go
// when it is asked to.
func TestAStrangersHealthCheck(t *testing.T) {
	t.Parallel()
	s := serve(t, backend{})
	c, err := grpc.NewClient("passthrough:///"+s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	watch, err := grpc_health_v1.NewHealthClient(c).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		told, err := watch.Recv()
		return err == nil && told.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING
	})
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// TestAWebServerThatHangs does not hold up a server that stops.
func TestAWebServerThatHangs(t *testing.T) {
	t.Parallel()
	s := serve(t, backend{}, func(s *tier.ServerSettings) { s.Grace = time.Minute })
	l := newLink(t, s.address)
	c := connected(t, []string{l.address})
	if _, err := c.Register(within(t, 10*time.Second), registration.Request{}); err != nil {
		t.Fatal(err)
	}
	l.freeze()
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestAListenerThatFails is told.
func TestAListenerThatFails(t *testing.T) {
	t.Parallel()
	on := listen(t, "127.0.0.1:0")
	s := serveOn(t, on, backend{})
	connected(t, []string{s.address})
	on.Close()
	if err := s.stop(); err == nil {
		t.Error("nobody is told")
	}
	s.stop = func() error { return nil }
}
