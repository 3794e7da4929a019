package transfer

import (
	"crypto/rand"
	"fmt"
	"time"

	"registrar/internal/registration"
)

// IDAt makes a UUIDv7 (RFC 9562 section 5.7) of a time, to the millisecond, so
// that the rows of people who registered one after the other are near each other
// in the store, as they are of those who register now.
func IDAt(at time.Time) registration.ID {
	var id registration.ID
	_, _ = rand.Read(id[:]) // never fails: it ends the program instead
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	const version, variant = 0x70, 0x80
	id[6] = id[6]&0x0f | version
	id[8] = id[8]&0x3f | variant
	return id
}

// candidates maps rows, and fixes the ids of the people before anything is stored.
func (r *run) candidates(rows []Row) []Candidate {
	now := r.now()
	all := make([]Candidate, len(rows))
	for i, row := range rows {
		c := Candidate{Mapped: r.Mapper.Map(row), Row: row}
		if !c.Refused() {
			a := &c.Person.Account
			if a.RegisteredAt.IsZero() {
				a.RegisteredAt = now
			}
			a.ID = IDAt(a.RegisteredAt)
		}
		all[i] = c
	}
	return all
}

// compose makes all that is stored of somebody.
func (r *run) compose(m Mapped) (registration.Registration, error) {
	reg := registration.Registration{Account: m.Person.Account, Profile: m.Person.Profile}
	a := &reg.Account
	a.Email.Key = EmailKey(*a)
	if r.News.Events {
		id, err := r.NewID()
		if err != nil {
			return reg, fmt.Errorf("transfer: %w", err)
		}
		reg.Events = []registration.Event{{
			ID: id, Type: registration.EventRegistrationCreated, AccountID: a.ID, At: r.now(), Caller: a.Caller, ExternalID: a.ExternalID, Status: a.Status,
		}}
	}
	if !r.News.Notify || a.Status != registration.Active {
		return reg, nil
	}
	for _, contact := range []struct {
		channel    registration.Channel
		recipient  string
		verifiedAt time.Time
	}{
		{registration.EmailChannel, a.Email.Mailbox, a.EmailVerifiedAt},
		{registration.SMSChannel, string(a.Mobile), a.MobileVerifiedAt},
	} {
		if contact.recipient == "" || contact.verifiedAt.IsZero() {
			continue
		}
		id, err := r.NewID()
		if err != nil {
			return reg, fmt.Errorf("transfer: %w", err)
		}
		now := r.now()
		reg.Notifications = append(reg.Notifications, registration.Notification{
			ID: id, AccountID: a.ID, Kind: registration.RegistrationCompleted, Channel: contact.channel, Recipient: contact.recipient, Locale: reg.Profile.Locale,
			CreatedAt: now, Deadline: now.Add(r.News.Life), State: registration.Queued, UpdatedAt: now,
		})
	}
	return reg, nil
}
