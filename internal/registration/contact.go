package registration

import (
	"errors"
	"slices"
	"time"
)

// Contact is an address or a number of an account, with its code.
type Contact struct {
	Account Account // PasswordHash is empty
	Profile Profile
	Channel Channel
	Code    OneTimeCode // zero where none was made
	// Done: what this call has to change is changed already, by an earlier
	// attempt of which nobody was told.
	Done bool
}

// outcome is what a try that was counted already came to.
func (c Contact) outcome() (Verified, error) {
	if at := c.verifiedAt(); !at.IsZero() {
		return Verified{Status: c.Account.Status, VerifiedAt: at}, nil
	}
	return Verified{}, errCodeInvalid
}

// exists says whether the account has such a contact.
func (c Contact) exists() bool {
	return slices.Contains(c.Account.channels(), c.Channel)
}

// verifiedAt is when the contact was shown to be its owner's; zero for not yet.
func (c Contact) verifiedAt() time.Time {
	if c.Channel == SMSChannel {
		return c.Account.MobileVerifiedAt
	}
	return c.Account.EmailVerifiedAt
}

// ContactChange is what a call does to a contact, all of it in one
// transaction.
type ContactChange struct {
	// Code takes the place of the contact's code. With the zero
	// OneTimeCode nothing at all is changed; what is zero of the rest stays as it is.
	Code OneTimeCode
	At   time.Time
	// Quota is reserved for one sending, or nothing is changed at all.
	Quota      CodeQuota
	VerifiedAt time.Time // of the contact from now on
	Status     Status    // of the account from now on
	// Supersedes: codes for this contact that are still QUEUED are withheld.
	Supersedes    bool
	Notifications []Notification
	Events        []Event
	Audit         AuditEntry
}

// contactID reads what names a contact.
func contactID(registrationID string, channel Channel) (ID, error) {
	id, err := ParseID(registrationID)
	switch {
	case err != nil:
		return ID{}, NewError(ValidationFailed, "The request is not valid.", FieldError{"registrationId", "UUID", "is not a UUID in its 36-character form"})
	case channel != EmailChannel && channel != SMSChannel:
		return ID{}, NewError(ValidationFailed, "The request is not valid.", FieldError{"channel", "ENUMERATION", "is neither EMAIL nor SMS"})
	default:
		return id, nil
	}
}

var errMailbox = errors.New("registration: the account's e-mail address cannot be read any more")

// recipient is where a message to a contact goes, and its canonical key. An
// account that was read back from the store does not tell the mailbox: see
// Email.
func (s *Service) recipient(a Account, channel Channel) (recipient, key string, err error) {
	if channel == SMSChannel {
		return string(a.Mobile), string(a.Mobile), nil
	}
	if a.Email.Mailbox != "" {
		return a.Email.Mailbox, a.Email.Key, nil
	}
	email, wrong := ParseEmail(a.Email.Text, s.Rules.DomainToASCII)
	if wrong != nil {
		return "", "", WrapError(Internal, "The service failed.", errMailbox)
	}
	if a.Phantom() {
		return email.Mailbox, email.Key, nil
	}
	return email.Mailbox, a.Email.Key, nil
}
