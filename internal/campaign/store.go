package campaign

import (
	"context"
	"time"

	"registrar/internal/lease"
	"registrar/internal/registration"
)

// Store keeps the campaigns, and knows the accounts.
type Store interface {
	// Create stores a new campaign. Errors: ErrExists.
	Create(ctx context.Context, c Campaign) error
	// Campaign gives one by its name. Errors: ErrUnknown.
	Campaign(ctx context.Context, name string) (Campaign, error)
	// Campaigns gives all of them, the newest first.
	Campaigns(ctx context.Context) ([]Campaign, error)
	// Change applies change to a campaign as it now is. Only what changes of
	// state set is stored. change may run several times; its error is given
	// back. Errors: ErrUnknown.
	Change(ctx context.Context, name string, change func(*Campaign) error) (Campaign, error)
	// Progress counts a campaign's notifications by their state.
	Progress(ctx context.Context, id registration.ID) (map[registration.State]int, error)
	// CountAccounts counts all accounts.
	CountAccounts(ctx context.Context) (int, error)

	// Accounts gives the next accounts in the order of their ids, after one,
	// up to limit, as candidates for a channel.
	Accounts(ctx context.Context, channel registration.Channel, after registration.ID, limit int) ([]Candidate, error)
	// Histories sets Suppressed and Recent of candidates. Recent counts what is
	// queued or was sent since a time; the zero time asks for none.
	Histories(ctx context.Context, channel registration.Channel, candidates []*Candidate, since time.Time) error
}

// FeederStore is what the Feeder needs beside.
type FeederStore interface {
	Store
	// Open gives the campaigns that there is something to do for: RUNNING,
	// RESUMING and CANCELLING ones, the oldest first.
	Open(ctx context.Context) ([]Campaign, error)
	// Feed stores a step of a campaign and the notifications that it makes, or
	// nothing: only while the campaign is RUNNING, is as c has it and the lease
	// is held. Errors: ErrOvertaken, lease.ErrLost.
	Feed(ctx context.Context, under lease.Lease, c Campaign, s Step) (Campaign, error)
	// Sweep goes on over the notifications of a campaign, up to limit of them,
	// in the order of their ids: of a RESUMING one it makes due again what has
	// waited, and after the last it is RUNNING; of a CANCELLING one it drops
	// what is queued, and after the last it is CANCELLED; of a RUNNING one it
	// passes over what is settled, and after the last, if it is fed, it is
	// DONE. n is how many it passed over. Errors: ErrOvertaken, lease.ErrLost.
	Sweep(ctx context.Context, under lease.Lease, c Campaign, now time.Time, limit int) (after Campaign, n int, err error)
	// Unsettled counts the campaign messages, of all campaigns, that are not
	// settled.
	Unsettled(ctx context.Context) (int, error)
}

// Step is how far the Feeder has come by one transaction.
type Step struct {
	Position registration.ID // the last account of the step; zero where there is none
	LookedAt int
	Excluded map[Exclusion]int
	Chosen   []Message
	FedAt    time.Time // where it is the last step; else zero
}

// Message is a notification and when it is due.
type Message struct {
	registration.Notification
	DueAt time.Time // zero for at once
}
