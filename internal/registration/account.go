package registration

import "time"

// Status is where an account stands.
type Status string

const (
	// PendingVerification means that the account exists and its e-mail address has not been shown to be its owner's.
	PendingVerification Status = "PENDING_VERIFICATION"
	// Active means that the account may be used.
	Active Status = "ACTIVE"
)

// Account is what a person signs in with. Times are UTC, to the microsecond,
// which is what every supported database keeps.
type Account struct {
	ID           ID
	Caller       string   // the system that registered it; "" where callers are not authenticated
	ExternalID   string   // that system's own key for it, unique per caller; "" for none
	Username     Username // unique by its canonical key
	Email        Email    // unique by its canonical key; without Text for somebody who was imported without one
	Mobile       Mobile   // "" for none
	PasswordHash string   // PHC or modular crypt string; never leaves the store but to be verified
	Status       Status
	RegisteredAt time.Time
	// When a contact was shown to be its owner's; zero for not yet.
	EmailVerifiedAt  time.Time
	MobileVerifiedAt time.Time
}

// channels are those of the account's contacts.
func (a Account) channels() []Channel {
	var all []Channel
	if a.Email.Text != "" {
		all = append(all, EmailChannel)
	}
	if a.Mobile != "" {
		all = append(all, SMSChannel)
	}
	return all
}

// Profile is what is known of the person beside what they sign in with.
type Profile struct {
	FirstName        string // "" for none; at most 30 characters
	LastName         string // "" for none; at most 30 characters
	Locale           string // a BCP 47 tag in canonical form; the configured default where the request named none
	MarketingConsent bool
}

// Record is what a requestId leads to: the reply that was given, and what it
// takes to tell a repeated request from another one under the same key.
type Record struct {
	AccountID    ID
	Fingerprint  [32]byte // over the request without its password; see Request.fingerprint
	PasswordHash string   // the account's, to compare the repeated password with
	Status       Status   // as it was replied
	Locale       string   // the reply's message is in it
	RegisteredAt time.Time
}

// Registration is all that one Register stores, in one transaction.
type Registration struct {
	Account       Account
	Profile       Profile
	RequestID     string // "" where the caller sent none
	Fingerprint   [32]byte
	Codes         []CodeSending  // a code for each contact that is to be verified
	Notifications []Notification // others
	Events        []Event
	Audit         AuditEntry
	// Phantom, if not nil, is stored in the place of all the others where the
	// e-mail address is taken, and so is told nobody: see Service.phantom.
	Phantom *Registration
}

// Details is all that may be told of a registration: never its password hash.
type Details struct {
	Account       Account // PasswordHash is empty
	Profile       Profile
	Notifications []Notification // in the order of their creation
}
