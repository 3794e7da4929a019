package store

import (
	"context"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
)

// Prunable gives the last entry of the chain such that it, and all before it, are
// from before a time; where the chain was pruned already, if there is none more.
func (a *Audit) Prunable(ctx context.Context, before time.Time) (through audit.Head, err error) {
	from, _, err := a.Ends(ctx)
	if err != nil {
		return audit.Head{}, err
	}
	through = from
	for {
		page, err := a.heads(ctx, through.Sequence)
		if err != nil || len(page) == 0 {
			return through, err
		}
		young := slices.IndexFunc(page, func(r timedHead) bool { return r.At >= micros(before) })
		if young < 0 {
			through = page[len(page)-1].head()
			continue
		}
		if young > 0 {
			through = page[young-1].head()
		}
		return through, nil
	}
}

type timedHead struct {
	headRow
	At int64 `db:"at"`
}

// pruneBatch is how many entries one transaction removes.
const pruneBatch = 500

func (a *Audit) heads(ctx context.Context, after int64) (page []timedHead, err error) {
	err = a.db.view(ctx, "audit heads", func(ctx context.Context, conn *sqlx.Conn) error {
		page = nil
		return conn.SelectContext(ctx, &page, `SELECT sequence, hash, at FROM audit_log WHERE sequence > ? ORDER BY sequence LIMIT ?`, after, pruneBatch)
	})
	return page, err
}

// Prune writes an entry of it and removes the chain up to an entry. Each
// transaction moves the checkpoint with what it removes, so that the chain is whole
// between any two of them. removed is told how many each has removed.
func (a *Audit) Prune(ctx context.Context, through int64, now time.Time, entry audit.Entry, removed func(n int)) error {
	if err := a.Append(ctx, entry); err != nil {
		return err
	}
	from, _, err := a.Ends(ctx)
	if err != nil {
		return err
	}
	for at := from.Sequence; at < through; {
		page, err := a.heads(ctx, at)
		if err != nil {
			return err
		}
		if end := slices.IndexFunc(page, func(r timedHead) bool { return r.Sequence > through }); end >= 0 {
			page = page[:end]
		}
		if len(page) == 0 {
			return nil
		}
		last := page[len(page)-1].headRow
		err = a.db.transactAs(ctx, "prune", true, func(ctx context.Context, t *tx) error {
			if _, err := t.conn.ExecContext(ctx, `REPLACE INTO audit_checkpoints (name, sequence, hash, at) VALUES ('pruned', ?, ?, ?)`, last.Sequence, last.Hash, micros(now)); err != nil {
				return err
			}
			_, err := t.exec(ctx, `DELETE FROM audit_log WHERE sequence <= ?`, last.Sequence)
			return err
		})
		if err != nil {
			return err
		}
		at = last.Sequence
		removed(len(page))
	}
	return nil
}
