package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	"registrar/internal/registration"
)

// ErrUnknownReceipt says that no message is known by the id of a receipt: it
// may have come before the message's own record. The gateway is to be answered
// that it should repeat it.
var ErrUnknownReceipt = errors.New("delivery: a receipt for a message that is not known yet")

// Ledger keeps what receipts tell.
type Ledger interface {
	// Receive notes what provider tells of the message that it knows by ref.
	// It gives the state of the notification before and after. The error is
	// ErrUnknownReceipt where there is no such message, and where that message
	// went to another number than recipient (SameNumber).
	Receive(ctx context.Context, provider, ref, recipient string, told registration.State, reason string, now time.Time) (before, after registration.State, err error)
}

// The results of receipts, for Observer.
const (
	Changed   = "changed"   // the notification has another state
	Unchanged = "unchanged" // it was known, or it changes nothing
	Postponed = "postponed" // unknown; the gateway is asked to repeat it
	Dropped   = "dropped"   // unknown for too long, or one too many of those
)

// Receipts takes the receipts of gateways that keep a connection open. Several
// goroutines may use it.
type Receipts struct {
	ledger  Ledger
	now     func() time.Time
	observe func(provider, result string)

	mutex   sync.Mutex
	waiting map[reference]time.Time // since when unknown receipts are known to be
}

// reference is a provider's own id of a message. Providers use their ids again,
// for other recipients.
type reference struct{ provider, ref, recipient string }

const (
	// Patience is how long a receipt may be unknown: the record of a message
	// follows the gateway's acceptance within the timeout of one transaction.
	Patience = 2 * time.Minute
	// memory is how long an unknown receipt is remembered, so that a gateway
	// that repeats it seldom is not asked for ever.
	memory = 24 * time.Hour
	// maxWaiting bounds the unknown receipts that are remembered; those beyond
	// it are dropped.
	maxWaiting = 10_000
)

// NewReceipts makes the one Receipts of a process. observe is told of each
// receipt's result; it must not block.
func NewReceipts(ledger Ledger, now func() time.Time, observe func(provider, result string)) *Receipts {
	return &Receipts{ledger: ledger, now: now, observe: observe, waiting: make(map[reference]time.Time)}
}

// Receipt notes what a provider tells of the message that it knows by ref: of
// one part, where it took a message in several. recipient is the number that
// it was for, or "" where that is not told: a receipt of a message to another
// number is an unknown one. The state is DELIVERED or
// FAILED, or any other one for nothing final; reason is the provider's status,
// never a text with an address in it. An error asks for the receipt to be
// repeated later: ErrUnknownReceipt or the database's. A receipt that stays
// unknown for more than Patience is dropped: nil.
func (r *Receipts) Receipt(ctx context.Context, provider, ref, recipient string, state registration.State, reason string) error {
	of, now := reference{provider, ref, recipient}, r.now()
	before, after, err := r.ledger.Receive(ctx, provider, ref, recipient, state, reason, now)
	switch {
	case errors.Is(err, ErrUnknownReceipt):
		if r.wait(of, now) {
			r.observe(provider, Postponed)
			return err
		}
		r.observe(provider, Dropped)
		return nil
	case err != nil:
		return err
	case before != after:
		r.observe(provider, Changed)
	default:
		r.observe(provider, Unchanged)
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.waiting, of)
	return nil
}

// wait says whether an unknown receipt is to be asked for again.
func (r *Receipts) wait(of reference, now time.Time) bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if since, known := r.waiting[of]; known {
		return now.Sub(since) < Patience
	}
	if len(r.waiting) >= maxWaiting {
		r.forget(now)
	}
	if len(r.waiting) >= maxWaiting {
		return false
	}
	r.waiting[of] = now
	return true
}

// forget ends the memory of receipts that were last heard of long ago.
func (r *Receipts) forget(now time.Time) {
	for of, since := range r.waiting {
		if now.Sub(since) >= memory {
			delete(r.waiting, of)
		}
	}
}
