package endpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/hooklift/gowsdl/soap"

	"registrar/internal/registration"
	edge "registrar/soap"
	"registrar/wsdl/registrationv1"
)

func (e *Endpoint) checkRegister(in *registrationv1.RegisterRequest, _ []edge.Violation) []edge.Violation {
	return violations(e.Rules.Check(request(in)))
}

// refusedRegister compares also what broke the schema, for callers in shadow
// mode: names that are too long are among what a migration stumbles over. What
// the caller is told is the schema's word in any case.
func (e *Endpoint) refusedRegister(ctx context.Context, in *registrationv1.RegisterRequest, broken []edge.Violation) {
	if !e.Caller(ctx).Shadow {
		return
	}
	r := e.requestOf(ctx, in)
	for _, v := range broken {
		if v.Element == "callerOutcome" { // it is no part of the registration
			r.CallerOutcome = ""
			continue
		}
		r.Refused = append(r.Refused, registration.FieldError{Field: v.Element, Rule: string(v.Rule), Message: v.Message})
	}
	if len(r.Refused) == 0 {
		return
	}
	if _, err := e.Registrar.Register(ctx, r); err != nil && !codes[categorize(err).Code].sender {
		e.Failed(ctx, err)
	}
}

func (e *Endpoint) register(ctx context.Context, in *registrationv1.RegisterRequest) (*registrationv1.RegisterResponse, error) {
	receipt, err := e.Registrar.Register(ctx, e.requestOf(ctx, in))
	if err != nil {
		return nil, err
	}
	return &registrationv1.RegisterResponse{
		RegistrationId: element[registrationv1.RegistrationId](receipt.ID.String()),
		Status:         element[registrationv1.Status](string(receipt.Status)),
		Message:        registered(receipt.Locale),
		RegisteredAt:   soap.CreateXsdDateTime(receipt.RegisteredAt, true),
	}, nil
}

// requestOf is in with what is known of the call.
func (e *Endpoint) requestOf(ctx context.Context, in *registrationv1.RegisterRequest) registration.Request {
	r := request(in)
	r.TraceParent = e.TraceParent(ctx)
	c := e.Caller(ctx)
	r.Caller, r.Silent, r.Verified, r.EnumerationSafe, r.Shadow = c.Name, c.Silent, c.Verified, c.EnumerationSafe, c.Shadow
	if r.RequestID == "" {
		r.RequestID = requestID(e.MessageID(ctx))
	}
	return r
}

// maxMessageID is the longest message id that is a request id as it stands.
const maxMessageID = 128

// requestID makes an idempotency key of a message id, which may be longer than
// the contract's own.
func requestID(messageID string) string {
	if len(messageID) <= maxMessageID {
		return messageID
	}
	sum := sha256.Sum256([]byte(messageID))
	return "sha-256:" + hex.EncodeToString(sum[:])
}

// request is the domain's request for in.
func request(in *registrationv1.RegisterRequest) registration.Request {
	return registration.Request{
		RequestID:        text(in.RequestId),
		Username:         text(in.Username),
		Email:            text(in.Email),
		Password:         text(in.Password),
		FirstName:        text(in.FirstName),
		LastName:         text(in.LastName),
		MobileNumber:     text(in.MobileNumber),
		Locale:           text(in.Locale),
		MarketingConsent: in.MarketingConsent,
		ExternalID:       text(in.ExternalId),
		CallerOutcome:    text(in.CallerOutcome),
	}
}
