package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"registrar/test/harness"
)

const (
	// before a fault, and after the system is whole again, callers call this long.
	before = 1500 * time.Millisecond
	after  = 1500 * time.Millisecond
	// wholeWithin is for the system to be whole after the last fault has ended,
	// and drainWithin for what is in progress then.
	wholeWithin = 3 * time.Minute
	drainWithin = 3 * time.Minute
)

// runner makes rounds on a system: load, an event, peace, and the checks.
type runner struct {
	load     *load
	sinks    *sinks
	names    []string // of the database nodes
	nodes    []node
	database string
	// whole gives an error until every part does its work.
	whole func(context.Context) error
	// told is what else happened since the last fault began; nil where nothing else can.
	told func() []string

	rounds  int
	last    *audit // of the round before
	arrived int    // in it, when it was checked
}

// result is what a round showed.
type result struct {
	event      event
	took       time.Duration
	healed     time.Duration // from the end of the event to a whole system
	registered int           // acknowledged, once each
	gap        time.Duration // the longest between two acknowledged registrations
	unanswered int           // registrations that their callers gave up after all tries
	others     int           // other calls of that kind
	p99        time.Duration // of registrations with all their tries
	doubts     int           // notifications of which the ledger does not know how an attempt ended
	twice      int           // notifications that came more than once for that
	notes      []string      // what else happened
	wrong      []violation
}

// round makes a round in which befall happens. The error is why it could not be
// made; what was wrong in it is in the result.
func (r *runner) round(ctx context.Context, e event, befall func(context.Context) error) (result, error) {
	began := time.Now()
	round := r.rounds
	r.rounds++
	r.sinks.begin(round, r.load.arrived)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan *batch, 1)
	go func() { batches <- r.load.run(loading, round) }()
	res := result{event: e}
	time.Sleep(before)
	struck := time.Since(r.load.began)
	failed := befall(ctx)
	over := time.Now()
	if failed == nil {
		failed = until(ctx, wholeWithin, r.whole)
	}
	res.healed = time.Since(over)
	if r.told != nil {
		res.notes = r.told()
	}
	time.Sleep(after)
	stop()
	b := <-batches
	res.measure(b, struck)
	if failed != nil {
		return res, failed
	}
	if err := until(ctx, drainWithin, r.drained); err != nil {
		return res, err
	}
	if err := r.check(ctx, b, &res); err != nil {
		return res, err
	}
	res.took = time.Since(began)
	return res, nil
}

// measure takes what callers were told.
func (res *result) measure(b *batch, struck time.Duration) {
	first := map[string]bool{}
	var acknowledged, took []time.Duration
	for _, o := range b.history.operations() {
		if o.what != register {
			if o.outcome == unknown {
				res.others++
			}
			continue
		}
		took = append(took, o.returned-o.called)
		switch o.outcome {
		case unknown:
			res.unanswered++
		case done:
			acknowledged = append(acknowledged, o.returned)
			first[o.person.requests[o.request].RequestID] = true
		}
	}
	res.registered = len(first)
	slices.Sort(acknowledged)
	for i := 1; i < len(acknowledged); i++ {
		if acknowledged[i] >= struck {
			res.gap = max(res.gap, acknowledged[i]-acknowledged[i-1])
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		res.p99 = took[(len(took)-1)*99/100]
	}
}

// drained waits for every notification to be settled: each has a row in the
// outbox until then.
func (r *runner) drained(ctx context.Context) error {
	out, err := r.nodes[0].Query(ctx, "SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM `"+r.database+"`.outbox")
	if err == nil && strings.TrimSpace(out) != "0" {
		err = fmt.Errorf("%s notifications are not settled", strings.TrimSpace(out))
	}
	return err
}

// check holds everything against everything.
func (r *runner) check(ctx context.Context, b *batch, res *result) error {
	var texts []string
	var first *books
	for i, n := range r.nodes {
		one, text, err := readBooks(ctx, n, r.database, b.round)
		if err != nil {
			return fmt.Errorf("%s: %w", r.names[i], err)
		}
		texts = append(texts, text)
		if i == 0 {
			first = one
		}
	}
	came, stray, err := r.sinks.of(b.round)
	if err != nil {
		return err
	}
	looks, young := b.ends(first, time.Since(r.load.began))
	r.load.settle(young)
	a := &audit{batch: b, books: first, arrivals: came}
	res.wrong = slices.Concat(res.wrong, differ(r.names, texts), linear(slices.Concat(b.history.operations(), looks)), a.run(), stray, r.load.violations(), r.late())
	res.doubts, res.twice = a.doubts()
	r.last, r.arrived = a, came.count()
	return nil
}

// late is what came for the round before since it was checked: nothing may.
func (r *runner) late() []violation {
	if r.last == nil {
		return nil
	}
	if n := r.last.arrivals.count() - r.arrived; n > 0 {
		return []violation{{"notification twice", fmt.Sprintf("%d came for the round before, when all of its were settled", n)}}
	}
	return nil
}

// count is how many messages came.
func (a *arrivals) count() (n int) {
	for _, m := range a.mails {
		n += m.times
	}
	for _, times := range a.texts {
		n += times
	}
	return n
}

// until asks until there is no error, at most for a time.
func until(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", within, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// answers gives an error until each of the caller's endpoints does its work.
func (c *caller) answers(ctx context.Context) error {
	for _, at := range c.endpoints {
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		_, err := at.Lookup(ctx, string(byUsername), "nobody")
		cancel()
		if fault, ok := errors.AsType[*harness.Fault](err); !ok || fault.Code != "NOT_FOUND" {
			return fmt.Errorf("a look-up of nobody: %w", err)
		}
	}
	return nil
}
