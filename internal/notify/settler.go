package notify

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"registrar/internal/registration"
)

// settlement is an attempt that has ended, on its way to the ledger.
type settlement struct {
	claim      Claim
	outcome    Outcome
	provider   string // "" where none has seen it
	leaseUntil time.Time
}

// settleMost is how many attempts one call of the ledger settles.
const settleMost = 200

// settleUntil settles ended attempts, those that end together in one call, until
// stop is closed and nothing is left.
func (n *Notifier) settleUntil(stop <-chan struct{}) {
	for {
		select {
		case first := <-n.settled:
			n.settle(n.collect(first, n.config.SettleDelay))
		case <-stop:
			for {
				select {
				case first := <-n.settled:
					n.settle(n.collect(first, 0))
				default:
					return
				}
			}
		}
	}
}

// collect adds to first what comes within a time.
func (n *Notifier) collect(first settlement, within time.Duration) []settlement {
	all := []settlement{first}
	timer := time.NewTimer(within)
	defer timer.Stop()
	for len(all) < settleMost {
		select {
		case s := <-n.settled:
			all = append(all, s)
		case <-timer.C:
			return all
		}
	}
	return all
}

// settle repeats the ledger's Settle until it succeeds. An attempt whose lease is
// over is left out from then on: it is ambiguous, and others may take it.
func (n *Notifier) settle(all []settlement) {
	for try := 1; len(all) > 0; try++ {
		outcomes := make([]Outcome, len(all))
		for i, s := range all {
			outcomes[i] = s.outcome
		}
		ctx, cancel := context.WithTimeout(context.Background(), n.config.LedgerTimeout)
		err := n.config.Ledger.Settle(ctx, n.config.Owner, outcomes, n.config.Now())
		cancel()
		if err == nil {
			for _, s := range all {
				n.tell(s)
			}
			return
		}
		wait := fullJitter(try, 100*time.Millisecond, 2*time.Second)
		next := n.config.Now().Add(wait)
		before := len(all)
		all = slices.DeleteFunc(all, func(s settlement) bool { return next.After(s.leaseUntil) })
		if given := before - len(all); given > 0 {
			n.config.Log.Error("ended attempts cannot be settled; they count as unanswered", "lane", n.config.Lane, "count", given, "error", err)
		}
		if len(all) > 0 {
			time.Sleep(wait)
		}
	}
}

// tell reports a settlement that the ledger has.
func (n *Notifier) tell(s settlement) {
	o := s.outcome
	n.config.Observer.Attempt(string(n.config.Lane), s.provider, string(o.State))
	level := slog.LevelDebug
	switch o.State {
	case registration.Accepted, registration.Delivered:
		n.config.Observer.Latency(string(n.config.Lane), n.config.Now().Sub(s.claim.Notification.CreatedAt))
	case registration.Failed, registration.Expired, registration.Unknown:
		level = slog.LevelWarn
	}
	if n.config.Log.Enabled(context.Background(), level) {
		n.config.Log.Log(context.Background(), level, "notification attempt", "lane", n.config.Lane, "provider", s.provider,
			"notification", o.NotificationID.String(), "attempt", o.Number, "state", o.State, "reason", o.Reason)
	}
}
