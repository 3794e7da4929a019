package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
)

// Observer is told what happens at the gates. Breaker and Throttled are called
// under the provider's lock, so that changes come in their order: they must be
// quick and must not call back.
type Observer interface {
	// Breaker is a change of a provider's state.
	Breaker(provider string, state State)
	// Throttled is a message that the provider did not take because of its own limit.
	Throttled(provider string)
	// Waited is how long a Pass that could not go at once has waited for its turn.
	Waited(provider string, l lane.Lane, took time.Duration)
}

// Settings describe a provider. The zero value of a field below Log stands for
// its default.
type Settings struct {
	Name string // in logs and metrics
	// Rate is in messages a second; 0 is without limit.
	Rate float64
	// MarketingShare is the part of Rate that transactional news leaves to
	// marketing: 0 to 0.9.
	MarketingShare float64
	Observer       Observer
	Log            *slog.Logger

	// Failures in a row open the breaker; default 5.
	Failures int
	// Probes go through at once when it is half open, and as many have to
	// succeed for it to close; default 3.
	Probes int
	// OpenFor is how long it is open at first, and MaxOpenFor when it has opened
	// many times in a row, each time twice as long as before and a quarter more
	// or less at random. Defaults 5 s and 1 min.
	OpenFor, MaxOpenFor time.Duration
	// DoneWithin is how long a Send may take. A probe without its Done in that
	// time has failed. Default 1 min.
	DoneWithin time.Duration
}

// Provider is what all lanes of a process share of a provider. It has no
// goroutine of its own and needs no Close.
type Provider struct {
	name     string
	observer Observer
	log      *slog.Logger

	mu      sync.Mutex
	breaker breaker
	pacer   pacer
	waiting [priorities]queue
	timer   *time.Timer // runs while somebody waits; nil before the first one
}

// priorities are those of package lane, from 0.
const priorities = int(lane.Marketing) + 1

// New checks settings and fills in their defaults.
func New(settings Settings) (*Provider, error) {
	s := settings
	setDefault(&s.Failures, 5)
	setDefault(&s.Probes, 3)
	setDefault(&s.OpenFor, 5*time.Second)
	setDefault(&s.MaxOpenFor, time.Minute)
	setDefault(&s.DoneWithin, time.Minute)
	switch {
	case s.Name == "" || s.Observer == nil || s.Log == nil:
		return nil, errors.New("gate: name, observer or log is missing")
	case !(s.Rate >= 0) || math.IsInf(s.Rate, 0):
		return nil, fmt.Errorf("gate: the rate of %s must be 0 or above", s.Name)
	case !(s.MarketingShare >= 0 && s.MarketingShare <= 0.9):
		return nil, fmt.Errorf("gate: marketing's share of %s must be 0 to 0.9", s.Name)
	case s.Failures < 0 || s.Probes < 0 || s.OpenFor < 0 || s.MaxOpenFor < s.OpenFor || s.DoneWithin < 0:
		return nil, fmt.Errorf("gate: the breaker of %s must have numbers and times above zero, the longest time at least the first", s.Name)
	}
	p := &Provider{name: s.Name, observer: s.Observer, log: s.Log, pacer: newPacer(s.Rate, s.MarketingShare, time.Now())}
	p.breaker = newBreaker(s, p.changed)
	p.observer.Breaker(p.name, Closed)
	return p, nil
}

func setDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

// Gate is the provider's for one lane.
func (p *Provider) Gate(l lane.Lane) notify.Gate {
	return &laneGate{provider: p, lane: l, priority: l.Priority()}
}

// laneGate is a lane's view of a provider.
type laneGate struct {
	provider *Provider
	lane     lane.Lane
	priority lane.Priority
}

// Pass is notify.Gate's.
func (g *laneGate) Pass(ctx context.Context, most int) (int, error) {
	if err := ctx.Err(); err != nil || most < 1 {
		return 0, err
	}
	now := time.Now()
	passed, w, err := g.provider.enter(g.priority, most, now)
	if w == nil {
		return passed, err
	}
	select {
	case <-w.ready:
		passed, err = w.passed, w.err
	case <-ctx.Done():
		g.provider.leave(g.priority, w)
		passed, err = 0, ctx.Err()
	}
	g.provider.observer.Waited(g.provider.name, g.lane, time.Since(now))
	return passed, err
}

// Done is notify.Gate's. An error that is context.Canceled says nothing of the
// provider: the Send was broken off by its own caller.
func (g *laneGate) Done(err error) { g.provider.done(g.priority, err, time.Now()) }

// enter lets up to most messages through, or tells that the provider is shut,
// or gives the place of somebody who has to wait.
func (p *Provider) enter(priority lane.Priority, most int, now time.Time) (int, *waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.breaker.free(now)
	if free == 0 {
		return 0, nil, notify.ErrShut
	}
	if p.nobodyBefore(priority) {
		n := min(most, free, p.pacer.available(priority, now))
		if n > 0 && (priority == lane.OneTimeCode || n >= min(most, free, p.pacer.lot())) {
			p.pass(priority, n, now)
			return n, nil, nil
		}
	}
	w := p.waiting[priority].join(most)
	p.dispatch(now)
	return 0, w, nil
}

// nobodyBefore says whether a newcomer need not be weighed against those who wait.
func (p *Provider) nobodyBefore(priority lane.Priority) bool {
	if priority == lane.OneTimeCode {
		return p.waiting[priority].empty()
	}
	for i := range p.waiting {
		if !p.waiting[i].empty() {
			return false
		}
	}
	return true
}

// pass counts messages that go through. The last probe sends away who waits.
func (p *Provider) pass(priority lane.Priority, n int, now time.Time) {
	p.pacer.take(priority, n)
	p.breaker.pass(n, now)
	if p.breaker.free(now) == 0 {
		p.sendAway()
	}
}

// dispatch lets those through whose turn has come, and sets the timer for the next one.
func (p *Provider) dispatch(now time.Time) {
	for {
		priority, n := p.next(now)
		if n == 0 {
			break
		}
		w := p.waiting[priority].first()
		w.passed = min(n, w.most, p.breaker.free(now))
		if w.passed == 0 {
			p.sendAway()
			break
		}
		p.waiting[priority].remove(w)
		p.pass(priority, w.passed, now)
		close(w.ready)
	}
	need := p.need(now)
	wait, somebody := p.pacer.wait(!p.waiting[lane.OneTimeCode].empty(), need > 0, need, now)
	switch {
	case !somebody:
		if p.timer != nil {
			p.timer.Stop()
		}
	case p.timer == nil:
		p.timer = time.AfterFunc(wait, p.tick)
	default:
		p.timer.Reset(wait)
	}
}

func (p *Provider) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dispatch(time.Now())
}

// need is how many messages of the lower priorities are let through together;
// 0 where nobody waits in them.
func (p *Provider) need(now time.Time) int {
	need := 0
	for _, priority := range []lane.Priority{lane.Transactional, lane.Marketing} {
		if p.waiting[priority].empty() {
			continue
		}
		if most := p.waiting[priority].first().most; need == 0 || most < need {
			need = most
		}
	}
	return min(need, p.pacer.lot(), max(1, p.breaker.free(now)))
}

// next is whose turn it is, and for how many messages; 0 for nobody's yet.
func (p *Provider) next(now time.Time) (lane.Priority, int) {
	if !p.waiting[lane.OneTimeCode].empty() {
		return lane.OneTimeCode, p.pacer.available(lane.OneTimeCode, now)
	}
	n := p.pacer.available(lane.Marketing, now)
	if n < p.need(now) {
		return 0, 0
	}
	transactional, marketing := !p.waiting[lane.Transactional].empty(), !p.waiting[lane.Marketing].empty()
	switch {
	case transactional && marketing:
		if due := min(n, p.pacer.due()); due > 0 {
			return lane.Marketing, due
		}
		return lane.Transactional, n
	case transactional:
		return lane.Transactional, n
	case marketing:
		return lane.Marketing, n
	default:
		return 0, 0
	}
}

// leave takes back a place, or what was let through in the same moment.
func (p *Provider) leave(priority lane.Priority, w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.waiting[priority].remove(w) {
		for range w.passed {
			p.breaker.ended()
		}
		p.pacer.giveBack(priority, w.passed)
	}
	p.dispatch(time.Now())
}

// sendAway tells everybody who waits that the provider is shut.
func (p *Provider) sendAway() {
	for i := range p.waiting {
		for !p.waiting[i].empty() {
			w := p.waiting[i].first()
			w.err = notify.ErrShut
			p.waiting[i].remove(w)
			close(w.ready)
		}
	}
}

func (p *Provider) done(priority lane.Priority, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch verdict, after := verdictOf(err); verdict {
	case worked:
		p.breaker.worked()
		return // nobody's turn comes by that
	case throttled:
		p.breaker.worked()
		p.pacer.throttled(after, now)
		p.observer.Throttled(p.name)
	case failed:
		p.breaker.failed(now, reasonOf(err))
	case unused:
		p.breaker.ended()
		p.pacer.giveBack(priority, 1)
	case unknown:
		p.breaker.ended()
	}
	p.dispatch(now)
}

// changed tells of a new state of the breaker.
func (p *Provider) changed(to State, openFor time.Duration, reason string) {
	p.observer.Breaker(p.name, to)
	switch to {
	case Open:
		p.log.Warn("a provider fails and is left alone", "provider", p.name, "for", openFor.Round(time.Millisecond), "reason", reason)
		p.sendAway()
	case HalfOpen:
		p.log.Info("a provider is tried again", "provider", p.name)
	case Closed:
		p.log.Info("a provider works again", "provider", p.name)
	}
}
