package registration

import (
	"context"
	"time"
)

// ResendRequest is what a caller asks ResendCode for.
type ResendRequest struct {
	RegistrationID string
	Channel        Channel
	TraceParent    string
	Call           Call
	Caller         string
	// EnumerationSafe: the caller finds its own registrations alone.
	EnumerationSafe bool
}

// Resent is the answer to ResendCode.
type Resent struct {
	Locale       string // of the person, for the message
	ExpiresAt    time.Time
	NextResendAt time.Time
}

// resendTooSoon is told within the cooldown.
func resendTooSoon(wait time.Duration) error {
	err := NewError(ResendTooSoon, "A code was sent a moment ago. Ask for the next one later.")
	err.RetryAfter = wait
	return err
}

// CodesUsedUp is what a store says when a recipient has had its codes of the
// day; after the time that it gives there are some again.
func CodesUsedUp(wait time.Duration) error {
	err := NewError(ResendTooSoon, "Too many codes were sent to this recipient today. Ask for the next one later.")
	err.RetryAfter = wait
	return err
}

// Resend sends the code of a contact again: the same one while it can be used,
// else a new one. Where none was sent before, as to people whom their caller
// registered in silence, it is the first. Errors are *Error: VALIDATION_FAILED,
// also for a contact that is verified, NOT_FOUND, RESEND_TOO_SOON with
// RetryAfter, UNAVAILABLE, INTERNAL.
func (s *Service) Resend(ctx context.Context, r ResendRequest) (Resent, error) {
	id, err := contactID(r.RegistrationID, r.Channel)
	if err != nil {
		return Resent{}, err
	}
	m, err := s.moment(r.Call, r.TraceParent, 2)
	if err != nil {
		return Resent{}, err
	}
	another, err := s.Codes.New(id, r.Channel)
	if err != nil {
		return Resent{}, WrapError(Internal, "The service could not make a code.", err)
	}
	var (
		change ContactChange
		resent Resent
	)
	err = s.Store.ChangeContact(ctx, id, r.Channel, m.next(), func(c Contact) (ContactChange, error) {
		if r.EnumerationSafe && c.Account.Caller != r.Caller {
			return ContactChange{}, ErrNotFound
		}
		if c.Done {
			change, resent = ContactChange{}, Resent{Locale: c.Profile.Locale, ExpiresAt: c.Code.ExpiresAt, NextResendAt: c.Code.ResendAt}
			return change, nil
		}
		var err error
		change, err = s.sendAgain(c, another, m)
		resent = Resent{Locale: c.Profile.Locale, ExpiresAt: change.Code.ExpiresAt, NextResendAt: change.Code.ResendAt}
		return change, err
	})
	if err != nil {
		return Resent{}, unavailable(ctx, err)
	}
	s.Announcer.Announce(change.Notifications)
	return resent, nil
}

// sendAgain is what becomes of a contact whose code is asked for. another is
// for where the one that there is cannot be used any more.
func (s *Service) sendAgain(c Contact, another OneTimeCode, m moment) (ContactChange, error) {
	switch {
	case !c.exists():
		return ContactChange{}, errNoContact
	case !c.verifiedAt().IsZero():
		return ContactChange{}, NewError(ValidationFailed, "This contact is verified already.", FieldError{"channel", "ALREADY_VERIFIED", "names a contact that is verified already"})
	case c.Code.exists() && m.at.Before(c.Code.ResendAt):
		return ContactChange{}, resendTooSoon(c.Code.ResendAt.Sub(m.at))
	}
	code := c.Code
	if !code.exists() || !m.at.Before(code.ExpiresAt) || code.Attempts >= s.CodeRules.Attempts || code.Sealed == nil {
		code = s.issued(another, m.at)
	}
	code.ResendAt = m.at.Add(s.CodeRules.Cooldown)
	recipient, key, err := s.recipient(c.Account, c.Channel)
	if err != nil {
		return ContactChange{}, err
	}
	kind, quota := VerificationCode, s.quota(c.Channel, key)
	if c.isPhantom() {
		kind, quota = AlreadyRegistered, s.noticeQuota(key)
	}
	return ContactChange{
		Code: code, At: m.at, Quota: quota, Supersedes: true,
		Notifications: []Notification{m.notification(c.Account.ID, kind, c.Channel, recipient, c.Profile.Locale, code.ExpiresAt)},
	}, nil
}

// issued is a new code from now on.
func (s *Service) issued(c OneTimeCode, now time.Time) OneTimeCode {
	c.IssuedAt, c.ExpiresAt, c.ResendAt = now, now.Add(s.CodeRules.Life), now.Add(s.CodeRules.Cooldown)
	return c
}

func (s *Service) quota(channel Channel, key string) CodeQuota {
	return CodeQuota{Recipient: s.Codes.Recipient(channel, key), DailyCap: s.CodeRules.DailyCap}
}
