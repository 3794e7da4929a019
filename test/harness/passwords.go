package harness

import (
	"context"
	"errors"
)

// Verdict is a VerifyPasswordResponse.
type Verdict struct {
	Valid          bool   `xml:"valid"`
	RegistrationID string `xml:"registrationId"`
	Status         string `xml:"status"`
}

// PasswordBody is the body of a VerifyPasswordRequest; no origin is "".
func PasswordBody(login, password, origin string) string {
	body := "<r:VerifyPasswordRequest>" + element("login", login) + element("password", password)
	if origin != "" {
		body += element("origin", origin)
	}
	return body + "</r:VerifyPasswordRequest>"
}

// VerifyPassword is VerifyPassword.
func (s *Service) VerifyPassword(ctx context.Context, login, password, origin string) (Verdict, error) {
	rep, err := s.call(ctx, PasswordBody(login, password, origin))
	if err != nil {
		return Verdict{}, err
	}
	if rep.Body.Password == nil {
		return Verdict{}, errors.New("an answer without a VerifyPasswordResponse")
	}
	return *rep.Body.Password, nil
}
