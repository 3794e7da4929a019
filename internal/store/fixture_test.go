package store_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/registration"
	"registrar/internal/store"
)

func newID() registration.ID { return registration.ID(uuid.Must(uuid.NewV7())) }

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// person makes a registration whose keys nobody else has.
func person(change ...func(*registration.Registration)) registration.Registration {
	id, at := newID(), now()
	name := fmt.Sprintf("u%x-%x", id[10:], rand.Uint64())
	r := registration.Registration{
		Account: registration.Account{
			ID: id, Caller: "portal", ExternalID: "crm-" + name,
			Username: registration.Username{Text: name, Key: name},
			Email:    registration.Email{Text: name + "@example.org", Key: name + "@example.org"},
			Mobile:   "+966512345678", PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG4KCmUaYUGAs",
			Status: registration.PendingVerification, RegisteredAt: at,
		},
		Profile:     registration.Profile{FirstName: "Nadia", LastName: "Ångström", Locale: "en", MarketingConsent: true},
		RequestID:   "req-" + name,
		Fingerprint: sha256.Sum256(id[:]),
	}
	for _, n := range []registration.Notification{{Channel: registration.EmailChannel, Recipient: r.Account.Email.Text}, {Channel: registration.SMSChannel, Recipient: string(r.Account.Mobile)}} {
		n.ID, n.AccountID, n.Kind, n.Locale = newID(), id, registration.RegistrationCompleted, "en"
		n.CreatedAt, n.UpdatedAt, n.Deadline = at, at, at.Add(72*time.Hour)
		n.TraceParent, n.State = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", registration.Queued
		r.Notifications = append(r.Notifications, n)
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func create(t testing.TB, db *store.DB, r registration.Registration) registration.Registration {
	t.Helper()
	if _, err := db.Accounts().Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}
