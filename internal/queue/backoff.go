package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// newBackoff grows from first to most, each time between half and one and a
// half of the interval.
func newBackoff(first, most time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: first, MaxInterval: most, Multiplier: 2, RandomizationFactor: 0.5}
}

// sleep waits for d or for ctx's end.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// trouble logs a failure that several partitions may share: when it has lasted
// for grace, every minute while it lasts for any of them, and its end.
type trouble struct {
	log   *slog.Logger
	what  string
	args  []any
	grace time.Duration

	mu     sync.Mutex
	whose  map[int]struct{} // partitions that fail
	since  time.Time
	logged time.Time // zero: not yet
}

func (t *trouble) failed(partition int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if len(t.whose) == 0 {
		t.whose, t.since, t.logged = map[int]struct{}{}, now, time.Time{}
	}
	t.whose[partition] = struct{}{}
	lasted := now.Sub(t.since)
	if lasted < t.grace || now.Sub(t.logged) < time.Minute {
		return
	}
	t.logged = now
	t.log.Warn("queue: "+t.what, append([]any{"error", err, "for", lasted.Round(time.Millisecond).String()}, t.args...)...)
}

func (t *trouble) ok(partition int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, failing := t.whose[partition]; !failing {
		return
	}
	delete(t.whose, partition)
	if len(t.whose) == 0 && !t.logged.IsZero() {
		t.log.Info("queue: over: "+t.what, append([]any{"after", time.Since(t.since).Round(time.Millisecond).String()}, t.args...)...)
	}
}
