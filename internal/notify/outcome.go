package notify

import (
	"errors"
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
	switch l.Priority() {
	case lane.OneTimeCode:
		return math.MaxInt // the same code again does no harm; its deadline ends it
	case lane.Transactional:
		return 1
	default:
		return 0
	}
}

// outcome is what a Send's answer means for the notification.
func (n *Notifier) outcome(c Claim, by Sender, receipt Receipt, err error) Outcome {
	if err == nil {
		state := registration.Accepted
		if receipt.State == registration.Delivered {
			state = registration.Delivered
		}
		return Outcome{Attempt: c.Attempt, State: state, ProviderRef: receipt.Ref, ReceiptExpected: receipt.Pending}
	}
	switch ClassOf(err) {
	case Permanent:
		return Outcome{Attempt: c.Attempt, State: registration.Failed, Reason: reasonOf(err)}
	case Transient:
		return n.retry(c, reasonOf(err))
	case Throttled:
		return n.later(c, reasonOf(err), retryAfter(err))
	default:
		if by.Repeatable() {
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

// later puts c back for as long as the provider asked for, or a second, and up
// to half as much again, so that what was turned away together does not come
// back together.
func (n *Notifier) later(c Claim, reason string, after time.Duration) Outcome {
	now := n.config.Now()
	if after <= 0 {
		after = time.Second
	}
	after += rand.N(after/2 + 1) //nolint:gosec // a wait, not a secret
	if !now.Add(after).Before(c.Notification.Deadline) {
		return n.expired(c, reason)
	}
	return Outcome{Attempt: c.Attempt, State: registration.Queued, Reason: reason, RetryAt: now.Add(after)}
}

// retryAfter is what a provider asked to wait; 0 for not said.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*SendError](err); ok {
		return e.RetryAfter
	}
	return 0
}

// release puts back at once what was claimed and has certainly not left.
func (n *Notifier) release(c Claim, reason string) Outcome {
	return Outcome{Attempt: c.Attempt, State: registration.Queued, Reason: reason, RetryAt: n.config.Now().Add(fullJitter(1, n.config.RetryBase, n.config.RetryCap))}
}

// expired drops c; as UNKNOWN where an earlier attempt may have reached the person.
func (n *Notifier) expired(c Claim, reason string) Outcome {
	state := registration.Expired
	if c.Ambiguous > 0 && !n.repeatable() {
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
