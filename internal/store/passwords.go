package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
)

// Passwords implements registration.Credentials.
type Passwords struct{ db *DB }

// Passwords gives the hashes of accounts' passwords.
func (db *DB) Passwords() *Passwords { return &Passwords{db} }

// selectLogin is the same statement for every login. An address is looked
// for first: see registration.Login.
const selectLogin = `SELECT id, status, password_hash FROM accounts WHERE username_key = ? OR email_key = ?
	ORDER BY CASE WHEN email_key = ? THEN 0 ELSE 1 END LIMIT 1`

// Credential implements registration.Credentials. On a cluster it sees what any
// node has acknowledged before: people log in right after they have registered.
func (p *Passwords) Credential(ctx context.Context, l registration.Login) (registration.Credential, error) {
	var row struct {
		ID           uuid   `db:"id"`
		Status       string `db:"status"`
		PasswordHash string `db:"password_hash"`
	}
	err := p.db.view(ctx, "credential", func(ctx context.Context, conn *sqlx.Conn) error {
		return found(conn.GetContext(ctx, &row, selectLogin, l.Username, l.Email, l.Email))
	})
	if err != nil {
		return registration.Credential{}, err
	}
	return registration.Credential{AccountID: registration.ID(row.ID), Status: registration.Status(row.Status), PasswordHash: row.PasswordHash}, nil
}

// Rehash implements registration.Credentials.
func (p *Passwords) Rehash(ctx context.Context, account registration.ID, old, hash string) error {
	return p.db.transact(ctx, "rehash", func(ctx context.Context, t *tx) error {
		return t.run(ctx, `UPDATE accounts SET password_hash = ? WHERE id = ? AND password_hash = ?`, hash, account[:], old)
	})
}

// Imported is when an import last stored a batch; zero for never. What other nodes of
// a cluster have just committed may be missing.
func (p *Passwords) Imported(ctx context.Context) (time.Time, error) {
	var at int64
	err := p.db.viewAsIs(ctx, "last import", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &at, `SELECT COALESCE(MAX(updated_at), 0) FROM imports`)
	})
	return timeOf(at), err
}

// censusBatch is how many rows are read at a time.
const censusBatch = 5000

// EachHash gives the hash of every account that has a password, by and by, in
// the order of their ids. What is stored meanwhile may be missing.
func (p *Passwords) EachHash(ctx context.Context, give func(hash string)) error {
	return p.eachHash(ctx, censusBatch, give)
}

func (p *Passwords) eachHash(ctx context.Context, batch int, give func(hash string)) error {
	var last uuid
	for {
		var rows []struct {
			ID           uuid   `db:"id"`
			PasswordHash string `db:"password_hash"`
		}
		err := p.db.viewAsIs(ctx, "hashes", func(ctx context.Context, conn *sqlx.Conn) error {
			rows = nil
			return conn.SelectContext(ctx, &rows, `SELECT id, password_hash FROM accounts WHERE id > ? ORDER BY id LIMIT ?`, last, batch)
		})
		if err != nil {
			return err
		}
		for _, r := range rows {
			last = r.ID
			if r.PasswordHash != "" {
				give(r.PasswordHash)
			}
		}
		if len(rows) < batch {
			return nil
		}
	}
}
