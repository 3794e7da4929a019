package gate_test

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	transient = &notify.SendError{Class: notify.Transient, Status: "HTTP 503", Provider: true}
	throttled = &notify.SendError{Class: notify.Throttled, Status: "ESME_RTHROTTLED", Provider: true}
)

// record is an Observer that keeps what it is told.
type record struct {
	mu        sync.Mutex
	states    []gate.State
	throttled int
	waits     map[lane.Lane]int
}

func (r *record) Breaker(_ string, s gate.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states = append(r.states, s)
}

func (r *record) Throttled(string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.throttled++
}

func (r *record) Waited(_ string, l lane.Lane, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waits == nil {
		r.waits = map[lane.Lane]int{}
	}
	r.waits[l]++
}

func (r *record) seen() []gate.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.states)
}

// open makes a provider with a quiet log and an Observer where there are none.
func open(t testing.TB, s gate.Settings) *gate.Provider {
	t.Helper()
	if s.Name == "" {
		s.Name = "gateway"
	}
	if s.Log == nil {
		s.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if s.Observer == nil {
		s.Observer = &record{}
	}
	p, err := gate.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// trace is when messages have passed.
type trace struct {
	mu    sync.Mutex
	times []time.Time
}

func (tr *trace) add(n int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for range n {
		tr.times = append(tr.times, time.Now())
	}
}

func (tr *trace) len() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.times)
}

// flood passes messages through g, as many at once as it may, until ctx ends.
func flood(ctx context.Context, g notify.Gate, most int, traces ...*trace) {
	for ctx.Err() == nil {
		n, err := g.Pass(ctx, most)
		if err != nil {
			return
		}
		for _, tr := range traces {
			tr.add(n)
		}
		for range n {
			g.Done(nil)
		}
	}
}

// withinRate checks every window of a trace against the rate and the burst.
func (tr *trace) withinRate(t *testing.T, rate, burst float64) {
	t.Helper()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	slices.SortFunc(tr.times, time.Time.Compare)
	for i := range tr.times {
		for j := i; j < len(tr.times); j++ {
			window := tr.times[j].Sub(tr.times[i])
			if n, most := float64(j-i+1), burst+rate*window.Seconds(); n > most+1e-6 {
				t.Fatalf("%v messages in %s from message %d on, at most %.3f are allowed", n, window, i, most)
			}
		}
	}
}
