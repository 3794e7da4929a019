package endpoint

import (
	"context"

	"github.com/hooklift/gowsdl/soap"

	"registrar/internal/registration"
	"registrar/wsdl/registrationv1"
)

func (e *Endpoint) verifyContact(ctx context.Context, in *registrationv1.VerifyContactRequest) (*registrationv1.VerifyContactResponse, error) {
	c := e.Caller(ctx)
	verified, err := e.Registrar.Verify(ctx, registration.VerifyRequest{
		RegistrationID: text(in.RegistrationId), Channel: registration.Channel(text(in.Channel)), Code: text(in.Code),
		TraceParent: e.TraceParent(ctx), Silent: c.Silent, Caller: c.Name, EnumerationSafe: c.EnumerationSafe,
	})
	if err != nil {
		return nil, err
	}
	return &registrationv1.VerifyContactResponse{
		Status:     element[registrationv1.Status](string(verified.Status)),
		VerifiedAt: soap.CreateXsdDateTime(verified.VerifiedAt, true),
	}, nil
}
