package notify

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// Ledger is the truth about every notification; the queue is only the fast way
// to it. All changes are conditional on the state and the owner they expect,
// so that two notifiers never both send.
type Ledger interface {
	// Claim takes for owner, until leaseUntil, those of ids that may be worked
	// on now: QUEUED ones, CLAIMED ones whose lease has run out, and SENDING
	// ones whose lease has run out. The last kind may already have been sent;
	// its Claim says so by Ambiguous.
	// With a provider they are marked as leaving by it, which is durable before
	// the provider sees them: their state is SENDING at once. Without one, for
	// a provider that may see a message twice, it is CLAIMED.
	// An id that another owner holds is left to it, and its outbox row is made
	// due when that lease runs out. An id that is settled, is not due yet or
	// does not exist is left out. Each Claim counts as an attempt.
	Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, leaseUntil time.Time) ([]Claim, error)

	// MarkSending records, before another provider sees them, that these
	// attempts leave by it. It gives the ids of those that owner still holds; the
	// others must not be sent.
	MarkSending(ctx context.Context, owner, provider string, attempts []Attempt, now time.Time) ([]registration.ID, error)

	// Settle records how attempts ended. An outcome whose State is settled
	// deletes the outbox row in the same transaction; one that is QUEUED makes
	// the row due at RetryAt. Outcomes of attempts that owner no longer holds
	// are dropped; that is no error.
	Settle(ctx context.Context, owner string, outcomes []Outcome, now time.Time) error
}

// Attempt is one try to send one notification; from 1 upward.
type Attempt struct {
	NotificationID registration.ID
	Number         int
}

// Claim is a notification under this notifier's lease, with what its text needs.
type Claim struct {
	Attempt
	Notification registration.Notification
	Username     string // of an ALREADY_REGISTERED, and the names too, the account's that has the address; "" where there is none any more
	FirstName    string
	LastName     string
	// Ambiguous counts the earlier attempts that ended after SENDING without
	// an answer: each may have reached the person.
	Ambiguous int
	// Provider is by which the attempt before this one left; "" for none.
	Provider string
	// Code is the one-time code of a VERIFICATION_CODE.
	Code Code
	// Template is the name of a campaign's template; "" for any other kind.
	Template string
	// QuietHours are a campaign's, as package campaign writes them; "" for any
	// other kind. Mobile is the account's number, whose place they go by; ""
	// for none, and for any other kind.
	QuietHours string
	Mobile     registration.Mobile
	// Unsubscribe is the https address by which the person ends a campaign's
	// messages; set by the renderer's decorator, "" for any other kind.
	Unsubscribe string
	// Suppressed is why nothing is to be sent to the recipient; "" for nothing
	// known.
	Suppressed string
}

// Code is a one-time code as it is kept.
type Code struct {
	// Sealed is the code under a key that is not in the database; nil when it
	// is not to be sent any more: it was used, or another one has replaced it.
	Sealed    []byte
	Text      string // opened; set by the renderer's decorator
	ExpiresAt time.Time
}

// Outcome is how an attempt ended.
type Outcome struct {
	Attempt
	State       registration.State // QUEUED to try again, or a settled one
	ProviderRef string             // the provider's own id for it; "" where it gives none
	Reason      string             // a class and a status code, never an address or a text; "" on success
	RetryAt     time.Time          // for QUEUED
	// ReceiptExpected: the provider will tell by ProviderRef whether it arrived.
	ReceiptExpected bool
	Ambiguous       bool // the attempt ended without a provider's answer: it counts in Claim.Ambiguous from now on
}
