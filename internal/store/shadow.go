package store

import (
	"context"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
	"registrar/internal/shadow"
)

// Shadow implements shadow.Store.
type Shadow struct{ db *DB }

// Shadow gives the comparisons of registrations in shadow mode.
func (db *DB) Shadow() *Shadow { return &Shadow{db} }

type comparisonRow struct {
	ID         uuid   `db:"id"`
	Caller     string `db:"caller"`
	RequestID  string `db:"request_id"`
	ExternalID string `db:"external_id"`
	Ours       string `db:"ours"`
	Theirs     string `db:"theirs"`
	Refused    string `db:"refused"`
	ComparedAt int64  `db:"compared_at"`
}

func (r comparisonRow) comparison() shadow.Comparison {
	c := shadow.Comparison{
		ID: registration.ID(r.ID), At: timeOf(r.ComparedAt), Caller: r.Caller, RequestID: r.RequestID, ExternalID: r.ExternalID, Ours: r.Ours, Theirs: r.Theirs,
	}
	if r.Refused != "" {
		c.Refused = strings.Split(r.Refused, ",")
	}
	return c
}

// Add implements shadow.Store. The first of the same ID stays.
func (s *Shadow) Add(ctx context.Context, c shadow.Comparison) (added bool, err error) {
	err = s.db.transact(ctx, "add comparison", func(ctx context.Context, t *tx) error {
		err := t.run(ctx, `INSERT INTO shadow_comparisons (id, caller, request_id, external_id, ours, theirs, refused, compared_at) VALUES (?,?,?,?,?,?,?,?)`,
			c.ID[:], c.Caller, c.RequestID, c.ExternalID, c.Ours, c.Theirs, strings.Join(c.Refused, ","), micros(c.At))
		duplicated := s.db.dialect.classify(err).class == duplicate
		added = err == nil || duplicated && t.again // the attempt before was committed after all
		if duplicated {
			return nil
		}
		return err
	})
	return added && err == nil, err
}

// filtered is the conditions of f with their arguments.
func filtered(f shadow.Filter) (conditions string, args []any) {
	all := []string{"1 = 1"}
	with := func(condition string, value any) { all, args = append(all, condition), append(args, value) }
	for _, equal := range [][2]string{{"caller", f.Caller}, {"ours", f.Ours}, {"theirs", f.Theirs}} {
		if equal[1] != "" {
			with(equal[0]+" = ?", equal[1])
		}
	}
	if !f.Since.IsZero() {
		with("compared_at >= ?", micros(f.Since))
	}
	if !f.Before.IsZero() {
		with("compared_at < ?", micros(f.Before))
	}
	if f.Differing {
		all = append(all, "theirs <> '' AND theirs <> ours")
	}
	return strings.Join(all, " AND "), args
}

// List implements shadow.Store.
func (s *Shadow) List(ctx context.Context, f shadow.Filter, limit int) ([]shadow.Comparison, error) {
	conditions, args := filtered(f)
	var rows []comparisonRow
	err := s.db.view(ctx, "list comparisons", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT id, caller, request_id, external_id, ours, theirs, refused, compared_at FROM shadow_comparisons WHERE `+
			conditions+` ORDER BY compared_at DESC, id DESC LIMIT ?`, append(args, limit)...)
	})
	if err != nil {
		return nil, err
	}
	all := make([]shadow.Comparison, len(rows))
	for i, r := range rows {
		all[i] = r.comparison()
	}
	return all, nil
}

// Tally implements shadow.Store.
func (s *Shadow) Tally(ctx context.Context, f shadow.Filter) ([]shadow.Tally, error) {
	conditions, args := filtered(f)
	var rows []struct {
		Caller string `db:"caller"`
		Ours   string `db:"ours"`
		Theirs string `db:"theirs"`
		N      int    `db:"n"`
	}
	err := s.db.view(ctx, "tally comparisons", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT caller, ours, theirs, COUNT(*) AS n FROM shadow_comparisons WHERE `+
			conditions+` GROUP BY caller, ours, theirs ORDER BY caller, ours, theirs`, args...)
	})
	if err != nil {
		return nil, err
	}
	all := make([]shadow.Tally, len(rows))
	for i, r := range rows {
		all[i] = shadow.Tally(r)
	}
	return all, nil
}

// Forget implements shadow.Store.
func (s *Shadow) Forget(ctx context.Context, before time.Time) (int, error) {
	for forgotten := 0; ; {
		var over []uuid
		err := s.db.view(ctx, "forget comparisons", func(ctx context.Context, conn *sqlx.Conn) error {
			over = nil
			return conn.SelectContext(ctx, &over, `SELECT id FROM shadow_comparisons WHERE compared_at < ? ORDER BY compared_at, id LIMIT ?`, micros(before), forgetBatch)
		})
		if err != nil || len(over) == 0 {
			return forgotten, err
		}
		err = s.db.transact(ctx, "forget comparisons", func(ctx context.Context, t *tx) error {
			query, args, err := sqlx.In(`DELETE FROM shadow_comparisons WHERE id IN (?)`, over)
			if err != nil {
				return err
			}
			// Not prepared: there is a text for each length of the list.
			_, err = t.conn.ExecContext(ctx, query, args...)
			return err
		})
		if err != nil {
			return forgotten, err
		}
		if forgotten += len(over); len(over) < forgetBatch {
			return forgotten, nil
		}
	}
}
