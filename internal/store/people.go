package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"registrar/internal/audit"
	rights "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// People implements transfer.Store and transfer.Looker.
type People struct {
	db   *DB
	keys *rights.Keys
	// ask: in the last batch something was taken, so that it is likely again.
	ask atomic.Bool
}

// People gives those who come from other systems, many at once. By keys it knows
// who was erased without a trace of the external id; nil is enough to read imports.
func (db *DB) People(keys *rights.Keys) *People { return &People{db: db, keys: keys} }

const (
	insertAccounts = `INSERT INTO accounts (id, caller, external_id, username, username_key, email, email_key, mobile, password_hash, status, registered_at, email_verified_at, mobile_verified_at) VALUES `
	accountRow     = `(?,?,?,?,?,?,?,?,?,?,?,?,?)`

	insertProfiles = `INSERT INTO profiles (account_id, first_name, last_name, locale, marketing_consent) VALUES `
	profileRow     = `(?,?,?,?,?)`
)

// togetherTries is how often a batch is tried with many rows in a statement while
// others take its names and addresses in between. After that each row goes by itself.
const togetherTries = 2

// Save implements transfer.Store. A batch is inserted without a question at first:
// mostly all of it is new, and questions are a quarter of the work. Where something
// is taken, the INSERTs of many rows fail as a whole; then, and in the batches that
// follow until one has nothing that is taken, it is asked for before. Who else takes
// a key meanwhile is told by the database, as ever.
func (p *People) Save(ctx context.Context, b transfer.Batch) error {
	first, asked := true, 0
	var record audit.Record
	return p.db.transactAs(ctx, "import", true, func(ctx context.Context, t *tx) error {
		at, err := t.importBy(ctx, p.db.dialect, b.Import.ID)
		switch {
		case errors.Is(err, registration.ErrNotFound):
			return answer{transfer.ErrOvertaken}
		case err != nil:
			return err
		case at.Revision == b.Revision:
			return nil // by an attempt before this one
		case at.Revision != b.Import.Revision:
			return answer{transfer.ErrOvertaken}
		}
		s := &saving{tx: t, dialect: p.db.dialect, keys: p.keys, batch: b, ask: p.ask.Load() || !first}
		first = false
		if s.ask {
			asked++
		}
		if err := s.all(ctx, asked <= togetherTries); err != nil {
			return err
		}
		p.ask.Store(s.found)
		after, err := b.Settle(s.outcomes)
		if err != nil {
			return answer{err}
		}
		if record, err = p.db.recordFor(imported(b, after), record); err != nil {
			return err
		}
		if err := t.audit(ctx, record); err != nil {
			return err
		}
		return t.updateImport(ctx, b.Import.Revision, after)
	})
}

// imported is the audit log's entry of a batch.
func imported(b transfer.Batch, after transfer.Import) audit.Entry {
	before := b.Import
	return audit.Entry{
		ID: b.Revision, At: after.UpdatedAt, Action: audit.Import, Outcome: registration.AuditOK, Caller: after.Caller,
		Detail: fmt.Sprintf("import=%x read=%d stored=%d present=%d refused=%d", after.ID[:6],
			after.Read-before.Read, after.Stored-before.Stored, after.Present-before.Present, after.Refused-before.Refused),
	}
}

// saving is one attempt to save a batch.
type saving struct {
	*tx
	dialect  dialect
	keys     *rights.Keys
	batch    transfer.Batch
	ask      bool // for what is taken, before anything is inserted
	found    bool // something is taken
	known    *takenKeys
	outcomes []transfer.Outcome
	writing  []registration.Registration
}

// all stores everybody who can be.
func (s *saving) all(ctx context.Context, together bool) (err error) {
	if len(s.batch.People) == 0 {
		return nil
	}
	s.known = newTakenKeys(s.conn, s.batch.People)
	if s.ask {
		if s.found, err = s.known.lookUp(ctx, s.conn, s.keys, s.batch.People); err != nil {
			return err
		}
	}
	for _, c := range s.batch.People {
		o, err := s.one(ctx, c.Mapped, together)
		if err != nil {
			return err
		}
		s.outcomes = append(s.outcomes, o)
	}
	err = s.insert(ctx, s.writing, together)
	if s.dialect.classify(err).class == duplicate {
		return errAborted // taken, perhaps since it was asked for: the next attempt sees it
	}
	if err != nil || s.ask {
		return err
	}
	// Behind the INSERT: who was there before it, and is erased, is among these.
	erased, err := erasedOf(ctx, s.conn, s.keys, s.batch.People)
	if err == nil && len(erased) > 0 {
		err = errAborted
	}
	return err
}

// one says what becomes of somebody. Where rows go by themselves, it inserts the
// account too.
func (s *saving) one(ctx context.Context, m transfer.Mapped, together bool) (transfer.Outcome, error) {
	for {
		o, err := s.batch.Decide(ctx, m, s.known)
		if err != nil || o.Status != transfer.StatusStored {
			return o, err
		}
		reg, err := s.batch.Compose(o.Mapped)
		if err != nil {
			return o, answer{err}
		}
		if !together {
			err := s.run(ctx, insertAccount, accountValues(reg.Account)...)
			f := s.dialect.classify(err)
			if f.class == duplicate && s.known.taken(reg.Account, f.index) {
				m = o.Mapped
				continue
			}
			if err != nil {
				return o, err
			}
		}
		s.known.add(reg.Account)
		s.writing = append(s.writing, reg)
		return o, nil
	}
}

// insert writes the rows of registrations.
func (s *saving) insert(ctx context.Context, all []registration.Registration, together bool) error {
	var accounts, profiles rows
	var notifications []registration.Notification
	var events []registration.Event
	for _, r := range all {
		if together {
			accounts.n++
			accounts.values = append(accounts.values, accountValues(r.Account)...)
		}
		profiles.n++
		profiles.values = append(profiles.values, r.Account.ID[:], r.Profile.FirstName, r.Profile.LastName, r.Profile.Locale, flag(r.Profile.MarketingConsent))
		notifications, events = append(notifications, r.Notifications...), append(events, r.Events...)
	}
	if err := s.insertRows(ctx, insertAccounts, accountRow, accounts); err != nil {
		return err
	}
	if err := s.insertRows(ctx, insertProfiles, profileRow, profiles); err != nil {
		return err
	}
	ledger, outbox, err := notificationRows(notifications)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := s.insertRows(ctx, insertNotifications, tuples(1, 19), ledger); err != nil {
		return err
	}
	if err := s.insertRows(ctx, insertOutbox, tuples(1, 8), outbox); err != nil {
		return err
	}
	published, err := eventRows(events)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return s.writeEvents(ctx, published)
}

// insertRows inserts rows: on SQLite, where each statement is one that is kept
// prepared, by several statements, and else by one.
func (s *saving) insertRows(ctx context.Context, into, row string, all rows) error {
	if s.dialect.serial {
		return s.insertMany(ctx, into, row, all)
	}
	if all.n == 0 {
		return nil
	}
	return s.run(ctx, statement(into+tuples(all.n, len(all.values)/all.n)), all.values...)
}

func accountValues(a registration.Account) []any {
	return []any{
		a.ID[:], a.Caller, sql.NullString{String: a.ExternalID, Valid: a.ExternalID != ""}, a.Username.Text, a.Username.Key, a.Email.Text, a.Email.Key, string(a.Mobile),
		a.PasswordHash, string(a.Status), micros(a.RegisteredAt), micros(a.EmailVerifiedAt), micros(a.MobileVerifiedAt),
	}
}
