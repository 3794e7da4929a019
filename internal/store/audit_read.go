package store

import (
	"context"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// recordRow is a row of audit_pending, and most of one of audit_log.
type recordRow struct {
	ID             uuid    `db:"id"`
	At             int64   `db:"at"`
	Action         string  `db:"action"`
	Outcome        string  `db:"outcome"`
	Caller         string  `db:"caller"`
	RegistrationID []byte  `db:"registration_id"`
	ExternalID     *string `db:"external_id"`
	Salt           []byte  `db:"external_salt"`
	Digest         []byte  `db:"external_digest"`
	CorrelationID  string  `db:"correlation_id"`
	TraceParent    string  `db:"trace_parent"`
	Detail         string  `db:"detail"`
	Writer         uuid    `db:"writer"`
	Number         int64   `db:"number"`
	MAC            []byte  `db:"mac"`
}

func (r recordRow) record() audit.Record {
	made := audit.Record{
		Entry: audit.Entry{
			ID: registration.ID(r.ID), At: timeOf(r.At), Action: registration.Action(r.Action), Outcome: r.Outcome, Caller: r.Caller,
			CorrelationID: r.CorrelationID, TraceParent: r.TraceParent, Detail: r.Detail,
		},
		Salt: r.Salt, Digest: r.Digest, Writer: registration.ID(r.Writer), Number: r.Number, MAC: r.MAC,
	}
	copy(made.AccountID[:], r.RegistrationID)
	if r.ExternalID != nil {
		made.ExternalID = *r.ExternalID
	}
	return made
}

type sealedEntryRow struct {
	recordRow
	Sequence int64  `db:"sequence"`
	Previous []byte `db:"previous"`
	Hash     []byte `db:"hash"`
}

func (r sealedEntryRow) sealed() audit.Sealed {
	s := audit.Sealed{Record: r.record(), Sequence: r.Sequence}
	copy(s.Previous[:], r.Previous)
	copy(s.Hash[:], r.Hash)
	return s
}

// conditions are those of a filter, as conditions and their values.
func conditions(f audit.Filter) (all []string, values []any) {
	with := func(condition string, value any) {
		all, values = append(all, condition), append(values, value)
	}
	if !f.Since.IsZero() {
		with("at >= ?", micros(f.Since))
	}
	if !f.Until.IsZero() {
		with("at < ?", micros(f.Until))
	}
	if f.Caller != "" {
		with("caller = ?", f.Caller)
	}
	if !f.AccountID.IsZero() {
		with("registration_id = ?", f.AccountID[:])
	}
	if f.ExternalID != "" {
		with("external_id = ?", f.ExternalID)
	}
	if f.Action != "" {
		with("action = ?", string(f.Action))
	}
	if f.Outcome != "" {
		with("outcome = ?", f.Outcome)
	}
	return all, values
}

// Sealed implements audit.Reader.
func (a *Audit) Sealed(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Sealed, error) {
	where, values := conditions(f)
	where, values = append(where, "sequence > ?"), append(values, after, limit)
	var rows []sealedEntryRow
	err := a.db.view(ctx, "audit entries", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT `+recordColumns+`, sequence, previous, hash FROM audit_log WHERE `+strings.Join(where, " AND ")+` ORDER BY sequence LIMIT ?`, values...)
	})
	all := make([]audit.Sealed, len(rows))
	for i, r := range rows {
		all[i] = r.sealed()
	}
	return all, err
}

// Pending implements audit.Reader.
func (a *Audit) Pending(ctx context.Context, f audit.Filter, after registration.ID, limit int) ([]audit.Record, error) {
	where, values := conditions(f)
	where, values = append(where, "id > ?"), append(values, after[:], limit)
	var rows []recordRow
	err := a.db.view(ctx, "audit records", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT `+recordColumns+` FROM audit_pending WHERE `+strings.Join(where, " AND ")+` ORDER BY id LIMIT ?`, values...)
	})
	all := make([]audit.Record, len(rows))
	for i, r := range rows {
		all[i] = r.record()
	}
	return all, err
}

// Begins implements audit.Reader. Sequences are in about the order of times, so
// a binary search over the primary key finds the place; audit.Disorder before it
// nothing is passed over.
func (a *Audit) Begins(ctx context.Context, since time.Time) (after int64, err error) {
	if since.IsZero() {
		return 0, nil
	}
	before := micros(since.Add(-audit.Disorder))
	err = a.db.view(ctx, "audit begins", func(ctx context.Context, conn *sqlx.Conn) error {
		var ends struct {
			First *int64 `db:"first"`
			Last  *int64 `db:"last"`
		}
		after = 0
		if err := conn.GetContext(ctx, &ends, `SELECT MIN(sequence) AS first, MAX(sequence) AS last FROM audit_log`); err != nil || ends.First == nil {
			return err
		}
		low, high := *ends.First-1, *ends.Last // low is before the place; what is behind high is not
		for low < high {
			middle := low + (high-low+1)/2
			var at []int64
			if err := conn.SelectContext(ctx, &at, `SELECT at FROM audit_log WHERE sequence >= ? ORDER BY sequence LIMIT 1`, middle); err != nil {
				return err
			}
			if len(at) > 0 && at[0] < before {
				low = middle
			} else {
				high = middle - 1
			}
		}
		after = low
		return nil
	})
	return after, err
}

// Ends implements audit.Chain.
func (a *Audit) Ends(ctx context.Context) (from, to audit.Head, err error) {
	err = a.db.view(ctx, "audit ends", func(ctx context.Context, conn *sqlx.Conn) (err error) {
		if from, err = readCheckpoint(ctx, conn); err != nil {
			return err
		}
		to, err = readHead(ctx, conn)
		return err
	})
	return from, to, err
}

func readCheckpoint(ctx context.Context, conn *sqlx.Conn) (audit.Head, error) {
	var found []headRow
	if err := conn.SelectContext(ctx, &found, selectCheckpoint); err != nil || len(found) == 0 {
		return audit.Head{}, err
	}
	return found[0].head(), nil
}
