package caller

import (
	"context"
	"errors"
	"sync"
	"time"

	"registrar/internal/registration"
)

const (
	// reserveTimeout is for one call of Usage, which may have many calls of the
	// caller waiting for it.
	reserveTimeout = 3 * time.Second
	// shelfLife is how long permits of a rate are held: a caller that pauses
	// leaves them to the other servers.
	shelfLife = time.Second
	// busy is how soon a batch is used up where it was too small.
	busy = 100 * time.Millisecond
	// leastRetry is the least that a refused caller is told to wait.
	leastRetry = time.Millisecond
)

// Limiter holds callers to the rate and the quota of their policy. It takes
// permits from Usage in batches that grow with a caller's pace: of one that is
// busy, or far over its limit, each server asks Usage about ten times a second
// and not with each call, unless its Burst is less than a tenth of its Rate.
//
// The limits hold over all servers together. In any time t no more calls pass
// than Rate * t + Burst and what the servers held when it began: each a tenth
// of a second's rate at most, or as many as waited for one answer of Usage, and
// one for each call that might still give its permit back.
// The quota is never exceeded; a thousandth of it may be left unused at each
// server when the day ends. It may be used by several goroutines, and keeps a
// few bytes for each caller that it was asked about.
type Limiter struct {
	usage Usage
	now   func() time.Time

	mu     sync.RWMutex
	meters map[string]*meter // by name
}

// NewLimiter makes a Limiter. now is time.Now but in tests.
func NewLimiter(usage Usage, now func() time.Time) *Limiter {
	return &Limiter{usage: usage, now: now, meters: map[string]*meter{}}
}

// Take takes one call's permit, and nothing where the policy has no limit. It
// waits for Usage, but never for a permit to become free. Errors: an *Error of
// RATE_LIMITED with RetryAfter; registration.ErrUnavailable.
func (l *Limiter) Take(ctx context.Context, c Caller) error {
	limits := limitsOf(c.Policy)
	if limits == unlimited {
		return nil
	}
	m := l.meter(c.Name)
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		now := l.now()
		m.update(limits, now)
		if m.spend() {
			return nil
		}
		if err := m.refused(now); err != nil {
			return err
		}
		var err error
		if m.flight != nil {
			err = m.wait(ctx)
		} else {
			err = l.reserve(ctx, m, c.Name, now)
		}
		if err != nil {
			return err
		}
	}
}

// GiveBack gives back the permit that Take gave c at a time or after it, for a
// call that is refused all the same: others of the caller may use it. It asks
// nobody, so what was taken under another policy, on another day, or of the
// rate more than a second ago is lost. To be called once for a Take at most.
func (l *Limiter) GiveBack(c Caller, at time.Time) {
	limits := limitsOf(c.Policy)
	if limits == unlimited {
		return
	}
	m := l.meter(c.Name)
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := l.now(); m.limits == limits && m.day == dayOf(at) && m.day == dayOf(now) {
		m.giveBack(now.Sub(at) <= shelfLife)
	}
}

func (l *Limiter) meter(name string) *meter {
	l.mu.RLock()
	m := l.meters[name]
	l.mu.RUnlock()
	if m != nil {
		return m
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m = l.meters[name]; m == nil {
		m = &meter{}
		l.meters[name] = m
	}
	return m
}

// reserve asks Usage for a batch, with m unlocked meanwhile. The answer is for
// all who wait, so it does not end with the call that asked.
func (l *Limiter) reserve(ctx context.Context, m *meter, name string, now time.Time) (err error) {
	limits, asked := m.limits, m.ask(now)
	f := &flight{done: make(chan struct{})}
	m.flight = f
	var grant Grant
	landed := false
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.flight = nil
		switch {
		case !landed: // a panic of Usage, which goes its way
			err = unavailable(errors.New("the count of calls did not return"))
		case err != nil:
			err = unavailable(err)
		case m.limits == limits && m.day == dayOf(now): // else it is of no use any more
			err = m.land(asked, grant, now, l.now())
		}
		f.err = err
		close(f.done)
	}()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), reserveTimeout)
	defer cancel()
	grant, err = l.usage.Reserve(bounded, name, asked.policy, asked.want, now)
	landed = true
	return err
}

// unavailable gives cause a category, unless it has it.
func unavailable(cause error) error {
	if errors.Is(cause, registration.ErrUnavailable) {
		return cause
	}
	return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, cause)
}
