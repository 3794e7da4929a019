package endpoint

import (
	"context"

	"registrar/internal/registration"
	"registrar/wsdl/registrationv1"
)

func (e *Endpoint) verifyPassword(ctx context.Context, in *registrationv1.VerifyPasswordRequest) (*registrationv1.VerifyPasswordResponse, error) {
	c := e.Caller(ctx)
	verdict, err := e.Registrar.VerifyPassword(ctx, registration.PasswordRequest{
		Caller: c.Name, EnumerationSafe: c.EnumerationSafe, Login: text(in.Login), Password: text(in.Password), Origin: text(in.Origin), TraceParent: e.TraceParent(ctx),
	})
	if err != nil {
		return nil, err
	}
	out := &registrationv1.VerifyPasswordResponse{Valid: verdict.Valid}
	if verdict.Valid {
		out.RegistrationId = element[registrationv1.RegistrationId](verdict.ID.String())
		out.Status = element[registrationv1.Status](string(verdict.Status))
	}
	return out, nil
}
