package tier_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/tier"
)

// attempt is one that reached a server.
type attempt struct {
	n       int // counted from 1, over all servers
	server  int
	call    registration.Call
	request registration.Request
	ctx     context.Context //nolint:containedctx // looked at by the test
}

// group is some servers with a link to each.
type group struct {
	links     []*link
	addresses []string

	mu   sync.Mutex
	made []attempt
}

// attempts are those that reached a server so far.
func (g *group) attempts() []attempt {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.made)
}

// servers starts some, with one backend that is told where it was asked.
func servers(t *testing.T, n int, register func(*group, attempt) error) *group {
	t.Helper()
	g := &group{}
	for i := range n {
		s := serve(t, backend{register: func(ctx context.Context, r registration.Request) (registration.Receipt, error) {
			g.mu.Lock()
			a := attempt{len(g.made) + 1, i, r.Call, r, ctx}
			g.made = append(g.made, a)
			g.mu.Unlock()
			return registration.Receipt{ID: r.Call.ID, RegisteredAt: r.Call.At}, register(g, a)
		}}, func(s *tier.ServerSettings) { s.Grace = time.Second })
		l := newLink(t, s.address)
		g.links = append(g.links, l)
		g.addresses = append(g.addresses, l.address)
	}
	return g
}

// TestAServerIsLostInTheMiddleOfACall: the call is made again at another one,
// and is the same call: what is done twice is known by it.
func TestAServerIsLostInTheMiddleOfACall(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"a small call": 8, "a large call": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := servers(t, 3, func(g *group, a attempt) error {
				if a.n == 1 {
					g.links[a.server].drop()
					<-a.ctx.Done()
				}
				return a.ctx.Err()
			})
			c := connected(t, g.addresses)
			r, err := c.Register(within(t, 10*time.Second), registration.Request{Username: strings.Repeat("a", size)})
			made := g.attempts()
			if err != nil || len(made) != 2 {
				t.Fatalf("%d attempts, %v", len(made), err)
			}
			one, two := made[0], made[1]
			if one.server == two.server {
				t.Error("it was made again at the same server")
			}
			if one.call != two.call || one.call.ID.IsZero() || r.ID != one.call.ID || !reflect.DeepEqual(one.request, two.request) || len(two.request.Username) != size {
				t.Errorf("made %+v, and again %+v", one.call, two.call)
			}
			if repeated, givenUp := c.figures(); repeated != 1 || givenUp != 0 {
				t.Errorf("%d repeated, %d given up", repeated, givenUp)
			}
			g.links[one.server].mend()
			c.await(t, 3)
		})
	}
}

// TestAnAnswerThatWasBegun: what gRPC calls committed is no answer yet.
func TestAnAnswerThatWasBegun(t *testing.T) {
	t.Parallel()
	for name, begun := range map[string][]byte{"its headers": nil, "half a message": {0, 0, 0, 0, 40, 10, 16, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l atomic.Pointer[link]
			dies := func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/grpc")
				if strings.Contains(r.URL.Path, "Health") {
					w.Header().Set("Grpc-Status", "12")
					return
				}
				_, _ = w.Write(begun)
				_ = http.NewResponseController(w).Flush()
				time.Sleep(50 * time.Millisecond) // it arrives
				l.Load().drop()
			}
			web := &http.Server{Handler: http.HandlerFunc(dies), Protocols: new(http.Protocols)}
			web.Protocols.SetUnencryptedHTTP2(true)
			on := listen(t, "127.0.0.1:0")
			go func() { _ = web.Serve(on) }()
			t.Cleanup(func() { _ = web.Close() })
			l.Store(newLink(t, on.Addr().String()))
			c := dial(t, []string{l.Load().address})
			answers := make(chan error, 1)
			go func() {
				_, err := c.Register(within(t, 10*time.Second), registration.Request{})
				answers <- err
			}()
			eventually(t, func() bool { repeated, _ := c.figures(); return repeated == 1 })
			if err := web.Close(); err != nil {
				t.Error(err)
			}
			serveOn(t, listen(t, on.Addr().String()), backend{})
			l.Load().mend()
			if err := <-answers; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServersThatAreLostOneAfterAnother: a call outlives some, and does not end
// them all.
func TestServersThatAreLostOneAfterAnother(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]int{"all but the last attempt": tier.Attempts - 1, "each": tier.Attempts} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := servers(t, tier.Attempts+1, func(g *group, a attempt) error {
				if a.n <= lost {
					g.links[a.server].drop()
					<-a.ctx.Done()
				}
				return a.ctx.Err()
			})
			c := connected(t, g.addresses)
			_, err := c.Register(within(t, 10*time.Second), registration.Request{})
			want := registration.Code("")
			if lost == tier.Attempts {
				want = registration.Unavailable
			}
			if made := len(g.attempts()); code(err) != want || made != tier.Attempts {
				t.Errorf("after %d attempts: %v", made, err)
			}
		})
	}
}

// TestAServerIsLostUnderManyCalls: each of them is made elsewhere, however many
// fail together.
func TestAServerIsLostUnderManyCalls(t *testing.T) { // by itself: it takes all processors
	const calls = 1600
	var mu sync.Mutex
	done := map[registration.ID]int{}
	all := make(chan struct{})
	g := servers(t, 2, func(_ *group, a attempt) error {
		if a.n == calls {
			close(all)
		}
		if a.server == 0 {
			<-a.ctx.Done()
			return a.ctx.Err()
		}
		<-all
		mu.Lock()
		defer mu.Unlock()
		done[a.call.ID]++
		return nil
	})
	c := connected(t, g.addresses)
	var callers sync.WaitGroup
	for range calls {
		callers.Go(func() {
			if _, err := c.Register(within(t, time.Minute), registration.Request{}); err != nil {
				t.Error(err)
			}
		})
	}
	<-all
	g.links[0].drop()
	callers.Wait()
	if len(done) != calls {
		t.Errorf("%d of %d calls were done", len(done), calls)
	}
	if repeated, _ := c.figures(); repeated == 0 {
		t.Error("no call was made again")
	}
}

// TestASilentServer: one that hangs, or whose cable is pulled, ends no
// connection. It is given up, its calls are made elsewhere, and it is taken in
// again when it answers.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	g := servers(t, 3, func(g *group, a attempt) error {
		if a.n == 1 {
			g.links[a.server].freeze()
			<-a.ctx.Done()
		}
		return a.ctx.Err()
	})
	c := connected(t, g.addresses)
	began := time.Now()
	if _, err := c.Register(within(t, 10*time.Second), registration.Request{}); err != nil {
		t.Fatal(err)
	}
	t.Logf("a call that a silent server held was answered after %v", time.Since(began))
	made := g.attempts()
	one, two := made[0], made[1]
	if one.server == two.server || one.call != two.call {
		t.Errorf("made %+v, and again %+v", one, two)
	}
	if repeated, givenUp := c.figures(); repeated != 1 || givenUp != 1 {
		t.Errorf("%d repeated, %d given up", repeated, givenUp)
	}
	if log := c.log.String(); !strings.Contains(log, "does not answer") || !strings.Contains(log, "server="+g.addresses[one.server]) || !strings.Contains(log, "silent_for=") {
		t.Errorf("the log:\n%s", log)
	}
	for range 30 { // nobody waits for it any more
		if _, err := c.Register(within(t, 10*time.Second), registration.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(2500 * time.Millisecond) // attempts to connect come and go
	if n := strings.Count(c.log.String(), "does not answer"); n != 1 || c.Serving() != 2 {
		t.Errorf("%d servers serve; it was told %d times:\n%s", c.Serving(), n, c.log)
	}
	for _, a := range g.attempts()[1:] {
		if a.server == one.server {
			t.Error("the silent server was asked")
		}
	}
	g.links[one.server].thaw()
	c.await(t, 3)
	eventually(t, func() bool { return strings.Contains(c.log.String(), "answers again") })
	if repeated, givenUp := c.figures(); repeated != 1 || givenUp != 1 {
		t.Errorf("%d repeated, %d given up", repeated, givenUp)
	}
}

// TestNobodyElseAnswers: the only server is not given up, nor are all of them at
// once: whoever does not hear anybody may be deaf.
func TestNobodyElseAnswers(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"the only one": 1, "each of them": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := make(chan struct{}, n)
			goOn := make(chan struct{})
			g := servers(t, n, func(*group, attempt) error {
				taken <- struct{}{}
				<-goOn
				return nil
			})
			c := connected(t, g.addresses)
			answers := make(chan error, n)
			for range n {
				go func() {
					_, err := c.Register(within(t, 30*time.Second), registration.Request{})
					answers <- err
				}()
				<-taken
			}
			for _, l := range g.links {
				l.freeze()
			}
			close(goOn)
			time.Sleep(1500 * time.Millisecond)
			if repeated, givenUp := c.figures(); repeated != 0 || givenUp != 0 {
				t.Errorf("%d repeated, %d given up", repeated, givenUp)
			}
			time.Sleep(time.Second)
			if err := c.Ready(within(t, 500*time.Millisecond)); err == nil || c.Serving() != 0 {
				t.Errorf("ready: %v, with %d servers that have not answered for seconds", err, c.Serving())
			}
			for _, l := range g.links {
				l.thaw()
			}
			for range n {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			c.await(t, n)
		})
	}
}

// TestAllServersAreAway: calls wait for one, no longer than their callers do.
func TestAllServersAreAway(t *testing.T) {
	t.Parallel()
	g := servers(t, 2, func(*group, attempt) error { return nil })
	for _, l := range g.links {
		l.drop()
	}
	c := dial(t, g.addresses)
	if err := c.Ready(within(t, 2*time.Second)); err == nil || c.Serving() != 0 {
		t.Errorf("ready: %v", err)
	}
	_, err := c.Register(within(t, 300*time.Millisecond), registration.Request{})
	if code(err) != registration.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	answers := make(chan error, 1)
	go func() {
		_, err := c.Register(within(t, 20*time.Second), registration.Request{})
		answers <- err
	}()
	time.Sleep(300 * time.Millisecond)
	g.links[1].mend()
	if err := <-answers; err != nil {
		t.Error(err)
	}
	if err := c.Ready(within(t, 2*time.Second)); err != nil {
		t.Error(err)
	}
	g.links[1].drop() // and once more, with calls after it
	if _, err := c.Register(within(t, 300*time.Millisecond), registration.Request{}); code(err) != registration.Unavailable {
		t.Errorf("%v", err)
	}
	g.links[0].mend()
	if _, err := c.Register(within(t, 20*time.Second), registration.Request{}); err != nil {
		t.Error(err)
	}
}

// TestWhyItIsNotReady is told to operators.
func TestWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	nobody := listen(t, "127.0.0.1:0")
	nobody.Close()
	c := dial(t, []string{nobody.Addr().String()})
	if err := c.Ready(within(t, 2*time.Second)); err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), nobody.Addr().String()) {
		t.Errorf("nobody listens: %v", err)
	}
	s := serve(t, backend{}, func(s *tier.ServerSettings) {
		s.Ready = func(context.Context) error { return errors.New("no database") }
	})
	c = dial(t, []string{s.address})
	if err := c.Ready(within(t, 2*time.Second)); err == nil || !strings.Contains(err.Error(), "NOT_SERVING") {
		t.Errorf("the only one is not ready: %v", err)
	}
}
