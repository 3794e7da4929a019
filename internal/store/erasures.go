package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	rights "registrar/internal/person"
	"registrar/internal/registration"
)

// Erasures implements person.TombstoneStore.
type Erasures struct{ db *DB }

// Erasures gives the tombstones of people who were erased.
func (db *DB) Erasures() *Erasures { return &Erasures{db} }

// Finish implements person.Store.
func (e *Erasures) Finish(ctx context.Context, account registration.ID, now time.Time) error {
	return e.db.transact(ctx, "finish erasure", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE erasures SET finished_at = ? WHERE registration_id = ? AND finished_at = 0`, micros(now), account[:])
		return err
	})
}

type tombstoneRow struct {
	ID         uuid           `db:"registration_id"`
	Caller     string         `db:"caller"`
	ExternalID sql.NullString `db:"external_id"`
	Digest     []byte         `db:"external_digest"`
	ErasedAt   int64          `db:"erased_at"`
	FinishedAt int64          `db:"finished_at"`
}

func (r tombstoneRow) tombstone() rights.Tombstone {
	return rights.Tombstone{
		ID: registration.ID(r.ID), Caller: r.Caller, ExternalID: r.ExternalID.String, Digest: r.Digest, ErasedAt: timeOf(r.ErasedAt), FinishedAt: timeOf(r.FinishedAt),
	}
}

const selectTombstones = `SELECT registration_id, caller, external_id, external_digest, erased_at, finished_at FROM erasures WHERE `

// Unfinished implements person.Store.
func (e *Erasures) Unfinished(ctx context.Context) ([]rights.Tombstone, error) {
	return e.tombstones(ctx, `finished_at = ? ORDER BY registration_id`, 0)
}

// Erased implements person.TombstoneStore.
func (e *Erasures) Erased(ctx context.Context, caller string, externalIDs []string, digests [][]byte) (all []rights.Tombstone, err error) {
	err = e.db.view(ctx, "tombstones", func(ctx context.Context, conn *sqlx.Conn) error {
		all, err = tombstonesOn{conn}.Erased(ctx, caller, externalIDs, digests)
		return err
	})
	return all, err
}

func (e *Erasures) tombstones(ctx context.Context, condition string, args ...any) (all []rights.Tombstone, err error) {
	err = e.db.view(ctx, "tombstones", func(ctx context.Context, conn *sqlx.Conn) error {
		all, err = tombstonesOn{conn}.find(ctx, condition, args...)
		return err
	})
	return all, err
}

// tombstonesOn implements person.TombstoneStore on a connection, as its transaction
// sees them.
type tombstonesOn struct{ conn *sqlx.Conn }

func (o tombstonesOn) Erased(ctx context.Context, caller string, externalIDs []string, digests [][]byte) ([]rights.Tombstone, error) {
	var all []rights.Tombstone
	for column, list := range map[string]any{"external_id": externalIDs, "external_digest": digests} {
		found, err := o.find(ctx, `caller = ? AND `+column+` IN (?)`, caller, list)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (o tombstonesOn) find(ctx context.Context, condition string, args ...any) ([]rights.Tombstone, error) {
	query, args, err := sqlx.In(selectTombstones+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("store: tombstones: %w", err)
	}
	var rows []tombstoneRow
	if err := o.conn.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	all := make([]rights.Tombstone, len(rows))
	for i, r := range rows {
		all[i] = r.tombstone()
	}
	return all, nil
}
