package outbox

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// condition is whether something that the relay needs works. It is logged when
// it changes, and every minute while it is ill.
type condition struct {
	log  *slog.Logger
	now  func() time.Time
	what string // "queue" when empty

	mu     sync.Mutex
	broken bool
	since  time.Time
	logged time.Time
}

func (c *condition) state() (ok bool, since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.broken, c.since
}

func (c *condition) name() string {
	if c.what == "" {
		return "queue"
	}
	return c.what
}

func (c *condition) well() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken {
		c.log.Info("outbox: "+c.name()+" works again", "after", c.now().Sub(c.since).Round(time.Millisecond).String())
	} else if !c.since.IsZero() {
		return
	}
	c.broken, c.since = false, c.now()
}

func (c *condition) ill(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.broken {
		c.broken, c.since, c.logged = true, now, time.Time{}
	}
	if now.Sub(c.logged) < time.Minute {
		return
	}
	c.logged = now
	c.log.Warn("outbox: "+c.name()+" does not take or give messages; they wait in the outbox", "error", err, "for", now.Sub(c.since).Round(time.Millisecond).String())
}

// newBackoff grows from first to backoffLimit, each time between half and one
// and a half of the interval.
func newBackoff(first time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: first, MaxInterval: backoffLimit, Multiplier: 2, RandomizationFactor: 0.5}
}

// jitter is between three quarters and five quarters of d.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2+1) //nolint:gosec // spreads load, guards nothing
}
