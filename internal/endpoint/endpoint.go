// Package endpoint is the contract's operations on the domain: envelope types
// to domain types and back, and every error to its fault, in one table.
//
// To be relied on: a request that breaks several rules, of the schema or of
// the domain, is told all of them; no fault holds a value of the request or a
// text from inside the service.
package endpoint

import (
	"context"

	"registrar/internal/registration"
	"registrar/soap"
	"registrar/soap/xsd"
	"registrar/wsdl/registrationv1"
)

// Registrar is what the operations ask of the domain.
type Registrar interface {
	// Register: see registration.Service.
	Register(ctx context.Context, r registration.Request) (registration.Receipt, error)
	// Details: see registration.Service.
	Details(ctx context.Context, l registration.Lookup) (registration.Details, error)
	// Verify: see registration.Service.
	Verify(ctx context.Context, r registration.VerifyRequest) (registration.Verified, error)
	// Resend: see registration.Service.
	Resend(ctx context.Context, r registration.ResendRequest) (registration.Resent, error)
	// VerifyPassword: see registration.Service.
	VerifyPassword(ctx context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error)
}

// Endpoint is the operations of the contract.
type Endpoint struct {
	Registrar Registrar
	// Rules are asked what else is wrong with a request that breaks the schema.
	Rules registration.Rules
	// Caller gives the authenticated system, the zero Caller where callers are not authenticated.
	Caller func(ctx context.Context) Caller
	// MessageID gives the request's WS-Addressing message id, "" for none.
	MessageID func(ctx context.Context) string
	// TraceParent gives a request's W3C Trace Context, "" for none.
	TraceParent func(ctx context.Context) string
	// CorrelationID gives the id that a fault tells and the log carries.
	CorrelationID func(ctx context.Context) string
	// Challenge gives the WWW-Authenticate header for an error, "" for none.
	Challenge func(err error) string
	// Failed is told of each error that is the service's own, for the log.
	Failed func(ctx context.Context, err error)
}

// Caller is who calls, as far as the operations differ by it.
type Caller struct {
	Name     string
	Silent   bool // nobody is told of what it registers
	Verified bool // it has verified the contacts of those whom it registers
	// EnumerationSafe: it is not told which addresses have an account.
	EnumerationSafe bool
	// Shadow: what it registers is compared with its own outcome, and not kept.
	Shadow bool
}

// Operations are the contract's operations, to be served.
func (e *Endpoint) Operations() []soap.AnyOperation {
	return []soap.AnyOperation{
		soap.Operation[registrationv1.RegisterRequest, registrationv1.RegisterResponse]{
			Name: "Register", Check: e.checkRegister, Refused: e.refusedRegister, Handle: e.register,
		},
		soap.Operation[registrationv1.GetRegistrationRequest, registrationv1.GetRegistrationResponse]{
			Name: "GetRegistration", Check: e.checkGetRegistration, Handle: e.getRegistration,
		},
		soap.Operation[registrationv1.VerifyContactRequest, registrationv1.VerifyContactResponse]{
			Name: "VerifyContact", Handle: e.verifyContact,
		},
		soap.Operation[registrationv1.ResendCodeRequest, registrationv1.ResendCodeResponse]{
			Name: "ResendCode", Handle: e.resendCode,
		},
		soap.Operation[registrationv1.VerifyPasswordRequest, registrationv1.VerifyPasswordResponse]{
			Name: "VerifyPassword", Handle: e.verifyPassword,
		},
	}
}

// violations are field errors as the envelope's reader tells its own.
func violations(fields []registration.FieldError) []soap.Violation {
	var all []soap.Violation
	for _, f := range fields {
		all = append(all, soap.Violation{Element: f.Field, Rule: xsd.Rule(f.Rule), Message: f.Message})
	}
	return all
}

// text is the value of an optional element; "" for an absent one. No element
// of the contract may be present and empty.
func text[T ~string](p *T) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

// element is an optional element: absent for "".
func element[T ~string](s string) *T {
	if s == "" {
		return nil
	}
	v := T(s)
	return &v
}
