package caller

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// Caller is a system that may call.
type Caller struct {
	Name               string   // see ParseName
	Secrets            []Secret // the newest first; more than one only while one is being rotated
	CertificateSubject string   // of a client certificate, as Subject and ParseSubject write it; "" for none
	Policy             Policy
	Disabled           bool
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

// Secret is what a caller proves that it knows. The text itself is shown once,
// when it is made, and kept nowhere.
type Secret struct {
	Hash      [32]byte // SHA-256 of the text, which is random and long enough for that
	Sealed    []byte   // the text under the configured key, for WS-Security digests; nil where the caller uses none
	CreatedAt time.Time
	ExpiresAt time.Time // zero for never; set when a newer one replaces it
}

// Policy is what a caller may do.
type Policy struct {
	Operations []string // of the contract, by name; empty is every one
	Rate       int      // calls a second, over all servers; 0 is without limit
	Burst      int      // calls at once after a pause; 0 is Rate
	DailyQuota int      // calls a day (UTC), over all servers; 0 is without limit
	// SuppressNotifications: nobody is told of a registration by this caller,
	// for a backfill of people who are registered elsewhere already.
	SuppressNotifications bool
	// VerifiedContacts: this caller has verified the contacts of those whom it
	// registers, so that their accounts are ACTIVE at once.
	VerifiedContacts bool
	// EnumerationSafe: this caller is told nothing by which the addresses that
	// have an account could be told from those that have none.
	EnumerationSafe bool
	// Shadow: the registrations of this caller are checked and answered as if,
	// and nothing of them is kept or sent. See package shadow.
	Shadow bool
}

// Source knows all callers.
type Source interface {
	// Callers gives all callers by name, with their secrets, also those that
	// are disabled. Errors: registration.ErrUnavailable.
	Callers(ctx context.Context) ([]Caller, error)
}

// Store keeps callers.
type Store interface {
	Source
	// Add stores a new caller. Errors: ErrExists, ErrSubjectTaken, registration.ErrUnavailable.
	Add(ctx context.Context, c Caller) error
	// Change replaces a caller by what change makes of it, in one transaction;
	// an error of change's own is given as it is and changes nothing. change may
	// run more than once. Errors: ErrUnknown, ErrSubjectTaken, registration.ErrUnavailable.
	Change(ctx context.Context, name string, change func(*Caller) error) error
}

// Spender lets each nonce of WS-Security serve once, over all servers.
type Spender interface {
	// Spend remembers that a caller has used a nonce, until expires. call is of
	// this use alone: whoever does not learn what became of it may ask once
	// more, at another server too; zero is for who does not. Errors:
	// ErrReplayed when it had before, at whichever server; registration.ErrUnavailable.
	Spend(ctx context.Context, call registration.ID, caller string, nonce [32]byte, expires time.Time) error
}

// Nonces remembers nonces.
type Nonces interface {
	Spender
	// Forget drops what expired before now, in small transactions.
	Forget(ctx context.Context, now time.Time) error
}

// Usage counts calls, for all servers.
type Usage interface {
	// Reserve takes permits of a caller's rate and quota at now, as many of want as there
	// are: see Grant. What p does not limit is not counted, and what was counted
	// of it before stays. Errors: registration.ErrUnavailable.
	Reserve(ctx context.Context, caller string, p Policy, want int, now time.Time) (Grant, error)
}

// Grant is what Usage gives.
type Grant struct {
	Permits    int           // 0 to what was asked for
	RetryAfter time.Duration // where Permits is 0: until there is one again
	Quota      bool          // where Permits is 0: the quota is used up, not the rate
}
