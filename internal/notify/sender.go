package notify

import (
	"context"
	"errors"
	"time"

	"registrar/internal/registration"
)

// Message is a rendered notification, ready for a provider.
type Message struct {
	NotificationID registration.ID
	To             string // an e-mail address or an E.164 number
	Name           string // of the person, for the address header; may be ""
	Locale         string
	Subject        string // e-mail only
	Text           string
	HTML           string // e-mail only
	Kind           registration.Kind
	Deadline       time.Time // after it the message is of no use to anyone: a provider that keeps messages is told
	// Unsubscribe is an https address that ends such messages when it is posted
	// to (RFC 8058); "" for none. E-mail only.
	Unsubscribe string
}

// Sender hands messages to one provider.
type Sender interface {
	// Name is the provider's name in the ledger, in logs and in metrics.
	Name() string
	// Repeatable says that sending a message again under the same
	// NotificationID changes nothing at the receiver: such a sender needs no
	// SENDING record, and an attempt without an answer is simply repeated.
	Repeatable() bool
	// Send returns the provider's id for the message once the provider has
	// taken it over, and how far that is: ACCEPTED or DELIVERED. Its error is a
	// *SendError; any other one counts as Ambiguous.
	// The context has a deadline.
	Send(ctx context.Context, m Message) (Receipt, error)
	// Close ends persistent connections.
	Close() error
}

// Receipt is a provider's answer.
type Receipt struct {
	Ref   string
	State registration.State // ACCEPTED or DELIVERED
	// Pending: the provider will tell later, under Ref, whether it arrived.
	Pending bool
}

// Class is what a failed attempt means for the next one.
type Class string

const (
	// Transient says that the message was not taken; it may be tried again.
	Transient Class = "TRANSIENT"
	// Permanent says that the message was refused and will be refused again.
	Permanent Class = "PERMANENT"
	// Ambiguous says that the message may have been taken; the answer is missing.
	Ambiguous Class = "AMBIGUOUS"
	// Throttled says that the provider wants fewer messages now: this one was
	// not taken, and it is not a failed attempt.
	Throttled Class = "THROTTLED"
)

// SendError is a failed attempt. Status is the provider's code ("550 5.1.1",
// "HTTP 503"), never its text, which may hold the address.
type SendError struct {
	Class  Class
	Status string
	// Provider says that the failure is the provider's and not this message's
	// (no connection, refused sign-in, overload): another provider may take it.
	// It is only looked at where Class is Transient or Throttled.
	Provider bool
	// RetryAfter is what the provider asked to wait; 0 for not said.
	RetryAfter time.Duration
	Err        error // for errors.Is on contexts and network errors; not to be logged as text
}

func (e *SendError) Error() string { return string(e.Class) + " " + e.Status }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.Err }

// ClassOf is the class of a Send error.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*SendError](err); ok {
		return e.Class
	}
	return Ambiguous
}
