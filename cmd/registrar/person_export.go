package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/person"
	"registrar/internal/registration"
)

func exportPersonCommand() *cobra.Command {
	var who whoFlags
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all that is held of a person",
		Long: `Writes a JSON document with all that is held of a person: account and profile,
records of requests, messages with their history and texts in the local inbox,
campaigns that chose them, reasons for which nothing is sent to them, events that
are still in the database, and the audit log's entries. The hash of the password is not in it,
nor is what codes are known by: they say nothing of a person.

Registrations that an enumeration-safe caller has made with the same address are in
it too. The document holds addresses, numbers and names: write it where only the
person will read it.`,
		Example: `  registrar person export --email amina@example.com > amina.json
  registrar person export --external-id portal 4711 | jq '.registrations[].notifications[].state'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := who.key(cmd.Flags(), args)
			if err != nil {
				return err
			}
			return withPersons(cmd, func(ctx context.Context, s *person.Service) error {
				all, err := s.Export(ctx, key)
				if err != nil {
					return err
				}
				return writeJSON(cmd.OutOrStdout(), viewOfPerson(all, time.Now()))
			})
		},
	}
	who.add(cmd.Flags())
	return cmd
}

// personView is the document.
type personView struct {
	ExportedAt    time.Time          `json:"exported_at"`
	Registrations []registrationView `json:"registrations"`
}

type registrationView struct {
	RegistrationID   string             `json:"registration_id"`
	Caller           string             `json:"caller,omitempty"`
	ExternalID       string             `json:"external_id,omitempty"`
	Username         string             `json:"username"`
	Email            string             `json:"email,omitempty"`
	EmailVerifiedAt  time.Time          `json:"email_verified_at,omitzero"`
	Mobile           string             `json:"mobile,omitempty"`
	MobileVerifiedAt time.Time          `json:"mobile_verified_at,omitzero"`
	FirstName        string             `json:"first_name,omitempty"`
	LastName         string             `json:"last_name,omitempty"`
	Locale           string             `json:"locale"`
	MarketingConsent bool               `json:"marketing_consent"`
	Status           string             `json:"status"`
	RegisteredAt     time.Time          `json:"registered_at"`
	Requests         []requestView      `json:"requests"`
	Codes            []codeView         `json:"codes"`
	Notifications    []heldNotification `json:"notifications"`
	Suppressions     []suppressionView  `json:"suppressions"`
	Events           []heldEvent        `json:"events"`
	Audit            []auditView        `json:"audit"`
}

type requestView struct {
	RequestID string    `json:"request_id"`
	At        time.Time `json:"at"`
}

type codeView struct {
	Channel   registration.Channel `json:"channel"`
	Attempts  int                  `json:"attempts"`
	IssuedAt  time.Time            `json:"issued_at"`
	ExpiresAt time.Time            `json:"expires_at"`
	UsedAt    time.Time            `json:"used_at,omitzero"`
}

type heldNotification struct {
	ID        string               `json:"id"`
	Kind      registration.Kind    `json:"kind"`
	Channel   registration.Channel `json:"channel"`
	Recipient string               `json:"recipient"`
	Locale    string               `json:"locale"`
	Campaign  string               `json:"campaign,omitempty"`
	State     registration.State   `json:"state"`
	Reason    string               `json:"reason,omitempty"`
	CreatedAt time.Time            `json:"created_at"`
	UpdatedAt time.Time            `json:"updated_at"`
	Attempts  []heldAttempt        `json:"attempts"`
	Inbox     *heldMessage         `json:"inbox,omitempty"`
}

type heldAttempt struct {
	Number      int                `json:"attempt"`
	State       registration.State `json:"state"`
	Provider    string             `json:"provider,omitempty"`
	ProviderRef string             `json:"provider_ref,omitempty"`
	Reason      string             `json:"reason,omitempty"`
	At          time.Time          `json:"at"`
}

type heldMessage struct {
	To      string    `json:"to"`
	Name    string    `json:"name,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Text    string    `json:"text"`
	HTML    string    `json:"html,omitempty"`
	At      time.Time `json:"at"`
}

type heldEvent struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	At   time.Time       `json:"at"`
	Data json.RawMessage `json:"data"`
}

func viewOfPerson(all []person.Exported, now time.Time) personView {
	v := personView{ExportedAt: now.UTC()}
	for _, e := range all {
		v.Registrations = append(v.Registrations, viewOfHolding(e))
	}
	return v
}

func viewOfHolding(e person.Exported) registrationView {
	a := e.Account
	v := registrationView{
		RegistrationID: a.ID.String(), Caller: a.Caller, ExternalID: a.ExternalID, Username: a.Username.Text,
		Email: a.Email.Text, EmailVerifiedAt: a.EmailVerifiedAt, Mobile: string(a.Mobile), MobileVerifiedAt: a.MobileVerifiedAt,
		FirstName: e.Profile.FirstName, LastName: e.Profile.LastName, Locale: e.Profile.Locale, MarketingConsent: e.Profile.MarketingConsent,
		Status: string(a.Status), RegisteredAt: a.RegisteredAt,
		Requests: []requestView{}, Codes: []codeView{}, Notifications: []heldNotification{}, Suppressions: viewsOf(e.Suppressions), Events: []heldEvent{}, Audit: []auditView{},
	}
	for _, r := range e.Requests {
		v.Requests = append(v.Requests, requestView{r.ID, r.At})
	}
	for _, c := range e.Codes {
		v.Codes = append(v.Codes, codeView{c.Channel, c.Attempts, c.IssuedAt, c.ExpiresAt, c.UsedAt})
	}
	for _, n := range e.Notifications {
		v.Notifications = append(v.Notifications, viewOfHeld(n))
	}
	for _, event := range e.Events {
		v.Events = append(v.Events, heldEvent{event.ID.String(), event.Type, event.At, event.Data})
	}
	for _, s := range e.Audit {
		v.Audit = append(v.Audit, viewOfEntry(s))
	}
	return v
}

func viewOfHeld(n person.Notification) heldNotification {
	v := heldNotification{
		ID: n.ID.String(), Kind: n.Kind, Channel: n.Channel, Recipient: n.Recipient, Locale: n.Locale, Campaign: n.Campaign,
		State: n.State, Reason: n.Reason, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt, Attempts: []heldAttempt{},
	}
	for _, a := range n.Attempts {
		v.Attempts = append(v.Attempts, heldAttempt(a))
	}
	if n.Inbox != nil {
		message := heldMessage(*n.Inbox)
		v.Inbox = &message
	}
	return v
}
