package notify

import (
	"context"
	"errors"
	"time"

	"registrar/internal/lane"
)

// ErrUnused is told to Gate.Done for a Pass that came to nothing: no message
// was handed to the provider.
var ErrUnused = errors.New("notify: the pass was not used")

// admission is room for some messages, in the window and at a provider, before
// anything is claimed: what waits for its turn waits in the queue, where others
// may take it, and not under a lease.
type admission struct {
	route int
	count int // 0 for messages that need no provider
}

// admitEvery is the least time between two admissions after one that the rate
// has cut short: what a lane of a slow provider may send then goes in few
// transactions of the ledger, and not in one for each message. It is below the
// time in which a gate's burst fills up, so no part of the rate is lost.
const admitEvery = 30 * time.Millisecond

// admit waits for room for one message, and takes as much as there is, up to
// most. Errors: ErrShut when no provider works; the context's.
func (n *Notifier) admit(ctx context.Context, most int) (admission, error) {
	if n.config.Lane.Priority() == lane.OneTimeCode {
		a, _, err := n.enter(ctx, most)
		return a, err
	}
	// One after the other: together they would share the rate out among them.
	select {
	case n.door <- struct{}{}:
		defer func() { <-n.door }()
	case <-ctx.Done():
		return admission{}, ctx.Err()
	}
	if wait := n.admitAt.Sub(n.config.Now()); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return admission{}, ctx.Err()
		}
	}
	a, cut, err := n.enter(ctx, most)
	n.admitAt = time.Time{}
	if cut {
		n.admitAt = n.config.Now().Add(admitEvery)
	}
	return a, err
}

// enter is one admission. cut says that the provider's rate made it smaller.
func (n *Notifier) enter(ctx context.Context, most int) (a admission, cut bool, err error) {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return admission{}, false, ctx.Err()
	}
	slots := 1
more:
	for slots < most {
		select {
		case n.slots <- struct{}{}:
			slots++
		default:
			break more
		}
	}
	for route, r := range n.config.Routes {
		passed, err := r.Gate.Pass(ctx, slots)
		if errors.Is(err, ErrShut) {
			continue
		}
		if err != nil {
			n.vacate(slots)
			return admission{}, false, err
		}
		n.vacate(slots - passed)
		return admission{route, passed}, passed < slots, nil
	}
	n.vacate(slots)
	return admission{}, false, ErrShut
}

// refuse gives an admission back.
func (n *Notifier) refuse(a admission) {
	for range a.count {
		n.config.Routes[a.route].Gate.Done(ErrUnused)
	}
	n.vacate(a.count)
}

func (n *Notifier) vacate(slots int) {
	for range slots {
		<-n.slots
	}
}
