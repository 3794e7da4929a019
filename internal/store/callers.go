package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/caller"
)

// Callers implements caller.Store.
type Callers struct {
	db    *DB
	entry audit.Entry // of what is changed; zero for none
}

// Callers gives the systems that may call.
func (db *DB) Callers() *Callers { return &Callers{db: db} }

// Audited gives the same callers for one change, of which e is written to the
// audit log with it. Its Caller is the one that is changed.
func (c *Callers) Audited(e audit.Entry) *Callers { return &Callers{c.db, e} }

// record is that of the change of a caller.
func (c *Callers) record(name string) (audit.Record, error) {
	if c.entry.ID.IsZero() {
		return audit.Record{}, nil
	}
	e := c.entry
	e.Caller = name
	r, err := c.db.auditor.Record(e)
	if err != nil {
		return audit.Record{}, fmt.Errorf("store: %w", err)
	}
	return r, nil
}

// callerRow is a caller with one of its secrets, or with none.
type callerRow struct {
	Name                  string  `db:"name"`
	CertificateSubject    *string `db:"certificate_subject"`
	Operations            string  `db:"operations"`
	Rate                  int     `db:"rate"`
	Burst                 int     `db:"burst"`
	DailyQuota            int     `db:"daily_quota"`
	SuppressNotifications int64   `db:"suppress_notifications"`
	VerifiedContacts      int64   `db:"verified_contacts"`
	EnumerationSafe       int64   `db:"enumeration_safe"`
	Shadow                int64   `db:"shadow"`
	Disabled              int64   `db:"disabled"`
	CreatedAt             int64   `db:"created_at"`
	UpdatedAt             int64   `db:"updated_at"`
	Revision              uuid    `db:"revision"`

	Hash            []byte `db:"hash"`
	Sealed          []byte `db:"sealed"`
	SecretCreatedAt *int64 `db:"secret_created_at"`
	SecretExpiresAt *int64 `db:"secret_expires_at"`
}

// One statement for both tables: it sees both at the same moment.
const selectCallers = `SELECT c.name, c.certificate_subject, c.operations, c.rate, c.burst, c.daily_quota, c.suppress_notifications, c.verified_contacts, c.enumeration_safe, c.shadow, c.disabled,
	c.created_at, c.updated_at, c.revision, s.hash, s.sealed, s.created_at AS secret_created_at, s.expires_at AS secret_expires_at
	FROM callers c LEFT JOIN caller_secrets s ON s.caller = c.name`

const callersOrder = ` ORDER BY c.name, s.created_at DESC, s.hash`

// callersOf puts rows that follow each other together.
func callersOf(rows []callerRow) []caller.Caller {
	var all []caller.Caller
	for _, r := range rows {
		if len(all) == 0 || all[len(all)-1].Name != r.Name {
			all = append(all, r.caller())
		}
		if r.Hash == nil {
			continue
		}
		s := caller.Secret{CreatedAt: timeOf(*r.SecretCreatedAt), ExpiresAt: timeOf(*r.SecretExpiresAt)}
		copy(s.Hash[:], r.Hash)
		if len(r.Sealed) > 0 {
			s.Sealed = r.Sealed
		}
		last := &all[len(all)-1]
		last.Secrets = append(last.Secrets, s)
	}
	return all
}

func (r callerRow) caller() caller.Caller {
	c := caller.Caller{
		Name: r.Name,
		Policy: caller.Policy{
			Rate: r.Rate, Burst: r.Burst, DailyQuota: r.DailyQuota,
			SuppressNotifications: r.SuppressNotifications != 0, VerifiedContacts: r.VerifiedContacts != 0,
			EnumerationSafe: r.EnumerationSafe != 0, Shadow: r.Shadow != 0,
		},
		Disabled: r.Disabled != 0, CreatedAt: timeOf(r.CreatedAt), UpdatedAt: timeOf(r.UpdatedAt),
	}
	if r.CertificateSubject != nil {
		c.CertificateSubject = *r.CertificateSubject
	}
	if r.Operations != "" {
		c.Policy.Operations = strings.Split(r.Operations, ",")
	}
	return c
}

// Callers implements caller.Store. On a cluster it sees what any node has
// acknowledged before.
func (c *Callers) Callers(ctx context.Context) ([]caller.Caller, error) {
	var rows []callerRow
	err := c.db.view(ctx, "callers", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectCallers+callersOrder)
	})
	if err != nil {
		return nil, err
	}
	return callersOf(rows), nil
}

// Add implements caller.Store.
func (c *Callers) Add(ctx context.Context, added caller.Caller) error {
	revision := newRevision()
	record, err := c.record(added.Name)
	if err != nil {
		return err
	}
	return c.db.transact(ctx, "add caller", func(ctx context.Context, t *tx) error {
		err := t.run(ctx, `INSERT INTO callers (certificate_subject, operations, rate, burst, daily_quota, suppress_notifications, verified_contacts, enumeration_safe, shadow, disabled, updated_at, revision, created_at, name)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`, append(callerValues(added, revision), micros(added.CreatedAt), added.Name)...)
		if f := c.db.dialect.classify(err); f.class == duplicate {
			return t.callerTaken(ctx, added.Name, revision, f, err)
		}
		if err != nil {
			return err
		}
		if err := t.audit(ctx, record); err != nil {
			return err
		}
		return t.insertSecrets(ctx, added)
	})
}

// callerTaken says what a duplicate key of a new caller means. The name is
// looked for first: which of two keys the database names is its own affair.
func (t *tx) callerTaken(ctx context.Context, name string, revision uuid, f failure, err error) error {
	var there []uuid
	if err := t.query(ctx, &there, `SELECT revision FROM callers WHERE name = ?`, name); err != nil {
		return err
	}
	switch {
	case len(there) == 1 && t.again && there[0] == revision:
		return nil
	case len(there) == 1:
		return answer{caller.ErrExists}
	case f.index == uniqueSubject:
		return answer{caller.ErrSubjectTaken}
	default:
		return err
	}
}

// Change implements caller.Store. A caller's name and its creation stay as
// they are. change runs while the caller is locked, so it should take no time.
func (c *Callers) Change(ctx context.Context, name string, change func(*caller.Caller) error) error {
	revision := newRevision()
	record, err := c.record(name)
	if err != nil {
		return err
	}
	return c.db.transact(ctx, "change caller", func(ctx context.Context, t *tx) error {
		var rows []callerRow
		if err := t.query(ctx, &rows, selectCallers+` WHERE c.name = ?`+callersOrder+c.db.dialect.forUpdate, name); err != nil {
			return err
		}
		if len(rows) == 0 {
			return answer{caller.ErrUnknown}
		}
		if rows[0].Revision == revision {
			return nil // an attempt whose outcome was not known has done it
		}
		changed := callersOf(rows)[0]
		if err := change(&changed); err != nil {
			return answer{err}
		}
		changed.Name = name
		_, err := t.exec(ctx, `UPDATE callers SET certificate_subject = ?, operations = ?, rate = ?, burst = ?, daily_quota = ?, suppress_notifications = ?, verified_contacts = ?, enumeration_safe = ?, shadow = ?, disabled = ?,
			updated_at = ?, revision = ? WHERE name = ?`, append(callerValues(changed, revision), name)...)
		if f := c.db.dialect.classify(err); f.class == duplicate && f.index == uniqueSubject {
			return answer{caller.ErrSubjectTaken}
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM caller_secrets WHERE caller = ?`, name); err != nil {
			return err
		}
		if err := t.audit(ctx, record); err != nil {
			return err
		}
		return t.insertSecrets(ctx, changed)
	})
}

// callerValues are the columns of a caller that change.
func callerValues(c caller.Caller, revision uuid) []any {
	return []any{
		sql.NullString{String: c.CertificateSubject, Valid: c.CertificateSubject != ""}, strings.Join(c.Policy.Operations, ","),
		c.Policy.Rate, c.Policy.Burst, c.Policy.DailyQuota, flag(c.Policy.SuppressNotifications), flag(c.Policy.VerifiedContacts),
		flag(c.Policy.EnumerationSafe), flag(c.Policy.Shadow), flag(c.Disabled), micros(c.UpdatedAt), revision,
	}
}

func (t *tx) insertSecrets(ctx context.Context, c caller.Caller) error {
	for _, s := range c.Secrets {
		var sealed any
		if len(s.Sealed) > 0 {
			sealed = s.Sealed
		}
		err := t.run(ctx, `INSERT INTO caller_secrets (caller, hash, sealed, created_at, expires_at) VALUES (?,?,?,?,?)`,
			c.Name, s.Hash[:], sealed, micros(s.CreatedAt), micros(s.ExpiresAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// newRevision is what no other change has.
func newRevision() (u uuid) {
	_, _ = rand.Read(u[:]) // it never fails
	return u
}
