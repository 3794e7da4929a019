package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// Audit implements audit.Store: the audit log, written in two tables. What
// happens is put into audit_pending, whose rows wait for nobody; a sealer moves
// them into audit_log, where each is chained to the one before.
type Audit struct{ db *DB }

// Audit gives the audit log.
func (db *DB) Audit() *Audit { return &Audit{db} }

const (
	recordColumns = `id, at, action, outcome, caller, registration_id, external_id, external_salt, external_digest, correlation_id, trace_parent, detail, writer, number, mac`
	pendingRow    = `(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertPending = `INSERT INTO audit_pending (` + recordColumns + `) VALUES ` + pendingRow
	sealedRow     = `(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertSealed  = `INSERT INTO audit_log (` + recordColumns + `, sequence, previous, hash) VALUES `
)

// recordValues are the columns of a record, in the order of recordColumns.
func recordValues(r audit.Record) []any {
	return []any{
		r.ID[:], micros(r.At), string(r.Action), r.Outcome, r.Caller, nullID(r.AccountID), nullText(r.ExternalID), nullBytes(r.Salt), nullBytes(r.Digest),
		r.CorrelationID, r.TraceParent, r.Detail, r.Writer[:], r.Number, nullBytes(r.MAC),
	}
}

func nullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// audit writes records in the transaction of what they tell; none for the zero Record.
func (t *tx) audit(ctx context.Context, records ...audit.Record) error {
	for _, r := range records {
		if r.ID.IsZero() {
			continue
		}
		if err := t.run(ctx, insertPending, recordValues(r)...); err != nil {
			return err
		}
	}
	return nil
}

// recordFor makes the record of an entry, in the place of that which an earlier
// attempt of the same work has made; the zero Record for the zero entry.
func (db *DB) recordFor(e registration.AuditEntry, earlier audit.Record) (audit.Record, error) {
	if e == earlier.Entry {
		return earlier, nil
	}
	db.auditor.GiveBack(earlier)
	if e.ID.IsZero() {
		return audit.Record{}, nil
	}
	return db.auditor.Record(e)
}

// notWritten gives back the number of a record where err says that its
// transaction was surely rolled back.
func (db *DB) notWritten(r audit.Record, err error) {
	if e, ok := errors.AsType[*registration.Error](err); ok && e.Code != registration.Unavailable && e.Code != registration.Internal {
		db.auditor.GiveBack(r)
	}
}

// Append writes entries of what is in no transaction of this package. Errors:
// registration.ErrUnavailable.
func (a *Audit) Append(ctx context.Context, entries ...audit.Entry) error {
	records := make([]audit.Record, len(entries))
	for i, e := range entries {
		var err error
		if records[i], err = a.db.recordFor(e, audit.Record{}); err != nil {
			return fmt.Errorf("store: audit: %w", err)
		}
	}
	return a.db.transact(ctx, "audit", func(ctx context.Context, t *tx) error {
		err := t.audit(ctx, records...)
		if t.again && a.db.dialect.classify(err).class == duplicate {
			return nil // the attempt before was committed after all
		}
		return err
	})
}

// Seal implements audit.Store.
func (a *Audit) Seal(ctx context.Context, under lease.Lease, limit int) (n int, head audit.Head, err error) {
	err = a.db.transactAs(ctx, "seal", true, func(ctx context.Context, t *tx) error {
		n = 0
		if err := t.underLease(ctx, under); err != nil {
			return err
		}
		var err error
		if head, err = readHead(ctx, t.conn); err != nil {
			return err
		}
		var found []recordRow
		// Erasing an external id changes such a row: it is locked.
		if err := t.query(ctx, &found, `SELECT `+recordColumns+` FROM audit_pending ORDER BY id LIMIT ?`+a.db.dialect.forUpdate, limit); err != nil || len(found) == 0 {
			return err
		}
		records, ids := make([]audit.Record, len(found)), make([]uuid, len(found))
		for i, r := range found {
			records[i], ids[i] = r.record(), r.ID
		}
		chained := audit.Seal(head, records)
		var all rows
		for _, s := range chained {
			all.n++
			all.values = append(append(all.values, recordValues(s.Record)...), s.Sequence, nullHash(s.Previous), s.Hash[:])
		}
		if err := t.insertMany(ctx, insertSealed, sealedRow, all); err != nil {
			if a.db.dialect.classify(err).class == duplicate {
				err = errAborted // another has sealed meanwhile
			}
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM audit_pending WHERE id IN (?)`, ids); err != nil {
			return err
		}
		n, head = len(chained), chained[len(chained)-1].Head()
		return nil
	})
	if err != nil {
		return 0, audit.Head{}, err
	}
	return n, head, nil
}

func nullHash(h audit.Hash) any {
	if h == (audit.Hash{}) {
		return nil
	}
	return h[:]
}

// Head gives the last entry of the chain, or where it was pruned; the zero Head
// where there is none.
func (a *Audit) Head(ctx context.Context) (head audit.Head, err error) {
	err = a.db.view(ctx, "audit head", func(ctx context.Context, conn *sqlx.Conn) (err error) {
		head, err = readHead(ctx, conn)
		return err
	})
	return head, err
}

func readHead(ctx context.Context, conn *sqlx.Conn) (audit.Head, error) {
	for _, query := range []string{`SELECT sequence, hash FROM audit_log ORDER BY sequence DESC LIMIT 1`, selectCheckpoint} {
		var found []headRow
		if err := conn.SelectContext(ctx, &found, query); err != nil {
			return audit.Head{}, err
		}
		if len(found) > 0 {
			return found[0].head(), nil
		}
	}
	return audit.Head{}, nil
}

const selectCheckpoint = `SELECT sequence, hash FROM audit_checkpoints WHERE name = 'pruned'`

type headRow struct {
	Sequence int64  `db:"sequence"`
	Hash     []byte `db:"hash"`
}

func (r headRow) head() audit.Head {
	h := audit.Head{Sequence: r.Sequence}
	copy(h.Hash[:], r.Hash)
	return h
}

// Waiting counts the records that are not sealed, and gives the oldest one's
// time; zero for none.
func (a *Audit) Waiting(ctx context.Context) (records int, oldest time.Time, err error) {
	var row struct {
		N      int    `db:"n"`
		Oldest *int64 `db:"oldest"`
	}
	err = a.db.view(ctx, "audit waiting", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &row, `SELECT COUNT(*) AS n, MIN(at) AS oldest FROM audit_pending`)
	})
	if err != nil || row.Oldest == nil {
		return 0, time.Time{}, err
	}
	return row.N, timeOf(*row.Oldest), nil
}

// Any says whether there are records that are not sealed.
func (a *Audit) Any(ctx context.Context) (bool, error) {
	var found []int
	err := a.db.viewAsIs(ctx, "audit any", func(ctx context.Context, conn *sqlx.Conn) error {
		found = nil
		return conn.SelectContext(ctx, &found, `SELECT 1 FROM audit_pending LIMIT 1`)
	})
	return len(found) > 0, err
}
