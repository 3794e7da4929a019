package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

const selectPeople = `SELECT ` + detailsColumns + `, a.password_hash FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE `

// personRow is an account with its profile and its password's hash.
type personRow struct {
	detailsRow
	PasswordHash string `db:"password_hash"`
}

func (r personRow) person() transfer.Person {
	d := r.details(nil)
	d.Account.PasswordHash = r.PasswordHash
	return transfer.Person{Account: d.Account, Profile: d.Profile}
}

// Count counts a caller's people.
func (p *People) Count(ctx context.Context, caller string) (n int64, err error) {
	err = p.db.view(ctx, "count people", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &n, `SELECT COUNT(*) FROM accounts WHERE caller = ?`, caller)
	})
	return n, err
}

// ByExternalID gives a caller's people behind an external id, in the order of
// theirs.
func (p *People) ByExternalID(ctx context.Context, caller, after string, limit int) ([]transfer.Person, error) {
	return p.page(ctx, `a.caller = ? AND a.external_id > ? ORDER BY a.external_id LIMIT ?`, caller, after, limit)
}

// WithoutExternalID gives a caller's people who have none behind an id, in the
// order of theirs.
func (p *People) WithoutExternalID(ctx context.Context, caller string, after registration.ID, limit int) ([]transfer.Person, error) {
	return p.page(ctx, `a.caller = ? AND a.external_id IS NULL AND a.id > ? ORDER BY a.id LIMIT ?`, caller, after[:], limit)
}

func (p *People) page(ctx context.Context, condition string, args ...any) ([]transfer.Person, error) {
	var rows []personRow
	err := p.db.view(ctx, "people", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectPeople+condition, args...)
	})
	people := make([]transfer.Person, len(rows))
	for i, r := range rows {
		people[i] = r.person()
	}
	return people, err
}
