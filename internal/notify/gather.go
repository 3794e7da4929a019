package notify

import (
	"context"
	"sync"
	"time"

	"registrar/internal/lane"
)

// Gather makes few large calls of a handler out of many small ones: those that
// come within Linger of the first, whichever partition they are of. One claim
// and one settling in the ledger then serve them all. It costs each message up
// to Linger, so it is not for one-time codes.
//
// A call returns what the call that it went into returned: after an error all
// of its messages are handled again.
type Gather struct {
	Handler func(ctx context.Context, batch []lane.Message) error
	Linger  time.Duration // 0 hands every call through
	Limit   int           // messages; as many end the wait

	mu   sync.Mutex
	open *gathering
}

// gathering is a call in the making. Its fields belong to whoever holds the
// Gather's mutex until it is closed, and to its first caller from then on.
type gathering struct {
	messages []lane.Message
	full     chan struct{} // closed at Limit
	done     chan struct{} // closed after the call
	err      error
}

// Handle adds batch to the next call and waits for its end. A caller whose
// context ends still waits, since its messages are being handled: the handler
// is bounded by itself.
func (g *Gather) Handle(ctx context.Context, batch []lane.Message) error {
	if g.Linger <= 0 {
		return g.Handler(ctx, batch)
	}
	call, first := g.join(batch)
	if !first {
		<-call.done
		return call.err
	}
	timer := time.NewTimer(g.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-call.full:
	case <-ctx.Done():
	}
	g.mu.Lock()
	if g.open == call {
		g.open = nil
	}
	g.mu.Unlock()
	defer close(call.done)
	call.err = g.Handler(ctx, call.messages)
	return call.err
}

func (g *Gather) join(batch []lane.Message) (call *gathering, first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if first = g.open == nil; first {
		g.open = &gathering{full: make(chan struct{}), done: make(chan struct{})}
	}
	call = g.open
	call.messages = append(call.messages, batch...)
	if len(call.messages) >= g.Limit {
		close(call.full)
		g.open = nil
	}
	return call, first
}
