package notify

import (
	"context"
	"math/rand/v2"
	"time"
)

// sweepMost is how many messages one look at the ledger gives.
const sweepMost = 100

// sweep handles what is overdue in the ledger until ctx ends: a message that no
// broker has brought, one whose holder is gone, and one that is to be tried
// again.
func (n *Notifier) sweep(ctx context.Context) {
	failing := false
	for {
		// Notifiers that look at the same time would compete for the same rows.
		wait := n.config.SweepEvery*3/4 + rand.N(n.config.SweepEvery/2+1) //nolint:gosec // spreads load, guards nothing
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := n.sweepOnce(ctx)
		if ctx.Err() == nil && failing != (err != nil) {
			failing = err != nil
			if failing {
				n.config.Log.Warn("the ledger cannot be swept; messages come by the queue alone", "lane", n.config.Lane, "error", err)
			} else {
				n.config.Log.Info("the ledger can be swept again", "lane", n.config.Lane)
			}
		}
	}
}

func (n *Notifier) sweepOnce(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, n.config.LedgerTimeout)
	overdue, err := n.config.Sweeper.Overdue(limited, n.config.Lane, n.config.Now(), sweepMost)
	cancel()
	if err != nil || len(overdue) == 0 {
		return err
	}
	n.config.Observer.Swept(string(n.config.Lane), len(overdue))
	return n.Handle(ctx, overdue)
}
