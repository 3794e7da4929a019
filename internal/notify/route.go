package notify

import (
	"context"
	"errors"
)

// Route is one way out of a lane: a provider, and the gate before it. A lane
// has its routes in the order in which they are tried.
type Route struct {
	Sender Sender
	Gate   Gate
	// Parallel is how many Sends the sender carries out at once; 0 for any
	// number. More wait for their turn before their time at the provider begins.
	Parallel int
}

// Gate guards a provider: by a breaker, which all lanes of the provider share,
// and by the lane's share of the provider's rate.
type Gate interface {
	// Pass waits until one message may be handed to the provider, and lets
	// through as many as may go with it, up to most. Errors: ErrShut, at once,
	// while the provider is known not to work; the context's.
	Pass(ctx context.Context, most int) (passed int, err error)
	// Done is told once for each message that was let through: nil or the
	// error of its Send, or ErrUnused when there was none, which gives its
	// place in the rate back.
	Done(err error)
}

// ErrShut says that a provider is left alone because it has just failed several
// times in a row.
var ErrShut = errors.New("notify: the provider is left alone for a while")

// WithheldError is a Renderer's, for a message that is not to be sent any more,
// such as a code that was used meanwhile. Its notification ends as EXPIRED.
type WithheldError struct{ Reason string }

func (e *WithheldError) Error() string { return "notify: withheld: " + e.Reason }
