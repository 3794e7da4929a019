package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"registrar/test/harness"
)

const (
	// maxPersons are being registered or looked after at once; who arrives
	// beyond them is turned away, and counted.
	maxPersons = 1024
	// patience is how long a person waits for a code.
	patience = 12 * time.Second
	// cooldown of codes, as the service is configured.
	cooldown = time.Second
)

// load is callers in an open loop: persons arrive at random moments (Poisson),
// however long the answers take.
type load struct {
	seed   uint64
	rate   float64 // arrivals a second
	caller *caller
	sinks  *sinks
	began  time.Time

	arrived    int // of the run
	elders     []settled
	turnedAway atomic.Int64

	mu   sync.Mutex
	seen []violation // what was wrong as soon as it was told
}

// settled is who is registered for good, and looked at now and then.
type settled struct {
	person   *person
	request  int
	receipt  harness.Receipt
	verified [2]bool
}

// maxElders are remembered.
const maxElders = 256

// batch is the persons of a round, and what became of them.
type batch struct {
	round   int
	first   int // number of the first person
	persons []*person
	history history
}

// run lets the persons of a round arrive until ctx ends, and waits for all of
// them, which takes no longer than patience and a few calls.
func (l *load) run(ctx context.Context, round int) *batch {
	b := &batch{round: round, first: l.arrived}
	arrivals := rand.New(rand.NewPCG(l.seed, ^uint64(round)))
	over, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Hour)
	defer cancel()
	slots := make(chan struct{}, maxPersons)
	var persons sync.WaitGroup
	defer persons.Wait()
	for at := time.Now(); ; {
		at = at.Add(time.Duration(arrivals.ExpFloat64() / l.rate * float64(time.Second)))
		timer := time.NewTimer(time.Until(at))
		select {
		case <-ctx.Done():
			timer.Stop()
			return b
		case <-timer.C:
		}
		p := newPerson(l.seed, round, l.arrived)
		l.arrived++
		var elder *settled
		if p.elder && len(l.elders) > 0 {
			elder = &l.elders[p.guess%uint64(len(l.elders))]
		}
		select {
		case slots <- struct{}{}:
		default:
			l.turnedAway.Add(1)
			continue
		}
		b.persons = append(b.persons, p)
		persons.Go(func() {
			defer func() { <-slots }()
			life := life{load: l, batch: b, person: p}
			life.live(over, ctx, elder)
		})
	}
}

// settle remembers some of a round's persons as elders.
func (l *load) settle(young []settled) {
	r := rand.New(rand.NewPCG(l.seed, uint64(len(l.elders))))
	for _, s := range young {
		switch {
		case len(l.elders) < maxElders:
			l.elders = append(l.elders, s)
		case r.IntN(20) == 0:
			l.elders[r.IntN(maxElders)] = s
		}
	}
}

// found is a violation that is seen at once.
func (l *load) found(v violation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, v)
}

// violations gives what was found since it was asked last.
func (l *load) violations() []violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.seen
	l.seen = nil
	return v
}

// visit repeats an elder's request and looks it up: nothing may have changed.
func (l *load) visit(ctx context.Context, s *settled, key lookup) {
	request := s.person.requests[s.request]
	var again harness.Receipt
	_, err := l.caller.call(ctx, func(ctx context.Context, at *harness.Service) (err error) {
		again, err = at.Register(ctx, request)
		return err
	})
	if outcome := outcomeOf(err); outcome != unknown && (outcome != done || again != s.receipt) {
		l.found(violation{"repeat", fmt.Sprintf("%s, of an earlier round, again: %s %+v, first %+v", request.RequestID, outcome, again, s.receipt)})
	}
	var found harness.Registration
	value := map[lookup]string{byEmail: request.Email, byUsername: request.Username, byID: s.receipt.RegistrationID}[key]
	_, err = l.caller.call(ctx, func(ctx context.Context, at *harness.Service) (err error) {
		found, err = at.Lookup(ctx, string(key), value)
		return err
	})
	as := [2]bool{found.EmailVerifiedAt != "", found.MobileVerifiedAt != ""}
	if outcome := outcomeOf(err); outcome != unknown && (outcome != done || found.RegistrationID != s.receipt.RegistrationID || found.Username != request.Username || as != s.verified) {
		l.found(violation{"look-up", fmt.Sprintf("%s, of an earlier round: %s %s %s, verified %v; first %+v, verified %v",
			request.RequestID, outcome, found.RegistrationID, found.Username, as, s.receipt, s.verified)})
	}
}
