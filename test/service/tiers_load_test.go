package service_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/test/harness"
)

// balancer sends each call to the next web server that says it is ready, and to
// another one where nobody takes the connection, as the balancer in front of
// them does. It sends nothing twice.
type balancer struct {
	webs  []*harness.Service
	ready []atomic.Bool
	next  atomic.Int64
	end   context.CancelFunc
	looks sync.WaitGroup
}

func newBalancer(t *testing.T, webs []*harness.Service) *balancer {
	t.Helper()
	b := &balancer{webs: webs, ready: make([]atomic.Bool, len(webs))}
	ctx, cancel := context.WithCancel(t.Context())
	b.end = cancel
	for i, w := range webs {
		b.ready[i].Store(true)
		b.looks.Go(func() {
			for ctx.Err() == nil {
				status, _, err := w.Get(ctx, w.Admin+"/readyz")
				b.ready[i].Store(err == nil && status == http.StatusOK)
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
	return b
}

func (b *balancer) web() *harness.Service {
	for range b.webs {
		if i := int(b.next.Add(1)) % len(b.webs); b.ready[i].Load() {
			return b.webs[i]
		}
	}
	return b.webs[0]
}

func (b *balancer) register(ctx context.Context, r harness.Register) (harness.Receipt, error) {
	for {
		receipt, err := b.web().Register(ctx, r)
		if refused, ok := errors.AsType[*net.OpError](err); !ok || refused.Op != "dial" || ctx.Err() != nil {
			return receipt, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// registrations are people who register as long as a test does something, in
// calls without a request id: made again by their caller they would be refused.
type registrations struct {
	t        *testing.T
	balancer *balancer
	name     string
	next     atomic.Int64
	over     chan struct{}
	work     sync.WaitGroup

	mu      sync.Mutex
	ids     map[string]string // by address
	slowest time.Duration
}

func startRegistrations(t *testing.T, b *balancer, name string, callers int) *registrations {
	t.Helper()
	l := &registrations{t: t, balancer: b, name: name, over: make(chan struct{}), ids: map[string]string{}}
	for range callers {
		l.work.Go(l.run)
	}
	return l
}

func (l *registrations) run() {
	for {
		select {
		case <-l.over:
			return
		case <-time.After(10 * time.Millisecond): // the cores are for others too
		}
		who := fmt.Sprint(l.name, l.next.Add(1))
		r := harness.Register{Username: who, Email: who + "@example.com", Password: "velvet-anchor-tuesday"}
		began := time.Now()
		receipt, err := l.balancer.register(l.t.Context(), r)
		took := time.Since(began)
		if err != nil {
			l.t.Errorf("%s after %v: %v", who, took, err)
			continue
		}
		l.mu.Lock()
		l.ids[r.Email] = receipt.RegistrationID
		l.slowest = max(l.slowest, took)
		l.mu.Unlock()
	}
}

// more waits for so many registrations, and tells the slowest one since the last time.
func (l *registrations) more(what string, n int) {
	l.t.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.ids)
	}
	until := count() + n
	harness.Eventually(l.t, time.Minute, func(context.Context) error {
		if c := count(); c < until && !l.t.Failed() {
			return fmt.Errorf("%s: %d registrations, not %d", what, c, until)
		}
		return nil
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Logf("%s: the slowest registration took %v", what, l.slowest.Round(time.Millisecond))
	l.slowest = 0
}

func (l *registrations) end() {
	close(l.over)
	l.work.Wait()
}

// nobodyNotices that a process of the tiers ends, in whatever way.
func (s *tiers) nobodyNotices(t *testing.T) {
	t.Helper()
	b := newBalancer(t, s.webs)
	defer b.looks.Wait()
	defer b.end()
	l := startRegistrations(t, b, "person", 8)
	l.more("all are there", 60)
	s.apps[0].Kill()
	l.more("application server 0 killed", 60)
	s.apps[0].Start(t)
	l.more("started again", 30)
	if err := s.apps[1].Process().Pause(); err != nil {
		t.Fatal(err)
	}
	l.more("application server 1 hangs", 60)
	time.Sleep(time.Second)
	if err := s.apps[1].Process().Resume(); err != nil {
		t.Fatal(err)
	}
	l.more("and goes on", 30)
	for i, app := range s.apps {
		if err := app.Stop(20 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, app.Log(t))
		}
		l.more(fmt.Sprintf("application server %d stopped", i), 30)
		app.Start(t)
		l.more("started again", 30)
	}
	s.figures(t)
	for i, web := range s.webs {
		if err := web.Stop(20 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, web.Log(t))
		}
		l.more(fmt.Sprintf("web server %d stopped", i), 30)
		web.Start(t)
		l.more("started again", 30)
	}
	l.end()
	for email, id := range l.ids {
		if d, err := s.webs[0].Lookup(t.Context(), "email", email); err != nil || d.RegistrationID != id {
			t.Errorf("%s was told %s, and is %s, %v", email, id, d.RegistrationID, err)
		}
	}
	count, err := s.Query(t.Context(), "SELECT COUNT(*) FROM registrar.accounts WHERE username LIKE '"+l.name+"%'")
	if n, _ := strconv.Atoi(strings.TrimSpace(count)); err != nil || n != len(l.ids) {
		t.Errorf("%d people were told that they are registered, and %s are, %v", len(l.ids), count, err)
	}
	silent := 0
	for _, w := range s.webs {
		silent += strings.Count(w.Log(t), "an application server does not answer")
	}
	if silent == 0 {
		t.Error("no web server tells of the application server that hung")
	}
}
