package person

import (
	"context"
	"fmt"
	"time"

	"registrar/internal/audit"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Holding is all that is held of an account, but its password's hash and what
// the audit log says.
type Holding struct {
	Account       registration.Account // PasswordHash is empty
	Profile       registration.Profile
	Requests      []Request
	Codes         []registration.OneTimeCode // without what they are known by
	Notifications []Notification             // in the order of their creation
	Suppressions  []suppression.Suppression
	Events        []Event
}

// Request is a request id under which the person was registered.
type Request struct {
	ID string
	At time.Time
}

// Notification is a message to the person, with its history.
type Notification struct {
	registration.Notification
	Campaign string // its name; "" for none
	Reason   string // of its state
	Attempts []Attempt
	Inbox    *InboxMessage // in the local inbox; nil for none
}

// Attempt is one attempt to send it.
type Attempt struct {
	Number      int
	State       registration.State
	Provider    string
	ProviderRef string
	Reason      string
	At          time.Time
}

// InboxMessage is a message as the local inbox has it.
type InboxMessage struct {
	To, Name, Subject, Text, HTML string
	At                            time.Time
}

// Event is an event that no broker has yet.
type Event struct {
	ID   registration.ID
	Type string
	At   time.Time
	Data []byte // JSON
}

// Exported is what is held of a registration, with the entries of the audit log
// that name it.
type Exported struct {
	Holding
	Audit []audit.Sealed
}

// Export gives all that is held of the people that a key names, and notes in the
// audit log that it did. Errors: registration.ErrNotFound,
// registration.ErrUnavailable.
func (s *Service) Export(ctx context.Context, key registration.Key) ([]Exported, error) {
	accounts, err := s.Store.Find(ctx, key)
	if err != nil {
		return nil, err
	}
	var all []Exported
	for _, a := range accounts {
		id, err := s.NewID()
		if err != nil {
			return nil, fmt.Errorf("person: %w", err)
		}
		// First the entry: nobody reads what is not noted.
		err = s.Audit.Append(ctx, audit.Entry{
			ID: id, At: s.Now().UTC().Truncate(time.Microsecond), Action: audit.Export, Outcome: registration.AuditOK,
			Caller: a.Caller, AccountID: a.ID, ExternalID: a.ExternalID, Detail: s.By,
		})
		if err != nil {
			return nil, err
		}
		held, err := s.Store.Held(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		exported := Exported{Holding: held}
		err = audit.Each(ctx, s.Audit, audit.Filter{AccountID: a.ID}, func(e audit.Sealed) error {
			exported.Audit = append(exported.Audit, e)
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, exported)
	}
	return all, nil
}
