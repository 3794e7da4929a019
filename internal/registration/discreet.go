package registration

import (
	"slices"
	"strings"
)

// PhantomKeys begins the canonical keys of all phantoms. No address and no user
// name has a space in its key.
const PhantomKeys = "phantom "

// Phantom says whether the account was stored under an address that belongs to
// another one already. It can be found by its id, its user name and its
// external id, and by its address never; nor does it become ACTIVE.
func (a Account) Phantom() bool { return a.Email.Key == a.phantomKey() }

func (a Account) phantomKey() string { return PhantomKeys + a.ID.String() }

// phantom is what is stored in the place of reg where its address is taken, for
// callers who are not to be told: the same rows with the same ids, so that every
// later answer about them is what it would have been, but that
//
//   - the address's key, and the user name's where that is the address, is one
//     that nobody can ask for or has;
//   - the mail goes to the owner of the account and says so, in the place of a
//     code, and counts against an allowance of such mails alone: strangers
//     cannot use up the codes of the owner;
//   - other systems are told of a refused registration, and of no account.
func (s *Service) phantom(reg Registration, m *moment) *Registration {
	p := reg
	key := reg.Account.Email.Key
	p.Account.Email.Key = reg.Account.phantomKey()
	if strings.ContainsRune(reg.Account.Username.Key, '@') {
		p.Account.Username.Key = p.Account.Email.Key
	}
	p.Codes = slices.Clone(reg.Codes)
	for i := range p.Codes {
		if c := &p.Codes[i]; c.Code.Channel == EmailChannel {
			c.Notification.Kind, c.Quota = AlreadyRegistered, s.noticeQuota(key)
		}
	}
	refused := m.event(EventRegistrationRefused, Account{Caller: reg.Account.Caller, ExternalID: reg.Account.ExternalID})
	refused.Refusal = EmailTaken
	p.Events = s.happened(refused)
	p.Audit.Outcome = string(EmailTaken)
	return &p
}

// noticeQuota is of the mails that tell the owner of an address of attempts to
// register with it.
func (s *Service) noticeQuota(key string) CodeQuota { return s.quota(EmailChannel, PhantomKeys+key) }

// isPhantom says whether the contact is the address of a phantom, which cannot
// be verified. Its number can.
func (c Contact) isPhantom() bool { return c.Channel == EmailChannel && c.Account.Phantom() }

// concealPhantom shows notifications to callers as they would be without
// phantoms.
func (d *Details) concealPhantom() {
	d.Notifications = slices.Clone(d.Notifications)
	for i := range d.Notifications {
		if n := &d.Notifications[i]; n.Kind == AlreadyRegistered {
			n.Kind = VerificationCode
		}
	}
}

// errAddressLookup is for callers who are not to learn which addresses have an
// account. One address may name any number of their registrations, of which at
// most one is real: which one, or whether any, is what they are not told.
var errAddressLookup = NewError(Forbidden, "This caller may not look up registrations by e-mail address. Ask by registrationId, externalId, or a user name that is no address.")

// isAddress says whether the login is an e-mail address.
func (l Login) isAddress() bool { return strings.ContainsRune(l.Email, '@') }

// isAddress says whether the key is an e-mail address, as a user name may be.
func (k Key) isAddress() bool { return k.Email != "" || strings.ContainsRune(k.Username, '@') }
