package registration

import "time"

// EventType says what happened, in the past tense of the field.
type EventType string

// What happens to registrations.
const (
	EventRegistrationCreated   EventType = "registration.created"   // the account exists
	EventRegistrationRefused   EventType = "registration.refused"   // a well-formed request was turned down
	EventRegistrationCompleted EventType = "registration.completed" // the account is ACTIVE
	EventContactVerified       EventType = "contact.verified"       // an address or a number is its owner's
	EventRegistrationErased    EventType = "registration.erased"    // the person was erased: forget what you have of them
)

// Event is something that happened to a registration, for other systems. It
// tells keys and no personal data: whoever may know more asks by the keys.
type Event struct {
	ID          ID
	Type        EventType
	AccountID   ID // zero for a refused registration
	At          time.Time
	TraceParent string
	Caller      string
	ExternalID  string
	Status      Status  // of an account that was created or completed
	Channel     Channel // of a contact
	Refusal     Code    // of a refused registration
}
