package gateway

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"registrar/soap"
)

const (
	// quiet is how long a refusal like one before is not told: who sends many
	// messages that are refused does not fill the log.
	quiet = 10 * time.Second
	// crowds is how many kinds of names are told apart before it is proved who calls.
	crowds = 64
)

// refusals are those that were told: as many as callers, crowds and results.
type refusals struct {
	seed maphash.Seed
	mu   sync.Mutex
	told map[refusal]untold
}

// refusal is what refusals have in common. Before it is proved who calls, they
// are told apart by what name they give, whether or not it is a caller's:
// writing a line takes time, and who waits for the answer is not to learn from
// it which names there are.
type refusal struct {
	caller string
	crowd  uint64
	result Result
}

// untold is what was not told since the last time.
type untold struct {
	since time.Time
	count int
}

func newRefusals() *refusals {
	return &refusals{seed: maphash.MakeSeed(), told: map[refusal]untold{}}
}

// due says whether to tell of a refusal now, and how many like it were not told.
func (r *refusals) due(v verdict, now time.Time) (count int, due bool) {
	key := refusal{result: v.result}
	if v.proved {
		key.caller = v.caller.Name
	} else {
		key.crowd = maphash.String(r.seed, v.claimed) % crowds
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	u, known := r.told[key]
	if known && now.Sub(u.since) < quiet {
		u.count++
		r.told[key] = u
		return 0, false
	}
	r.told[key] = untold{since: now}
	return u.count, true
}

// tell logs a refusal, but for want of a database: that is told elsewhere.
func (g *Gateway) tell(ctx context.Context, m *soap.Message, v verdict) {
	if v.result == Unavailable {
		return
	}
	before, due := g.refusals.due(v, time.Now())
	if !due {
		return
	}
	g.log.WarnContext(ctx, "gateway: a message is refused",
		"result", string(v.result), "caller", v.caller.Name, "operation", m.Operation, "more_before", before)
}
