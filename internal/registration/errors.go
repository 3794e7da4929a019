package registration

import (
	"fmt"
	"strings"
	"time"
)

// Code is the category of an error that a caller is told. It is the contract's
// `code` in RegistrationFault.
type Code string

// The categories, each with its row in the contract's table of faults.
const (
	ValidationFailed Code = "VALIDATION_FAILED"
	UsernameTaken    Code = "USERNAME_TAKEN"
	EmailTaken       Code = "EMAIL_TAKEN"
	ExternalIDTaken  Code = "EXTERNAL_ID_TAKEN"
	PasswordRejected Code = "PASSWORD_REJECTED"
	RequestIDReused  Code = "REQUEST_ID_REUSED"
	NotFound         Code = "NOT_FOUND"
	CodeInvalid      Code = "CODE_INVALID"
	CodeExpired      Code = "CODE_EXPIRED"
	TooManyAttempts  Code = "TOO_MANY_ATTEMPTS"
	ResendTooSoon    Code = "RESEND_TOO_SOON"
	Unauthenticated  Code = "UNAUTHENTICATED" // no credential, or a wrong one
	Forbidden        Code = "FORBIDDEN"       // the caller's policy does not allow it
	RateLimited      Code = "RATE_LIMITED"    // too many calls of this caller: to be tried again
	Unavailable      Code = "UNAVAILABLE"     // overload, no database quorum, deadline: to be tried again
	Internal         Code = "INTERNAL"
)

// FieldError says which field broke which rule. It never holds the value.
type FieldError struct {
	Field   string // the request's element
	Rule    string // upper snake case, stable: a program may act on it
	Message string // English, for a person
}

// Error is an error with a category. Message is for a person and holds
// nothing of the request's values; what went wrong inside is the wrapped
// cause, for the log only.
type Error struct {
	Code    Code
	Message string
	Fields  []FieldError // all that are wrong, in the order of the contract's elements
	// RetryAfter is when the same request may succeed, where that is known; 0 is not known.
	RetryAfter time.Duration
	cause      error
}

// NewError makes an error without a cause.
func NewError(code Code, message string, fields ...FieldError) *Error {
	return &Error{Code: code, Message: message, Fields: fields}
}

// WrapError makes an error of a category from an error of another part.
func WrapError(code Code, message string, cause error) *Error {
	return &Error{Code: code, Message: message, cause: cause}
}

// Error tells category, message and fields, then the cause: a text for logs.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Code, e.Message)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "; %s: %s", f.Field, f.Rule)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is matches an *Error of the same Code, so that errors.Is(err, ErrEmailTaken) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// What Store and the other parts answer; also to be compared with errors.Is.
var (
	ErrUsernameTaken   = NewError(UsernameTaken, "This user name is already registered.", FieldError{"username", "TAKEN", "is already registered"})
	ErrEmailTaken      = NewError(EmailTaken, "This e-mail address is already registered.", FieldError{"email", "TAKEN", "is already registered"})
	ErrExternalIDTaken = NewError(ExternalIDTaken, "This external id is already registered by this caller.", FieldError{"externalId", "TAKEN", "is already registered by this caller"})
	ErrRequestIDReused = NewError(RequestIDReused, "This request id was already used for a request with other content.", FieldError{"requestId", "REUSED", "was already used for other content"})
	ErrNotFound        = NewError(NotFound, "There is no such registration.")
	errNoContact       = NewError(NotFound, "The registration has no such contact.")
	ErrUnavailable     = NewError(Unavailable, "The service cannot do this now. Send the same request again later.")
)

// Taken is the error for keys that are registered already: of the first one's
// code, in the order of the contract's elements, with a field for each. It is
// nil when none is.
func Taken(username, email, externalID bool) error {
	var all []*Error
	for _, key := range []struct {
		taken bool
		err   *Error
	}{{username, ErrUsernameTaken}, {email, ErrEmailTaken}, {externalID, ErrExternalIDTaken}} {
		if key.taken {
			all = append(all, key.err)
		}
	}
	if len(all) == 0 {
		return nil
	}
	first := *all[0]
	first.Fields = nil
	for _, e := range all {
		first.Fields = append(first.Fields, e.Fields...)
	}
	return &first
}
