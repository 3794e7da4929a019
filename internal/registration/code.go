package registration

import "time"

// OneTimeCode is the code of a contact, as it is kept. There is at most one
// for a contact; the next one takes its place.
type OneTimeCode struct {
	AccountID ID
	Channel   Channel
	Issue     ID       // new with each code, so that nothing made for one is good for another
	MAC       [32]byte // what the code is known by, under a key that is not in the database
	// Sealed is the code's text under a key that is not in the database, so
	// that it can be sent again; nil once it is not to be sent any more.
	Sealed    []byte
	Attempts  int // tries to enter it
	IssuedAt  time.Time
	ExpiresAt time.Time
	ResendAt  time.Time // before it the code is not sent again
	UsedAt    time.Time // zero for not used
}

// exists says whether there is a code.
func (c OneTimeCode) exists() bool { return !c.Issue.IsZero() }

// Codes makes one-time codes and knows them again, under keys that are not in
// the database.
type Codes interface {
	// New draws a code for a contact. AccountID, Channel, Issue, MAC and Sealed
	// are set. Errors are those of the machine's entropy.
	New(account ID, channel Channel) (OneTimeCode, error)
	// Is says whether text is the code, in a time that does not tell how much
	// of it is right.
	Is(c OneTimeCode, text string) bool
	// Recipient is the keyed hash by which the codes to a recipient are
	// counted. key is the canonical e-mail address or the E.164 number.
	Recipient(channel Channel, key string) [32]byte
}

// CodeRules bound what can be done with one-time codes.
type CodeRules struct {
	Life     time.Duration // of a code
	Attempts int           // tries to enter one code, the right one too
	Cooldown time.Duration // between two sendings to one contact
	DailyCap int           // sendings to one recipient a day (UTC), over all accounts
}

// CodeSending is a code on its way to a recipient.
type CodeSending struct {
	Code         OneTimeCode
	Notification Notification
	Quota        CodeQuota
}

// CodeQuota is what a sending counts against.
type CodeQuota struct {
	Recipient [32]byte // see Codes.Recipient
	DailyCap  int
}
