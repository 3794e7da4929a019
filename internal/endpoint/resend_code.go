package endpoint

import (
	"context"

	"github.com/hooklift/gowsdl/soap"

	"registrar/internal/registration"
	"registrar/wsdl/registrationv1"
)

func (e *Endpoint) resendCode(ctx context.Context, in *registrationv1.ResendCodeRequest) (*registrationv1.ResendCodeResponse, error) {
	c, channel := e.Caller(ctx), registration.Channel(text(in.Channel))
	resent, err := e.Registrar.Resend(ctx, registration.ResendRequest{
		RegistrationID: text(in.RegistrationId), Channel: channel, TraceParent: e.TraceParent(ctx), Caller: c.Name, EnumerationSafe: c.EnumerationSafe,
	})
	if err != nil {
		return nil, err
	}
	return &registrationv1.ResendCodeResponse{
		Message:      codeSent(channel, resent.Locale),
		ExpiresAt:    soap.CreateXsdDateTime(resent.ExpiresAt, true),
		NextResendAt: soap.CreateXsdDateTime(resent.NextResendAt, true),
	}, nil
}
