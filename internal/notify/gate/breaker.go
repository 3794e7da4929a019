package gate

import (
	"math"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// State is a breaker's.
type State string

// The states.
const (
	Closed   State = "closed"    // messages go through
	Open     State = "open"      // none does
	HalfOpen State = "half-open" // a few do, to see
)

// States lists them.
func States() []State { return []State{Closed, Open, HalfOpen} }

// breaker counts failures. Ends are told without the pass that they belong to:
// what ends with a failure is taken for a late end of a pass from before the
// last opening as long as there may be one, so that sends that hang do not shut
// a provider again that works. It has no lock of its own.
type breaker struct {
	settings Settings
	changed  func(to State, openFor time.Duration, reason string)
	openFor  backoff.ExponentialBackOff

	state     State
	until     time.Time // the end of Open
	failures  int       // in a row, in Closed
	inFlight  int       // passes since the last change that have not ended; in HalfOpen they are the probes
	probed    time.Time // when the last of them went, in HalfOpen
	succeeded int       // in HalfOpen

	late      int       // passes from before the last opening that have not ended
	lateUntil time.Time // then they are all lost
}

func newBreaker(s Settings, changed func(State, time.Duration, string)) breaker {
	return breaker{
		settings: s, changed: changed, state: Closed,
		openFor: backoff.ExponentialBackOff{InitialInterval: s.OpenFor, MaxInterval: s.MaxOpenFor, Multiplier: 2, RandomizationFactor: 0.25},
	}
}

// free is how many messages may go through now.
func (b *breaker) free(now time.Time) int {
	switch b.state {
	case Open:
		if now.Before(b.until) {
			return 0
		}
		b.become(HalfOpen, 0, "")
	case HalfOpen:
		if b.inFlight >= b.settings.Probes && now.Sub(b.probed) >= b.settings.DoneWithin {
			b.open(now, "NO_ANSWER")
			return 0
		}
	default:
		return math.MaxInt
	}
	return max(0, b.settings.Probes-b.inFlight)
}

// pass counts messages that go through.
func (b *breaker) pass(n int, now time.Time) {
	b.inFlight += n
	b.probed = now
}

// worked counts an end that shows the provider at work.
func (b *breaker) worked() {
	b.ended()
	switch b.state {
	case Closed:
		b.failures = 0
	case HalfOpen:
		if b.succeeded++; b.succeeded >= b.settings.Probes {
			b.openFor.Reset()
			b.become(Closed, 0, "")
		}
	}
}

// failed counts an end that shows the provider not at work.
func (b *breaker) failed(now time.Time, reason string) {
	if now.After(b.lateUntil) {
		b.late = 0
	}
	if b.late > 0 {
		b.late--
		return
	}
	b.ended()
	switch b.state {
	case Closed:
		if b.failures++; b.failures >= b.settings.Failures {
			b.open(now, reason)
		}
	case HalfOpen:
		b.open(now, reason)
	}
}

// ended counts an end that shows nothing.
func (b *breaker) ended() {
	switch {
	case b.inFlight > 0:
		b.inFlight--
	case b.late > 0:
		b.late--
	}
}

func (b *breaker) open(now time.Time, reason string) {
	openFor := b.openFor.NextBackOff()
	b.until = now.Add(openFor)
	b.late, b.lateUntil = b.late+b.inFlight, now.Add(b.settings.DoneWithin)
	b.inFlight = 0
	b.become(Open, openFor, reason)
}

func (b *breaker) become(s State, openFor time.Duration, reason string) {
	b.state, b.failures, b.succeeded = s, 0, 0
	b.changed(s, openFor, reason)
}
