package notify

import (
	"context"
	"errors"
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

// admit waits for room for one message, and takes as much as there is, up to
// most. Errors: ErrShut when no provider works; the context's.
func (n *Notifier) admit(ctx context.Context, most int) (admission, error) {
	select {
	case n.slots <- struct{}{}:
	case <-ctx.Done():
		return admission{}, ctx.Err()
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
			return admission{}, err
		}
		n.vacate(slots - passed)
		return admission{route, passed}, nil
	}
	n.vacate(slots)
	return admission{}, ErrShut
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
