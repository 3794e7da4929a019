package soap

import (
	"fmt"
	"time"

	"registrar/soap/xsd"
)

// Kind is the category of an error that this package finds.
type Kind string

// The kinds of errors. All but Overloaded and Internal are the caller's.
const (
	Malformed          Kind = "MALFORMED"           // not well-formed, not an envelope, or not readable
	LimitExceeded      Kind = "LIMIT_EXCEEDED"      // too large, too deep, too many
	UnsupportedCharset Kind = "UNSUPPORTED_CHARSET" // a charset that is not read
	VersionMismatch    Kind = "VERSION_MISMATCH"    // the root is no envelope of either version
	MustUnderstand     Kind = "MUST_UNDERSTAND"     // a mandatory header block is not understood
	Encoded            Kind = "ENCODED"             // an RPC/encoded message
	UnknownOperation   Kind = "UNKNOWN_OPERATION"   // the Body's element is no operation's
	ActionMismatch     Kind = "ACTION_MISMATCH"     // the action names another operation than the Body
	Invalid            Kind = "INVALID"             // the schema's or the operation's rules are broken
	Unauthenticated    Kind = "UNAUTHENTICATED"     // a security header that is wrong or out of date
	Addressing         Kind = "ADDRESSING"          // an addressing header that is wrong or asks for what is not done
	Overloaded         Kind = "OVERLOADED"          // no memory for a body of its size now: to be sent again
	Internal           Kind = "INTERNAL"            // a panic, or an answer that cannot be written
)

// Violation is one broken rule of a request's content.
type Violation = xsd.Violation

// Error is an error that this package finds.
type Error struct {
	Kind       Kind
	Reason     string      // for the caller: holds no value of the request and nothing of the inside
	Violations []Violation // of Invalid, all that were found
	// Subcode is told in a SOAP 1.2 fault below its code (part 1, 5.4.6), such
	// as those of WS-Security; the zero Name for none. SOAP 1.1 has no place
	// for it that WS-I allows (Basic Profile 1.1, R1004, R1031).
	Subcode Name
	// Subsubcode is told below Subcode, as WS-Addressing does; the zero Name for none.
	Subsubcode Name

	notUnderstood []Name // of MustUnderstand
	cause         error
}

func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("soap: %s: %s: %v", e.Kind, e.Reason, e.cause)
	}
	return fmt.Sprintf("soap: %s: %s", e.Kind, e.Reason)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// subcodes are those that are told, each below the one before.
func (e *Error) subcodes() []Name {
	switch (Name{}) {
	case e.Subcode:
		return nil
	case e.Subsubcode:
		return []Name{e.Subcode}
	default:
		return []Name{e.Subcode, e.Subsubcode}
	}
}

func failure(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// Fault is what the application makes of an error for the caller.
type Fault struct {
	Sender bool   // the caller's fault (Client in SOAP 1.1), not the server's
	Reason string // for a person
	Lang   string // of Reason, BCP 47; "" is en
	// Detail is a pointer to a struct of one of Config.FaultDetails, or nil. It
	// is left out of VersionMismatch and MustUnderstand. Faults about the header
	// have one although SOAP 1.1 (4.4) keeps it for the Body's errors: clients
	// look for the code there.
	Detail     any
	RetryAfter time.Duration // told in the HTTP header of that name in whole seconds, rounded up; 0 is not told
	// Challenge is for WWW-Authenticate (RFC 9110, 11.6.1). It is told, with
	// status 401, to clients that send their credentials only when asked
	// (ChallengeFirst); others get the fault as any other. "" for none.
	Challenge string
}
