package endpoint

import (
	"context"
	"errors"
	"time"

	"registrar/internal/registration"
	"registrar/soap"
	"registrar/wsdl/registrationv1"
)

// blame is what the contract says of a fault's code.
type blame struct {
	sender     bool          // the caller's fault
	retryable  bool          // the same request may succeed later
	retryAfter time.Duration // how much later, at the earliest
}

// codes is the contract's table of fault codes. Every error that leaves the
// service is one of these.
var codes = map[registration.Code]blame{
	registration.ValidationFailed: {sender: true},
	registration.UsernameTaken:    {sender: true},
	registration.EmailTaken:       {sender: true},
	registration.ExternalIDTaken:  {sender: true},
	registration.PasswordRejected: {sender: true},
	registration.RequestIDReused:  {sender: true},
	registration.NotFound:         {sender: true},
	registration.CodeInvalid:      {sender: true},
	registration.CodeExpired:      {sender: true},
	registration.TooManyAttempts:  {sender: true},
	registration.ResendTooSoon:    {sender: true},
	registration.Unauthenticated:  {sender: true},
	registration.Forbidden:        {sender: true},
	registration.RateLimited:      {sender: true, retryable: true, retryAfter: time.Second},
	registration.Unavailable:      {retryable: true, retryAfter: time.Second},
	registration.Internal:         {retryable: true, retryAfter: time.Second},
}

// kinds is what the envelope's own errors are in the contract's terms. All but
// Overloaded and Internal are the caller's.
var kinds = map[soap.Kind]registration.Code{
	soap.Malformed:          registration.ValidationFailed,
	soap.LimitExceeded:      registration.ValidationFailed,
	soap.UnsupportedCharset: registration.ValidationFailed,
	soap.VersionMismatch:    registration.ValidationFailed,
	soap.MustUnderstand:     registration.ValidationFailed,
	soap.Encoded:            registration.ValidationFailed,
	soap.UnknownOperation:   registration.ValidationFailed,
	soap.ActionMismatch:     registration.ValidationFailed,
	soap.Invalid:            registration.ValidationFailed,
	soap.Addressing:         registration.ValidationFailed,
	soap.Unauthenticated:    registration.Unauthenticated,
	soap.Overloaded:         registration.Unavailable,
	soap.Internal:           registration.Internal,
}

// Fault makes the fault of any error: the domain's, the envelope's, or one
// that nobody gave a category, which is INTERNAL.
func (e *Endpoint) Fault(ctx context.Context, err error) soap.Fault {
	told := categorize(err)
	b := codes[told.Code]
	if !b.sender {
		e.Failed(ctx, err)
	}
	detail := &registrationv1.RegistrationFault{
		Code:          element[registrationv1.FaultCode](string(told.Code)),
		Message:       told.Message,
		CorrelationId: e.CorrelationID(ctx),
		Retryable:     b.retryable,
	}
	for _, f := range told.Fields {
		detail.Field = append(detail.Field, &registrationv1.FaultField{Name: f.Field, Code: f.Rule, Message: f.Message})
	}
	return soap.Fault{Sender: b.sender, Reason: told.Message, Detail: detail, RetryAfter: max(b.retryAfter, told.RetryAfter), Challenge: e.Challenge(err)}
}

// categorize gives err as an error of the contract.
func categorize(err error) *registration.Error {
	if d, ok := errors.AsType[*registration.Error](err); ok {
		if _, known := codes[d.Code]; known {
			return d
		}
	}
	if s, ok := errors.AsType[*soap.Error](err); ok {
		code, known := kinds[s.Kind]
		if known && code != registration.Internal {
			told := registration.NewError(code, s.Reason)
			for _, v := range s.Violations {
				told.Fields = append(told.Fields, registration.FieldError{Field: v.Element, Rule: string(v.Rule), Message: v.Message})
			}
			return told
		}
	}
	return registration.NewError(registration.Internal, "The service failed. The correlation id leads to the reason in its log.")
}

// Code is the fault code that err is told as, for metrics.
func Code(err error) string { return string(categorize(err).Code) }

// FaultDetails are the contract's fault elements, as Fault gives them.
func FaultDetails() []any { return []any{&registrationv1.RegistrationFault{}} }
