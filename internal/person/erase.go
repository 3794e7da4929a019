package person

import (
	"context"
	"errors"
	"fmt"
	"time"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// Store is what the Service asks of storage.
type Store interface {
	TombstoneStore
	// Find gives the accounts that a key names: the account, and those that
	// were stored under its address without being told so to their callers.
	// Errors: registration.ErrNotFound, registration.ErrUnavailable.
	Find(ctx context.Context, key registration.Key) ([]registration.Account, error)
	// Bury erases an account with all that there is a bounded number of, in one
	// transaction with its tombstone, its event and its audit entry. Where the
	// external id is not to be kept, further entries tell from which ones of the
	// audit log it was removed. Errors:
	// registration.ErrNotFound when it is gone, registration.ErrUnavailable.
	Bury(ctx context.Context, b Burial) error
	// Unfinished gives the tombstones of people of whom rows may still be there.
	Unfinished(ctx context.Context) ([]Tombstone, error)
	// EraseRest erases up to limit of the notifications of an account that was
	// buried, with all that belongs to them. held is how many a notifier holds at
	// the moment, which are left to it.
	EraseRest(ctx context.Context, account registration.ID, now time.Time, limit int) (erased, held int, err error)
	// Finish notes that nothing of an account is left.
	Finish(ctx context.Context, account registration.ID, now time.Time) error
	// Held gives all that is held of an account. Errors: registration.ErrNotFound,
	// registration.ErrUnavailable.
	Held(ctx context.Context, account registration.ID) (Holding, error)
}

// Burial is the first step of an erasure.
type Burial struct {
	Account   registration.Account
	Tombstone Tombstone
	// KeepOptOuts: reasons for which nothing is sent that are the person's own
	// wish, or an operator's, stay as hashes.
	KeepOptOuts bool
	Event       registration.Event // zero where none are recorded
	Audit       audit.Entry
}

// Service exports and erases.
type Service struct {
	Store Store
	Keys  *Keys
	Audit interface {
		audit.Reader
		// Append writes entries of the audit log.
		Append(ctx context.Context, entries ...audit.Entry) error
	}
	NewID registration.IDSource
	Now   func() time.Time
	// RecordEvents: an erasure is told to other systems.
	RecordEvents bool
	// By is who does it, as an audit entry's Detail.
	By string
}

// Erasure is what is to be erased, and how.
type Erasure struct {
	Key            registration.Key
	KeepExternalID bool // in the tombstone and in the audit log; else a keyed hash of it
	KeepOptOuts    bool
	// Progress, if not nil, is told of what was erased, and what is waited for.
	Progress func(notifications, held int)
}

const (
	// restBatch is how many notifications one transaction erases.
	restBatch = 100
	// heldPause is between two looks at whether notifiers still hold some.
	heldPause = 200 * time.Millisecond
)

// Erase erases the people that a key names, after it has finished the erasures
// that were begun before. It gives the registrations that were erased, those
// that it finished included, also with an error. Errors:
// registration.ErrNotFound, where the key names nobody; registration.ErrUnavailable.
// What was begun is finished by the next call.
func (s *Service) Erase(ctx context.Context, e Erasure) (erased []registration.ID, err error) {
	progress := e.Progress
	if progress == nil {
		progress = func(int, int) {}
	}
	if erased, err = s.Resume(ctx, progress); err != nil {
		return erased, err
	}
	accounts, err := s.Store.Find(ctx, e.Key)
	if err != nil {
		return erased, err
	}
	for _, a := range accounts {
		b, err := s.burial(a, e)
		if err != nil {
			return erased, err
		}
		if err := s.Store.Bury(ctx, b); err != nil && !errors.Is(err, registration.ErrNotFound) { // another has done it meanwhile
			return erased, err
		}
		if err := s.rest(ctx, a.ID, progress); err != nil {
			return erased, err
		}
		erased = append(erased, a.ID)
	}
	return erased, nil
}

// Resume finishes the erasures that were begun, and gives whose.
func (s *Service) Resume(ctx context.Context, progress func(notifications, held int)) (erased []registration.ID, err error) {
	unfinished, err := s.Store.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range unfinished {
		if err := s.rest(ctx, t.ID, progress); err != nil {
			return erased, err
		}
		erased = append(erased, t.ID)
	}
	return erased, nil
}

// burial fixes the ids of an erasure and its time.
func (s *Service) burial(a registration.Account, e Erasure) (Burial, error) {
	var ids [2]registration.ID
	for i := range ids {
		var err error
		if ids[i], err = s.NewID(); err != nil {
			return Burial{}, fmt.Errorf("person: %w", err)
		}
	}
	now := s.Now().UTC().Truncate(time.Microsecond)
	b := Burial{
		Account: a, KeepOptOuts: e.KeepOptOuts,
		Tombstone: Tombstone{ID: a.ID, Caller: a.Caller, ErasedAt: now},
		Audit:     audit.Entry{ID: ids[0], At: now, Action: audit.Erase, Outcome: registration.AuditOK, Caller: a.Caller, AccountID: a.ID, Detail: s.By},
	}
	switch {
	case a.ExternalID == "":
	case e.KeepExternalID:
		b.Tombstone.ExternalID, b.Audit.ExternalID = a.ExternalID, a.ExternalID
	default:
		b.Tombstone.Digest = s.Keys.digest(a.Caller, a.ExternalID)
	}
	if s.RecordEvents {
		b.Event = registration.Event{ID: ids[1], Type: registration.EventRegistrationErased, AccountID: a.ID, At: now, Caller: a.Caller, ExternalID: b.Tombstone.ExternalID}
	}
	return b, nil
}

// rest erases the notifications of an account that was buried. Those that are
// being sent are waited for, at most until their notifiers' leases end.
func (s *Service) rest(ctx context.Context, account registration.ID, progress func(notifications, held int)) error {
	for {
		erased, held, err := s.Store.EraseRest(ctx, account, s.Now(), restBatch)
		if err != nil {
			return err
		}
		if erased > 0 || held > 0 {
			progress(erased, held)
		}
		switch {
		case erased > 0:
			continue
		case held == 0:
			return s.Store.Finish(ctx, account, s.Now())
		}
		timer := time.NewTimer(heldPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("person: %d messages are still being sent: %w", held, ctx.Err())
		}
	}
}
