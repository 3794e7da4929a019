package registration

import (
	"context"
	"time"
)

// Attempts counts tries to verify passwords, for all servers together. A try is
// taken before the password is looked at, and given back where it was right.
type Attempts interface {
	// Take takes one try of the allowances that a stands under, of all or of
	// none. known says that it is the origin's own. What was taken under the same
	// id, at whichever server, is not taken again. Errors: TooManyPasswords;
	// ErrUnavailable.
	Take(ctx context.Context, a Attempt) (known bool, err error)
	// GiveBack gives back what Take took, once. With succeeded the origin is
	// known from now on. Errors: ErrUnavailable.
	GiveBack(ctx context.Context, a Attempt, known, succeeded bool) error
}

// AttemptKeys makes the keyed hashes by which tries are counted, under a key
// that is not in the database.
type AttemptKeys interface {
	Login(login string) [32]byte
	// Origin is of a login and a caller: what an origin means is its caller's alone.
	Origin(caller, login, origin string) [32]byte
	Caller(caller string) [32]byte
}

// Attempt is one try to verify a password.
type Attempt struct {
	ID     ID // of the call
	At     time.Time
	Login  [32]byte
	Caller [32]byte
	Origin [32]byte // zero where the caller told none
	Rules  AttemptRules
}

// HasOrigin says whether the caller told an origin.
func (a Attempt) HasOrigin() bool { return a.Origin != [32]byte{} }

// AttemptRules bound how many wrong passwords are tried.
type AttemptRules struct {
	// Login is for each login, over all callers, from wherever it has not
	// succeeded before.
	Login Allowance
	// Origin is for a login and an origin from which it has succeeded before.
	// Nothing that is tried from elsewhere takes of it.
	Origin Allowance
	// Caller is for all tries of one caller that Login is for.
	Caller Allowance
	// OriginLife is how long an origin is known after a right password.
	OriginLife time.Duration
}

// Allowance is how many tries there are: Burst at once, and another one after
// each Every.
type Allowance struct {
	Burst int
	Every time.Duration
}

// TooManyPasswords is what Attempts says when there is no try left; after the
// time that it gives there is one again.
func TooManyPasswords(wait time.Duration) error {
	err := NewError(RateLimited, "Too many wrong passwords were tried. Try again later.")
	err.RetryAfter = wait
	return err
}
