package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// Nonces implements caller.Nonces.
type Nonces struct{ db *DB }

// Nonces gives the nonces that callers have used.
func (db *DB) Nonces() *Nonces { return &Nonces{db} }

// forgetBatch bounds the rows of one transaction of Forget: a large one holds
// up every node of a cluster.
const forgetBatch = 500

// Spend implements caller.Nonces. The INSERT decides, at whichever server and
// node, and where nobody was told of it the row says by its owner whether it is
// this call's own. A nonce that has expired counts until it is forgotten.
func (n *Nonces) Spend(ctx context.Context, call registration.ID, name string, nonce [32]byte, expires time.Time) error {
	owner := uuid(call)
	if call.IsZero() {
		owner = newRevision()
	}
	return n.db.transact(ctx, "spend nonce", func(ctx context.Context, t *tx) error {
		err := t.run(ctx, `INSERT INTO caller_nonces (caller, nonce, owner, expires_at) VALUES (?,?,?,?)`, name, nonce[:], owner, micros(expires))
		if n.db.dialect.classify(err).class != duplicate {
			return err
		}
		if t.again || !call.IsZero() {
			var owners []uuid
			if err := t.query(ctx, &owners, `SELECT owner FROM caller_nonces WHERE caller = ? AND nonce = ?`, name, nonce[:]); err != nil {
				return err
			}
			if len(owners) == 1 && owners[0] == owner {
				return nil
			}
		}
		return answer{caller.ErrReplayed}
	})
}

// expired is a nonce that may be forgotten.
type expired struct {
	Caller string `db:"caller"`
	Nonce  []byte `db:"nonce"`
}

// Forget implements caller.Nonces. Servers that forget at the same time do
// each other no harm.
func (n *Nonces) Forget(ctx context.Context, now time.Time) error {
	for {
		var rows []expired
		err := n.db.view(ctx, "forget nonces", func(ctx context.Context, conn *sqlx.Conn) error {
			rows = nil
			return conn.SelectContext(ctx, &rows, `SELECT caller, nonce FROM caller_nonces WHERE expires_at < ? ORDER BY expires_at LIMIT ?`, micros(now), forgetBatch)
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := n.remove(ctx, rows, now); err != nil {
			return err
		}
		if len(rows) < forgetBatch {
			return nil
		}
	}
}

// remove deletes nonces that are still expired: one may have been forgotten by
// another server and used again since it was read.
func (n *Nonces) remove(ctx context.Context, rows []expired, now time.Time) error {
	byCaller := make(map[string][][]byte)
	for _, r := range rows {
		byCaller[r.Caller] = append(byCaller[r.Caller], r.Nonce)
	}
	return n.db.transact(ctx, "forget nonces", func(ctx context.Context, t *tx) error {
		for name, nonces := range byCaller {
			query, args, err := sqlx.In(`DELETE FROM caller_nonces WHERE caller = ? AND nonce IN (?) AND expires_at < ?`, name, nonces, micros(now))
			if err != nil {
				return err
			}
			// Not prepared: there is a text for each length of the list.
			if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
				return err
			}
		}
		return nil
	})
}
