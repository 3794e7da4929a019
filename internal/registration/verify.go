package registration

import (
	"context"
	"time"
)

// VerifyRequest is what a caller asks VerifyContact for.
type VerifyRequest struct {
	RegistrationID string
	Channel        Channel
	Code           string
	TraceParent    string
	Call           Call
	Silent         bool // the news that the registration is complete is sent to nobody
	Caller         string
	// EnumerationSafe: the caller finds its own registrations alone.
	EnumerationSafe bool
}

// Verified is the answer to VerifyContact.
type Verified struct {
	Status     Status    // of the account
	VerifiedAt time.Time // of the contact
}

// What is told of codes.
var (
	errCodeInvalid     = NewError(CodeInvalid, "The code is wrong.")
	errCodeExpired     = NewError(CodeExpired, "There is no code that can still be used. Ask for a new one.")
	errTooManyAttempts = NewError(TooManyAttempts, "The code was tried too often. Ask for a new one.")
)

// Verify takes a code that a person has read in a message, and with the right
// one their contact for verified. The account is ACTIVE once its e-mail is, or,
// where it has no address, its number; the news of that goes to each of its
// contacts. A right code is answered again as it was before. Errors are *Error: VALIDATION_FAILED, NOT_FOUND,
// CODE_INVALID, CODE_EXPIRED, TOO_MANY_ATTEMPTS, UNAVAILABLE, INTERNAL.
//
// A try is counted in the transaction in which the code is looked at, and
// nobody is told of it before that is committed: what was asked at any number
// of servers at once is no more than CodeRules.Attempts tries.
func (s *Service) Verify(ctx context.Context, r VerifyRequest) (Verified, error) {
	id, err := contactID(r.RegistrationID, r.Channel)
	if err != nil {
		return Verified{}, err
	}
	m, err := s.moment(r.Call, r.TraceParent, 6)
	if err != nil {
		return Verified{}, err
	}
	var (
		change   ContactChange
		verified Verified
		refused  error
	)
	err = s.Store.ChangeContact(ctx, id, r.Channel, m.next(), func(c Contact) (ContactChange, error) {
		change, verified, refused = ContactChange{}, Verified{}, nil
		switch {
		case r.EnumerationSafe && c.Account.Caller != r.Caller:
			return change, ErrNotFound
		case !c.exists():
			return change, errNoContact
		}
		if c.Done {
			verified, refused = c.outcome()
			return change, nil
		}
		change, verified, refused = s.judge(ctx, c, r, m)
		return change, nil
	})
	switch {
	case err != nil:
		return Verified{}, unavailable(ctx, err)
	case refused != nil:
		return Verified{}, unavailable(ctx, refused)
	}
	if len(change.Notifications) > 0 {
		s.Announcer.Announce(change.Notifications)
	}
	return verified, nil
}

// judge is what becomes of a contact by one try. refused is told when the
// change is committed. Tries that are counted are in the audit log.
func (s *Service) judge(ctx context.Context, c Contact, r VerifyRequest, m moment) (change ContactChange, v Verified, refused error) {
	verified := !c.verifiedAt().IsZero()
	switch {
	case !c.Code.exists() && !verified:
		return change, v, errCodeExpired
	case verified:
		// There is nothing left to guess, so these tries are not counted.
		if !c.Code.exists() || !s.Codes.Is(c.Code, r.Code) {
			return change, v, errCodeInvalid
		}
		return change, Verified{Status: c.Account.Status, VerifiedAt: c.verifiedAt()}, nil
	case !m.at.Before(c.Code.ExpiresAt):
		return change, v, errCodeExpired
	case c.Code.Attempts >= s.CodeRules.Attempts:
		return change, v, errTooManyAttempts
	}
	change.Code, change.At = c.Code, m.at
	change.Code.Attempts++
	change.Audit = s.entry(ctx, &m, AuditVerifyContact, c.Account)
	change.Audit.Detail = "channel=" + string(c.Channel)
	if !s.Codes.Is(c.Code, r.Code) || c.isPhantom() {
		if change.Code.Attempts >= s.CodeRules.Attempts {
			change.Code.Sealed = nil // nobody can use it any more
		}
		change.Audit.Outcome = string(CodeInvalid)
		return change, v, errCodeInvalid
	}
	change.Code.UsedAt, change.Code.Sealed = m.at, nil
	change.VerifiedAt, change.Supersedes = m.at, true
	if !c.Account.Phantom() {
		change.Events = s.happened(m.contactVerified(c.Account, c.Channel))
	}
	status := c.Account.Status
	if (c.Channel == EmailChannel || c.Account.Email.Text == "") && status != Active {
		status, change.Status = Active, Active
		c.Account.Status = Active
		change.Events = append(change.Events, s.happened(m.event(EventRegistrationCompleted, c.Account))...)
		if !r.Silent {
			change.Notifications, refused = s.news(&m, c.Account, c.Profile.Locale)
		}
		if refused != nil {
			return ContactChange{}, v, refused
		}
	}
	return change, Verified{Status: status, VerifiedAt: m.at}, nil
}
