package caller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"registrar/internal/registration"
)

// limits are a policy's, 0 for none.
type limits struct{ rate, burst, quota int }

// unlimited is that nothing is limited.
var unlimited limits

func limitsOf(p Policy) limits {
	l := limits{quota: max(0, p.DailyQuota)}
	if p.Rate > 0 {
		l.rate, l.burst = p.Rate, p.Burst
		if l.burst <= 0 {
			l.burst = l.rate
		}
	}
	return l
}

// largest is how many permits a server holds at most: what it holds is lost to
// the others for a while, of the rate, or for the day, of the quota.
func (l limits) largest() int {
	switch rate, quota := max(1, l.rate/10), max(1, l.quota/1000); {
	case l.quota == 0:
		return rate
	case l.rate == 0:
		return quota
	default:
		return min(rate, quota)
	}
}

// meter is what one server knows of one caller's permits.
type meter struct {
	mu     sync.Mutex
	limits limits

	// What is held. A call needs one of each that is limited; where both are,
	// those of the rate are never more.
	rate  int
	quota int
	got   time.Time // when the last permits came
	day   int64     // of quota, since 1970-01-01 UTC

	batch   int       // to ask for
	until   time.Time // there is nothing before
	byQuota bool      // because the quota is used up

	flight  *flight // to Usage, nil for none
	waiting int     // calls that wait for it
}

// flight is a call of Usage that others wait for.
type flight struct {
	done chan struct{}
	err  error // to be read after done
}

// request is what Usage is asked for.
type request struct {
	policy Policy
	want   int
}

// update drops what does not hold any more.
func (m *meter) update(l limits, now time.Time) {
	if m.limits != l { // a new policy holds at once
		m.limits, m.rate, m.quota, m.batch, m.until = l, 0, 0, 1, time.Time{}
	}
	if today := dayOf(now); m.day != today {
		m.day, m.quota = today, 0
		if l.quota > 0 {
			m.rate = 0
		}
	}
	if m.rate > 0 && now.Sub(m.got) > shelfLife {
		m.rate = 0
	}
}

// dayOf counts days of UTC.
func dayOf(t time.Time) int64 { return t.Unix() / int64(24*time.Hour/time.Second) }

// available is for how many calls there are permits.
func (m *meter) available() int {
	if m.limits.rate > 0 {
		return m.rate
	}
	return m.quota
}

func (m *meter) spend() bool {
	if m.available() == 0 {
		return false
	}
	if m.limits.rate > 0 {
		m.rate--
	}
	if m.limits.quota > 0 {
		m.quota--
	}
	return true
}

// giveBack is a call's permits again. Those of the rate are held only as long as
// others, and as many: the rate comes again by itself. Those of the quota do
// not, so none is lost, and nobody is told that there is none before tomorrow.
func (m *meter) giveBack(fresh bool) {
	if m.limits.quota > 0 {
		m.quota++
		if m.byQuota {
			m.until, m.byQuota = time.Time{}, false
		}
	}
	if m.limits.rate > 0 && fresh && m.rate < m.limits.largest() {
		m.rate++
	}
}

// refused is the error while there is nothing to be had.
func (m *meter) refused(now time.Time) error {
	wait := m.until.Sub(now)
	if wait <= 0 {
		return nil
	}
	message := fmt.Sprintf("The rate of this caller is used up: %d calls a second. Send the same request again later.", m.limits.rate)
	if m.byQuota {
		message = fmt.Sprintf("The quota of this caller is used up: %d calls a day, which begins at midnight UTC.", m.limits.quota)
	}
	err := registration.NewError(registration.RateLimited, message)
	err.RetryAfter = wait
	return err
}

// ask decides what Usage is asked for: a batch, and no less than there are
// calls that wait. Permits of the quota that are still held are not taken again.
func (m *meter) ask(now time.Time) request {
	switch age := now.Sub(m.got); {
	case age <= busy:
		m.batch = min(2*m.batch, m.limits.largest())
	case age > shelfLife:
		m.batch = 1
	}
	r := request{want: max(m.batch, m.waiting+1)}
	if m.limits.rate > 0 {
		r.policy.Rate, r.policy.Burst = m.limits.rate, m.limits.burst
	}
	if m.quota == 0 {
		r.policy.DailyQuota = m.limits.quota
	} else {
		r.want = min(r.want, m.quota)
	}
	return r
}

// land takes what Usage gave. asked is the time for which it did. Where that
// was less than was asked for, there is nothing before there is a batch: under
// a flood, each answer of Usage is to let many calls pass.
func (m *meter) land(r request, g Grant, asked, now time.Time) error {
	m.until, m.byQuota = time.Time{}, false
	if m.limits.rate > 0 && g.Permits < r.want && !g.Quota {
		// Half a burst at most: one that has filled up while nobody asked is lost.
		m.until = asked.Add(time.Duration(max(1, min(m.batch, m.limits.burst/2))) * time.Second / time.Duration(m.limits.rate))
	}
	if g.Permits <= 0 {
		if least := asked.Add(max(g.RetryAfter, leastRetry)); m.until.Before(least) {
			m.until = least
		}
		m.byQuota = g.Quota
		return m.refused(asked)
	}
	m.got = now
	if m.limits.rate > 0 {
		m.rate += g.Permits // what was given back meanwhile is there already
	}
	if r.policy.DailyQuota > 0 {
		m.quota += g.Permits
	}
	return nil
}

// wait waits for the flight, with m unlocked meanwhile.
func (m *meter) wait(ctx context.Context) error {
	f := m.flight
	m.waiting++
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.waiting--
	}()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return unavailable(ctx.Err())
	}
}
