package notify

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

// resendsOf is how often a message of a lane may be sent again after attempts
// without an answer.
func resendsOf(l lane.Lane) int {
	switch {
	case strings.HasSuffix(string(l), ".otp"):
		return math.MaxInt // the same code again does no harm; its deadline ends it
	case strings.HasSuffix(string(l), ".transactional"):
		return 1
	default:
		return 0
	}
}

// prepare renders a claim, or tells the outcome of one that is not to be sent.
func (n *Notifier) prepare(c Claim) (Message, *Outcome) {
	end := func(o Outcome) (Message, *Outcome) { return Message{}, &o }
	switch {
	case c.Notification.Channel != n.config.Lane.Channel():
		// The outbox knows the right lane.
		return end(n.release(c, "LANE"))
	case !n.config.Sender.Repeatable() && c.Ambiguous > n.resends:
		return end(Outcome{Attempt: c.Attempt, State: registration.Unknown, Reason: string(Ambiguous)})
	case !n.config.Now().Before(c.Notification.Deadline):
		return end(n.expired(c, "DEADLINE"))
	}
	m, err := n.config.Renderer.Render(c)
	if err != nil {
		n.config.Log.Error("a notification cannot be rendered", "lane", n.config.Lane, "notification", c.NotificationID.String(), "kind", c.Notification.Kind, "error", err)
		return end(Outcome{Attempt: c.Attempt, State: registration.Failed, Reason: "RENDER"})
	}
	return m, nil
}

// outcome is what a Send's answer means for the notification.
func (n *Notifier) outcome(c Claim, receipt Receipt, err error) Outcome {
	if err == nil {
		state := registration.Accepted
		if receipt.State == registration.Delivered {
			state = registration.Delivered
		}
		return Outcome{Attempt: c.Attempt, State: state, ProviderRef: receipt.Ref}
	}
	switch ClassOf(err) {
	case Permanent:
		return Outcome{Attempt: c.Attempt, State: registration.Failed, Reason: reasonOf(err)}
	case Transient:
		return n.retry(c, reasonOf(err))
	default:
		if n.config.Sender.Repeatable() {
			return n.retry(c, reasonOf(err))
		}
		if c.Ambiguous >= n.resends {
			return Outcome{Attempt: c.Attempt, State: registration.Unknown, Reason: reasonOf(err), Ambiguous: true}
		}
		o := n.retry(c, reasonOf(err))
		o.Ambiguous = true
		if o.State == registration.Expired {
			o.State = registration.Unknown // this very attempt may have reached the person
		}
		return o
	}
}

// retry puts c back until a time by full jitter over an exponential ceiling,
// and never past its deadline: one that has too little time left for another
// attempt is EXPIRED now.
func (n *Notifier) retry(c Claim, reason string) Outcome {
	now := n.config.Now()
	left := c.Notification.Deadline.Sub(now)
	if left <= n.config.RetryBase {
		return n.expired(c, reason)
	}
	wait := fullJitter(c.Number, n.config.RetryBase, min(n.config.RetryCap, left))
	return Outcome{Attempt: c.Attempt, State: registration.Queued, Reason: reason, RetryAt: now.Add(wait)}
}

// release puts back at once what was claimed and has certainly not left.
func (n *Notifier) release(c Claim, reason string) Outcome {
	return Outcome{Attempt: c.Attempt, State: registration.Queued, Reason: reason, RetryAt: n.config.Now().Add(fullJitter(1, n.config.RetryBase, n.config.RetryCap))}
}

// expired drops c; as UNKNOWN where an earlier attempt may have reached the person.
func (n *Notifier) expired(c Claim, reason string) Outcome {
	state := registration.Expired
	if c.Ambiguous > 0 && !n.config.Sender.Repeatable() {
		state = registration.Unknown
	}
	return Outcome{Attempt: c.Attempt, State: state, Reason: reason}
}

// fullJitter is a random wait from zero up to base times 2^(try-1), at most
// cap: what failed together does not come back together.
func fullJitter(try int, base, maximum time.Duration) time.Duration {
	ceiling := base
	for i := 1; i < try && ceiling < maximum; i++ {
		ceiling *= 2
	}
	return rand.N(min(ceiling, maximum) + 1) //nolint:gosec // a wait, not a secret
}

// reasonOf is the class and the provider's status code, never a text.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*SendError](err); ok {
		return strings.TrimSpace(e.Error())
	}
	return string(Ambiguous)
}

// tell reports outcomes that the ledger has.
func (n *Notifier) tell(ctx context.Context, claims []Claim, outcomes []Outcome) {
	created := make(map[registration.ID]time.Time, len(claims))
	for _, c := range claims {
		created[c.NotificationID] = c.Notification.CreatedAt
	}
	now := n.config.Now()
	for _, o := range outcomes {
		n.config.Observer.Attempt(string(n.config.Lane), n.config.Sender.Name(), string(o.State))
		level := slog.LevelDebug
		switch o.State {
		case registration.Accepted, registration.Delivered:
			n.config.Observer.Latency(string(n.config.Lane), now.Sub(created[o.NotificationID]))
		case registration.Failed, registration.Expired, registration.Unknown:
			level = slog.LevelWarn
		}
		n.config.Log.Log(ctx, level, "notification attempt", "lane", n.config.Lane, "provider", n.config.Sender.Name(),
			"notification", o.NotificationID.String(), "attempt", o.Number, "state", o.State, "reason", o.Reason)
	}
}
