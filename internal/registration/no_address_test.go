package registration_test

import (
	"errors"
	"testing"
	"time"

	"registrar/internal/registration"
)

// TestWithoutAddress: an account that was imported without an e-mail address has
// no such contact, and is ACTIVE once its number is its owner's.
func TestWithoutAddress(t *testing.T) {
	for name, mobile := range map[string]registration.Mobile{"with a number": "+966512345678", "with nothing": ""} {
		t.Run(name, func(t *testing.T) {
			s, store, news := service(t)
			receipt, err := s.Register(t.Context(), registration.Request{Username: "amina", Email: "amina@example.com", Password: rightPassword, Silent: true})
			if err != nil {
				t.Fatal(err)
			}
			a := &store.accounts[0].Account
			a.Email, a.Mobile = registration.Email{Key: a.ID.String()}, mobile
			id := receipt.ID.String()
			for channel, there := range map[registration.Channel]bool{registration.EmailChannel: false, registration.SMSChannel: mobile != ""} {
				_, resend := s.Resend(t.Context(), registration.ResendRequest{RegistrationID: id, Channel: channel})
				_, verify := s.Verify(t.Context(), registration.VerifyRequest{RegistrationID: id, Channel: channel, Code: "000000"})
				if none := errors.Is(resend, registration.ErrNotFound) && errors.Is(verify, registration.ErrNotFound); none == there {
					t.Errorf("%s: %v, %v", channel, resend, verify)
				}
			}
			if mobile == "" {
				return
			}
			later := now.Add(time.Minute)
			s.Now = func() time.Time { return later }
			code := plainCode(store.codes[contactKey{receipt.ID, registration.SMSChannel}])
			v, err := s.Verify(t.Context(), registration.VerifyRequest{RegistrationID: id, Channel: registration.SMSChannel, Code: code})
			if err != nil || v.Status != registration.Active {
				t.Fatalf("%+v, %v", v, err)
			}
			last := news.all[len(news.all)-1]
			if len(news.all) != 2 || last.Kind != registration.RegistrationCompleted || last.Channel != registration.SMSChannel {
				t.Errorf("told %+v", news.all)
			}
			d, err := s.Details(t.Context(), registration.Lookup{Username: "amina"})
			if err != nil || d.Account.Email.Text != "" || d.Account.Status != registration.Active {
				t.Errorf("%+v, %v", d.Account, err)
			}
		})
	}
}

// TestLoginByAnID: what stands for the address of somebody who has none is no login.
func TestLoginByAnID(t *testing.T) {
	s, l := loginService(t)
	a := &l.accounts[0].Account
	a.Email = registration.Email{Key: a.ID.String()}
	if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: a.ID.String(), Password: rightPassword}); err != nil || v.Valid {
		t.Errorf("got %+v, %v", v, err)
	}
	if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword}); err != nil || !v.Valid {
		t.Errorf("got %+v, %v", v, err)
	}
}
