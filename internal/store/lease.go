package store

import (
	"context"
	"time"

	"registrar/internal/lease"
)

// Leases implements lease.Store by rows that are only ever changed under the
// condition of what they were: no lock of a node is asked for, which another
// node would not know of.
type Leases struct{ db *DB }

// Leases gives the leases.
func (db *DB) Leases() *Leases { return &Leases{db} }

// Acquire implements lease.Store. now decides who may take a lease over, so
// the servers' clocks may differ by a small part of ttl at most.
func (l *Leases) Acquire(ctx context.Context, name, owner string, now time.Time, ttl time.Duration) (lease.Lease, bool, error) {
	taken := lease.Lease{Name: name, Owner: owner, Expires: timeOf(micros(now.Add(ttl)))}
	held := false
	err := l.db.transact(ctx, "acquire lease", func(ctx context.Context, t *tx) error {
		held = false
		n, err := t.exec(ctx, `UPDATE leases SET owner = ?, fence = fence + 1, expires_at = ? WHERE name = ? AND (owner = ? OR expires_at <= ?)`,
			owner, micros(taken.Expires), name, owner, micros(now))
		if err != nil {
			return err
		}
		if n == 1 {
			held = true
			return t.conn.GetContext(ctx, &taken.Fence, `SELECT fence FROM leases WHERE name = ?`, name)
		}
		_, err = t.exec(ctx, `INSERT INTO leases (name, owner, fence, expires_at, writes) VALUES (?, ?, 1, ?, 0)`, name, owner, micros(taken.Expires))
		if l.db.dialect.classify(err).class == duplicate {
			return nil // another's
		}
		taken.Fence, held = 1, err == nil
		return err
	})
	if err != nil || !held {
		return lease.Lease{}, false, err
	}
	return taken, true, nil
}

// Release implements lease.Store. The row stays: its fence goes on growing.
func (l *Leases) Release(ctx context.Context, under lease.Lease) error {
	return l.db.transact(ctx, "release lease", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE leases SET owner = '', expires_at = 0 WHERE name = ? AND owner = ? AND fence = ?`, under.Name, under.Owner, under.Fence)
		return err
	})
}

// underLease makes the transaction one that only the lease's holder can
// commit: it changes the lease's row, so that a new holder's change, on
// whichever node, and this transaction exclude each other.
func (t *tx) underLease(ctx context.Context, under lease.Lease) error {
	n, err := t.exec(ctx, `UPDATE leases SET writes = writes + 1 WHERE name = ? AND owner = ? AND fence = ?`, under.Name, under.Owner, under.Fence)
	if err == nil && n != 1 {
		err = lease.ErrLost
	}
	return err
}
