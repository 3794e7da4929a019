package harness

import (
	"context"
	"errors"
	"regexp"
	"slices"
)

// Verified is a VerifyContactResponse.
type Verified struct {
	Status     string `xml:"status"`
	VerifiedAt string `xml:"verifiedAt"`
}

// Resent is a ResendCodeResponse.
type Resent struct {
	Message      string `xml:"message"`
	ExpiresAt    string `xml:"expiresAt"`
	NextResendAt string `xml:"nextResendAt"`
}

// VerifyBody is the body of a VerifyContactRequest.
func VerifyBody(registrationID, channel, code string) string {
	return "<r:VerifyContactRequest>" + element("registrationId", registrationID) + element("channel", channel) + element("code", code) + "</r:VerifyContactRequest>"
}

// Verify is VerifyContact.
func (s *Service) Verify(ctx context.Context, registrationID, channel, code string) (Verified, error) {
	rep, err := s.call(ctx, VerifyBody(registrationID, channel, code))
	if err != nil {
		return Verified{}, err
	}
	if rep.Body.Verify == nil {
		return Verified{}, errors.New("an answer without a VerifyContactResponse")
	}
	return *rep.Body.Verify, nil
}

// Resend is ResendCode.
func (s *Service) Resend(ctx context.Context, registrationID, channel string) (Resent, error) {
	rep, err := s.call(ctx, "<r:ResendCodeRequest>"+element("registrationId", registrationID)+element("channel", channel)+"</r:ResendCodeRequest>")
	if err != nil {
		return Resent{}, err
	}
	if rep.Body.Resend == nil {
		return Resent{}, errors.New("an answer without a ResendCodeResponse")
	}
	return *rep.Body.Resend, nil
}

// digits are those of a code in the text of a message.
var digits = regexp.MustCompile(`\b[0-9]{6}\b`)

// CodeIn is the code in a message's text, "" for none.
func CodeIn(text string) string { return digits.FindString(text) }

// Codes are those in the inbox for an address or a number, in the order in
// which they came.
func (s *Service) Codes(ctx context.Context, to string) ([]string, error) {
	inbox, err := s.Inbox(ctx)
	if err != nil {
		return nil, err
	}
	var codes []string
	for _, m := range slices.Backward(inbox) {
		if len(m.To) != 1 || m.To[0].Address != to {
			continue
		}
		text, err := s.Text(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		if code := CodeIn(text); code != "" {
			codes = append(codes, code)
		}
	}
	return codes, nil
}
