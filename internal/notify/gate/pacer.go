package gate

import (
	"math"
	"math/rand/v2"
	"time"

	"registrar/internal/lane"
)

const (
	// burstTime is how much of the rate may go at once, at least 1 message;
	// and again as much of one-time codes. Timers that come late by less cost
	// nothing of the rate.
	burstTime = 50 * time.Millisecond
	// A provider that throttles gets half of the rate, at most once in slowTime,
	// and at least a 64th; the rate grows by a 20th of the configured one each
	// second. See RFC 5681 section 3.1 for why so.
	slowTime    = time.Second
	slowFactor  = 0.5
	slowest     = 1.0 / 64
	recoverPart = 1.0 / 20
	// Without a rate, or where the provider says for how long, lower priorities
	// pause: for at least pauseTime, at most longestPause, and up to a quarter
	// longer, so that processes do not come back together.
	pauseTime    = time.Second
	longestPause = 30 * time.Second
	pauseJitter  = 0.25
	// refreshTime is how long at most a wait is computed ahead while the rate grows.
	refreshTime = 100 * time.Millisecond
)

// pacer is a token bucket, whose last tokens are kept for one-time codes, with
// an account of what marketing is owed. A configured rate of 0 is without limit.
// It has no lock of its own.
type pacer struct {
	rate    float64 // configured, in tokens a second
	share   float64 // marketing's part
	burst   float64 // tokens for anybody
	reserve float64 // tokens more, for one-time codes

	current float64 // rate now: below the configured one while it recovers
	tokens  float64
	owed    float64 // to marketing, in tokens
	filled  time.Time
	slowed  time.Time // when current was halved last
	paused  time.Time // until then only one-time codes go
}

func newPacer(rate, share float64, now time.Time) pacer {
	burst := max(1, rate*burstTime.Seconds())
	return pacer{rate: rate, share: share, burst: burst, reserve: burst, current: rate, tokens: 2 * burst, filled: now}
}

// fill adds the tokens of the time that has gone by.
func (p *pacer) fill(now time.Time) {
	t := now.Sub(p.filled).Seconds()
	if t <= 0 {
		return
	}
	p.filled = now
	growth := p.rate * recoverPart
	growing := min(t, (p.rate-p.current)/growth)
	gained := p.current*growing + growth*growing*growing/2 + p.rate*(t-growing)
	if growing < t {
		p.current = p.rate
	} else {
		p.current = min(p.rate, p.current+growth*growing)
	}
	p.tokens = min(p.tokens+gained, p.burst+p.reserve)
	// One token more than can be given at once, or marketing would lose what it
	// is owed between two of them.
	p.owed = min(p.owed+p.share*gained, p.burst+1)
}

// available is how many messages of a priority could go now.
func (p *pacer) available(priority lane.Priority, now time.Time) int {
	lower := priority != lane.OneTimeCode
	if lower && now.Before(p.paused) {
		return 0
	}
	if p.rate == 0 {
		return math.MaxInt
	}
	p.fill(now)
	tokens := p.tokens
	if lower {
		tokens -= p.reserve
	}
	return max(0, int(tokens))
}

// lot is how many messages of the lower priorities go at once where as many
// wait: what a provider's rate lets through then needs few transactions of the
// ledger, and not one for each message. It is half of the burst, so that no part
// of the rate is lost while one gathers.
func (p *pacer) lot() int {
	if p.rate == 0 {
		return 1
	}
	return max(1, int(p.burst/2))
}

// due is how many messages of marketing go before transactional ones.
func (p *pacer) due() int { return int(p.owed) }

func (p *pacer) take(priority lane.Priority, n int) {
	if p.rate == 0 {
		return
	}
	p.tokens -= float64(n)
	if priority == lane.Marketing {
		p.owed = max(0, p.owed-float64(n))
	}
}

// giveBack takes back what was not used.
func (p *pacer) giveBack(priority lane.Priority, n int) {
	if p.rate == 0 {
		return
	}
	p.tokens = min(p.tokens+float64(n), p.burst+p.reserve)
	if priority == lane.Marketing {
		p.owed = min(p.owed+float64(n), p.burst+1)
	}
}

// throttled takes in that the provider wants fewer messages; after is how long
// it asked to be left alone, 0 where it did not say.
func (p *pacer) throttled(after time.Duration, now time.Time) {
	if p.rate > 0 && now.Sub(p.slowed) >= slowTime {
		p.fill(now)
		p.slowed = now
		p.current = max(p.current*slowFactor, p.rate*slowest)
		p.tokens = min(p.tokens, p.reserve)
	}
	if p.rate > 0 && after <= 0 {
		return
	}
	pause := min(max(after, pauseTime), longestPause)
	pause += time.Duration(rand.Float64() * pauseJitter * float64(pause)) //nolint:gosec // a wait, not a secret
	if until := now.Add(pause); until.After(p.paused) {
		p.paused = until
	}
}

// wait is how long it takes until the next messages can go, of those priorities
// that somebody waits in: a code alone, lower ones need of them together.
// somebody is false where nobody does.
func (p *pacer) wait(codes, lower bool, need int, now time.Time) (d time.Duration, somebody bool) {
	switch {
	case codes:
		return p.until(0, now), true
	case lower:
		d = p.paused.Sub(now)
		if p.rate > 0 {
			d = max(d, p.until(p.reserve+float64(need-1), now))
		}
		return max(d, 0), true
	default:
		return 0, false
	}
}

// until is how long it takes until there is a token above those that are kept,
// or less while the rate grows. It is 0 exactly when there is one.
func (p *pacer) until(kept float64, now time.Time) time.Duration {
	p.fill(now)
	missing := 1 - (p.tokens - kept)
	if missing <= 0 {
		return 0
	}
	// Rounded up: a timer of 0 would come again and again in the same moment.
	d := time.Duration(math.Ceil(missing / p.current * float64(time.Second)))
	if p.current < p.rate {
		d = min(d, refreshTime)
	}
	return d
}
