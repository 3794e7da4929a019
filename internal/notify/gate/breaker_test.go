package gate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
)

// try passes one message and ends it with err.
func try(t *testing.T, g notify.Gate, err error) error {
	t.Helper()
	n, shut := g.Pass(t.Context(), 1)
	if shut == nil {
		if n != 1 {
			t.Fatalf("%d passed", n)
		}
		g.Done(err)
	}
	return shut
}

// shut opens the breaker of a provider by failures.
func shut(t *testing.T, g notify.Gate) {
	t.Helper()
	for range 5 {
		if err := try(t, g, transient); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(t, g, nil); !errors.Is(err, notify.ErrShut) {
		t.Fatalf("after five failures: %v", err)
	}
}

// TestWhatOpensTheBreaker: only what is the provider's own failure.
func TestWhatOpensTheBreaker(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err   error
		opens bool
	}{
		{nil, false},
		{notify.ErrUnused, false},
		{context.Canceled, false},
		{&notify.SendError{Class: notify.Ambiguous, Err: context.Canceled}, false},
		{&notify.SendError{Class: notify.Permanent, Status: "550 5.1.1"}, false},
		{&notify.SendError{Class: notify.Permanent, Provider: true}, false},
		{&notify.SendError{Class: notify.Transient, Status: "452 4.2.2"}, false},
		{&notify.SendError{Class: notify.Throttled, Provider: true}, false},
		{transient, true},
		{fmt.Errorf("wrapped: %w", transient), true},
		{&notify.SendError{Class: notify.Ambiguous}, true},
		{&notify.SendError{Class: notify.Ambiguous, Err: context.DeadlineExceeded}, true},
		{errors.New("anything else counts as Ambiguous"), true},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
			for i := range 5 {
				if err := try(t, g, test.err); err != nil {
					t.Fatalf("%v: shut after %d", test.err, i)
				}
			}
			if err := try(t, g, nil); errors.Is(err, notify.ErrShut) != test.opens {
				t.Errorf("%v five times: %v", test.err, err)
			}
		})
	}
}

// TestOnlyFailuresInARow open it.
func TestOnlyFailuresInARow(t *testing.T) {
	t.Parallel()
	g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
	for range 10 {
		for range 4 {
			if err := try(t, g, transient); err != nil {
				t.Fatal(err)
			}
		}
		if err := try(t, g, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAllLanesShareTheBreaker, and it tells once what it does.
func TestAllLanesShareTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen, log := &record{}, &strings.Builder{}
		p := open(t, gate.Settings{Observer: seen, Log: slog.New(slog.NewTextHandler(log, nil))})
		shut(t, p.Gate(lane.SMSMarketing))
		for _, l := range lane.All() {
			if _, err := p.Gate(l).Pass(t.Context(), 1); !errors.Is(err, notify.ErrShut) {
				t.Errorf("%s: %v", l, err)
			}
		}
		time.Sleep(7 * time.Second) // 5 s and a quarter at most
		for range 3 {
			if err := try(t, p.Gate(lane.SMSOTP), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := p.Gate(lane.SMSMarketing).Pass(t.Context(), 50); n != 50 || err != nil {
			t.Errorf("closed, it passes %d, %v", n, err)
		}
		if want := []gate.State{gate.Closed, gate.Open, gate.HalfOpen, gate.Closed}; !slices.Equal(seen.seen(), want) {
			t.Errorf("the states were %v", seen.seen())
		}
		if lines := strings.Count(log.String(), "\n"); lines != 3 || !strings.Contains(log.String(), "provider=gateway") || !strings.Contains(log.String(), `reason="TRANSIENT HTTP 503"`) {
			t.Errorf("logged was\n%s", log)
		}
	})
}

// TestWhoWaitsIsSentAway when the provider fails, to try another one.
func TestWhoWaitsIsSentAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, gate.Settings{Rate: 0.001})
		first := p.Gate(lane.SMSOTP)
		if n, err := first.Pass(t.Context(), 2); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		began := time.Now()
		var running sync.WaitGroup
		for _, l := range lane.All() {
			running.Go(func() {
				if _, err := p.Gate(l).Pass(t.Context(), 1); !errors.Is(err, notify.ErrShut) {
					t.Errorf("%s: %v", l, err)
				}
			})
		}
		time.Sleep(time.Second)
		for range 5 {
			first.Done(transient)
		}
		running.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("they waited for %s", took)
		}
	})
}

// TestOpenForLongerEachTime, up to a minute, and never twice the same.
func TestOpenForLongerEachTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
		shut(t, g)
		var waits []time.Duration
		for _, want := range []time.Duration{5, 10, 20, 40, 60, 60, 60} {
			want *= time.Second
			opened := time.Now()
			for try(t, g, transient) != nil {
				time.Sleep(time.Millisecond)
			}
			took := time.Since(opened)
			if took < want*3/4 || took > want*5/4+2*time.Millisecond {
				t.Errorf("open for %s, want about %s", took, want)
			}
			waits = append(waits, took)
		}
		if slices.Max(waits[4:]) == slices.Min(waits[4:]) {
			t.Error("no jitter")
		}
		time.Sleep(90 * time.Second)
		for range 3 { // it works: the next outage begins anew
			if err := try(t, g, nil); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, g)
		time.Sleep(6251 * time.Millisecond)
		if err := try(t, g, nil); err != nil {
			t.Errorf("the first opening of another outage: %v", err)
		}
	})
}

// TestHalfOpen lets three through at once, whichever lane comes.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		ends  []error // of the probes, in this order
		then  int     // how many may pass at once after them; 0 is shut
		state gate.State
	}{
		{"none has ended", nil, 0, gate.HalfOpen},
		{"one has worked", []error{nil}, 1, gate.HalfOpen},
		{"all have worked", []error{nil, nil, nil}, 100, gate.Closed},
		{"refusals of a message are work", []error{&notify.SendError{Class: notify.Permanent}, throttled, nil}, 100, gate.Closed},
		{"one has failed", []error{nil, nil, transient}, 0, gate.Open},
		{"the first has failed", []error{transient, nil, nil}, 0, gate.Open},
		{"one was not used", []error{notify.ErrUnused}, 1, gate.HalfOpen},
		{"none was used", []error{notify.ErrUnused, context.Canceled, notify.ErrUnused}, 3, gate.HalfOpen},
	} {
		synctest.Test(t, func(t *testing.T) {
			seen := &record{}
			p := open(t, gate.Settings{Observer: seen})
			g := p.Gate(lane.SMSOTP)
			shut(t, g)
			time.Sleep(7 * time.Second)
			if n, err := p.Gate(lane.EmailMarketing).Pass(t.Context(), 100); n != 3 || err != nil {
				t.Fatalf("%s: %d probes, %v", test.name, n, err)
			}
			if _, err := g.Pass(t.Context(), 1); !errors.Is(err, notify.ErrShut) {
				t.Errorf("%s: a fourth probe: %v", test.name, err)
			}
			for _, end := range test.ends {
				g.Done(end)
			}
			n, err := g.Pass(t.Context(), 100)
			if n != test.then || (n == 0) != errors.Is(err, notify.ErrShut) {
				t.Errorf("%s: %d pass, %v", test.name, n, err)
			}
			if states := seen.seen(); states[len(states)-1] != test.state {
				t.Errorf("%s: the states were %v", test.name, states)
			}
		})
	}
}

// TestALostProbeDoesNotWedgeIt: what never ends has failed after a minute.
func TestALostProbeDoesNotWedgeIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
		shut(t, g)
		time.Sleep(7 * time.Second)
		if n, err := g.Pass(t.Context(), 3); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(59 * time.Second)
		if _, err := g.Pass(t.Context(), 1); !errors.Is(err, notify.ErrShut) {
			t.Errorf("too early: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := g.Pass(t.Context(), 1); !errors.Is(err, notify.ErrShut) {
			t.Errorf("not taken for a failure: %v", err)
		}
		time.Sleep(13 * time.Second)
		for range 3 {
			if err := try(t, g, nil); err != nil {
				t.Fatalf("wedged: %v", err)
			}
		}
		if n, err := g.Pass(t.Context(), 10); n != 10 || err != nil {
			t.Errorf("%d passed, %v", n, err)
		}
	})
}

// TestLateFailuresAreOfBefore: sends that hung while the provider was away do
// not shut it again when it works.
func TestLateFailuresAreOfBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &record{}
		g := open(t, gate.Settings{Observer: seen}).Gate(lane.SMSOTP)
		if n, err := g.Pass(t.Context(), 40); n != 40 || err != nil {
			t.Fatal(n, err)
		}
		for range 5 {
			g.Done(transient)
		}
		time.Sleep(7 * time.Second)
		for range 3 {
			if err := try(t, g, nil); err != nil {
				t.Fatal(err)
			}
		}
		for range 35 {
			g.Done(&notify.SendError{Class: notify.Ambiguous, Err: context.DeadlineExceeded})
		}
		if err := try(t, g, nil); err != nil {
			t.Errorf("shut by late failures: %v", err)
		}
		shut(t, g) // by new ones it is
		if want := []gate.State{gate.Closed, gate.Open, gate.HalfOpen, gate.Closed, gate.Open}; !slices.Equal(seen.seen(), want) {
			t.Errorf("the states were %v", seen.seen())
		}
	})
}

// TestEndsWhileOpenAreOfBefore: whatever they were, they hide no later failure.
func TestEndsWhileOpenAreOfBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
		if n, err := g.Pass(t.Context(), 9); n != 9 || err != nil {
			t.Fatal(n, err)
		}
		for range 5 {
			g.Done(transient)
		}
		for _, end := range []error{nil, transient, notify.ErrUnused, throttled} {
			g.Done(end)
		}
		time.Sleep(7 * time.Second)
		if err := try(t, g, transient); err != nil {
			t.Fatal(err)
		}
		if err := try(t, g, nil); !errors.Is(err, notify.ErrShut) {
			t.Errorf("after a failed probe: %v", err)
		}
	})
}

// TestLostEndsOfBeforeAreForgotten: they do not hide failures for ever.
func TestLostEndsOfBeforeAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{}).Gate(lane.SMSOTP)
		if n, err := g.Pass(t.Context(), 1000); n != 1000 || err != nil {
			t.Fatal(n, err)
		}
		for range 5 {
			g.Done(transient)
		}
		time.Sleep(61 * time.Second)
		for range 3 {
			if err := try(t, g, nil); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, g)
	})
}

// TestManyAtOnce is for the race detector: nothing is lost between goroutines.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p := open(t, gate.Settings{Rate: 1e6, MarketingShare: 0.1, OpenFor: time.Microsecond, MaxOpenFor: time.Millisecond})
	var running sync.WaitGroup
	for i := range 24 {
		running.Go(func() {
			g := p.Gate(lane.All()[i%6])
			for j := range 500 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(j)*time.Microsecond)
				n, err := g.Pass(ctx, 1+j%4)
				cancel()
				if err != nil && !errors.Is(err, notify.ErrShut) && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				for range n {
					g.Done([]error{nil, notify.ErrUnused, throttled, transient, transient}[(i+j)%5])
				}
			}
		})
	}
	running.Wait()
}

func TestSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	whole := gate.Settings{Name: "a", Observer: &record{}, Log: log}
	for name, change := range map[string]func(*gate.Settings){
		"no name": func(s *gate.Settings) { s.Name = "" }, "no observer": func(s *gate.Settings) { s.Observer = nil }, "no log": func(s *gate.Settings) { s.Log = nil },
		"a negative rate": func(s *gate.Settings) { s.Rate = -1 }, "all for marketing": func(s *gate.Settings) { s.MarketingShare = 1 },
		"a negative share": func(s *gate.Settings) { s.MarketingShare = -0.1 }, "no failures": func(s *gate.Settings) { s.Failures = -1 },
		"a longest time below the first": func(s *gate.Settings) { s.OpenFor = time.Hour },
	} {
		s := whole
		change(&s)
		if _, err := gate.New(s); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
