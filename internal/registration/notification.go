package registration

import "time"

// Channel is the way by which a notification reaches a person.
type Channel string

// The channels.
const (
	EmailChannel Channel = "EMAIL"
	SMSChannel   Channel = "SMS"
)

// Kind says what a notification is about; templates and priorities go by it.
type Kind string

// The kinds.
const (
	// VerificationCode brings a one-time code to the contact that it verifies.
	VerificationCode Kind = "VERIFICATION_CODE"
	// AlreadyRegistered tells the owner of an account that somebody has tried to
	// register with its e-mail address, in the place of the VerificationCode that
	// a free address would have been sent. Callers are told that it is one.
	AlreadyRegistered Kind = "ALREADY_REGISTERED"
	// RegistrationCompleted tells a person that their account may be used.
	RegistrationCompleted Kind = "REGISTRATION_COMPLETED"
	// CampaignMessage is marketing, to those who consented to it.
	CampaignMessage Kind = "CAMPAIGN"
)

// State is where the ledger has a notification.
//
//	QUEUED -> CLAIMED -> SENDING -> ACCEPTED -> DELIVERED
//	                             -> QUEUED (to be tried again), FAILED, EXPIRED, UNKNOWN
type State string

// The states, in the order in which a notification may pass through them.
const (
	Queued    State = "QUEUED"    // waiting for its time and for a notifier
	Claimed   State = "CLAIMED"   // a notifier holds it under a lease; nothing has left yet
	Sending   State = "SENDING"   // a provider may have it; only its answer is missing
	Accepted  State = "ACCEPTED"  // a provider has taken it over
	Delivered State = "DELIVERED" // it is known to have arrived
	Failed    State = "FAILED"    // refused for good
	Expired   State = "EXPIRED"   // its deadline passed before a provider took it
	Unknown   State = "UNKNOWN"   // may have been sent; may not be sent again
)

// Settled says whether nothing more is to be done for a notification in state s.
// ACCEPTED is settled: from there it is the provider's.
func (s State) Settled() bool {
	switch s {
	case Accepted, Delivered, Failed, Expired, Unknown:
		return true
	default:
		return false
	}
}

// Notification is one message to one person by one channel.
type Notification struct {
	ID          ID
	AccountID   ID
	Kind        Kind
	Channel     Channel
	Recipient   string    // an e-mail address or an E.164 number, by Channel
	Locale      string    // BCP 47
	CreatedAt   time.Time // UTC, to the microsecond
	Deadline    time.Time // after it the notification is dropped as Expired, not sent
	TraceParent string    // W3C Trace Context of the request that caused it; "" for none
	CampaignID  ID        // zero for none

	// What the ledger says of it; set when read back.
	State     State
	Attempts  int       // how many times it was claimed
	UpdatedAt time.Time // of State
}
