package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

// Diffs implements diff.Store.
type Diffs struct{ db *DB }

// Diffs gives the comparisons with other systems' tables.
func (db *DB) Diffs() *Diffs { return &Diffs{db} }

const (
	selectDiff = `SELECT id, caller, source, fingerprint, phase, position, progress, started_at, updated_at, ended_at, revision FROM diffs WHERE id = ?`
	insertDiff = `INSERT INTO diffs (id, caller, source, fingerprint, phase, position, progress, started_at, updated_at, ended_at, revision) VALUES (?,?,?,?,?,?,?,?,?,?,?)`
	updateDiff = `UPDATE diffs SET caller = ?, source = ?, fingerprint = ?, phase = ?, position = ?, progress = ?, started_at = ?, updated_at = ?, ended_at = ?, revision = ?
	WHERE id = ? AND revision = ?`

	findingsAtOnce = 500
)

type diffRow struct {
	ID          []byte `db:"id"`
	Caller      string `db:"caller"`
	Source      string `db:"source"`
	Fingerprint []byte `db:"fingerprint"`
	Phase       string `db:"phase"`
	Position    string `db:"position"`
	Progress    string `db:"progress"`
	StartedAt   int64  `db:"started_at"`
	UpdatedAt   int64  `db:"updated_at"`
	EndedAt     int64  `db:"ended_at"`
	Revision    uuid   `db:"revision"`
}

func (r diffRow) diff() (diff.Diff, error) {
	d := diff.Diff{
		Caller: r.Caller, Source: r.Source, Phase: diff.Phase(r.Phase), Position: r.Position,
		StartedAt: timeOf(r.StartedAt), UpdatedAt: timeOf(r.UpdatedAt), EndedAt: timeOf(r.EndedAt), Revision: registration.ID(r.Revision),
	}
	copy(d.ID[:], r.ID)
	copy(d.Fingerprint[:], r.Fingerprint)
	if err := json.Unmarshal([]byte(r.Progress), &d.Progress); err != nil {
		return d, errColumn
	}
	return d, nil
}

// diffValues are the columns of a diff but its id, in the order of selectDiff.
func diffValues(d diff.Diff) ([]any, error) {
	progress, err := json.Marshal(d.Progress)
	if err != nil {
		return nil, fmt.Errorf("store: diff: %w", err)
	}
	return []any{
		d.Caller, d.Source, d.Fingerprint[:], string(d.Phase), d.Position, string(progress), micros(d.StartedAt), micros(d.UpdatedAt), micros(d.EndedAt), d.Revision[:],
	}, nil
}

// Begin implements diff.Store.
func (s *Diffs) Begin(ctx context.Context, first diff.Diff, restart bool) (begun diff.Diff, err error) {
	goesOn := false
	err = s.db.transact(ctx, "begin diff", func(ctx context.Context, t *tx) error {
		begun, goesOn = first, false
		var rows []diffRow
		if err := t.query(ctx, &rows, selectDiff+s.db.dialect.forUpdate, first.ID[:]); err != nil {
			return err
		}
		values, err := diffValues(first)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			err := t.run(ctx, insertDiff, append([]any{first.ID[:]}, values...)...)
			if s.db.dialect.classify(err).class == duplicate {
				return errAborted // another process has begun it just now
			}
			return err
		}
		before, err := rows[0].diff()
		if err != nil {
			return err
		}
		if before.Revision == first.Revision { // by an attempt before this one
			begun, goesOn = before, !before.StartedAt.Equal(first.StartedAt)
			return nil
		}
		if goesOn = before.Phase != diff.Done && !restart && before.Fingerprint == first.Fingerprint; goesOn {
			begun = before
			begun.Revision = first.Revision
			if values, err = diffValues(begun); err != nil {
				return err
			}
		}
		_, err = t.exec(ctx, updateDiff, append(values, first.ID[:], before.Revision[:])...)
		return err
	})
	if err != nil || goesOn {
		return begun, err
	}
	for _, kind := range diff.Kinds() {
		if err := s.withdrawAll(ctx, first.ID, kind); err != nil {
			return begun, err
		}
	}
	return begun, nil
}

// withdrawAll removes all findings of a kind, in small transactions.
func (s *Diffs) withdrawAll(ctx context.Context, id [32]byte, kind diff.Kind) error {
	for {
		some, err := s.Findings(ctx, id, kind, "", findingsAtOnce)
		if err != nil || len(some) == 0 {
			return err
		}
		keys := make([]string, len(some))
		for i, f := range some {
			keys[i] = f.Key
		}
		if err := s.Withdraw(ctx, id, kind, keys); err != nil {
			return err
		}
	}
}

// Save implements diff.Store.
func (s *Diffs) Save(ctx context.Context, was registration.ID, d diff.Diff, findings []diff.Finding) error {
	values, err := diffValues(d)
	if err != nil {
		return err
	}
	return s.db.transactAs(ctx, "save diff", true, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, updateDiff, append(values[:len(values):len(values)], d.ID[:], was[:])...)
		if err != nil {
			return err
		}
		if n != 1 {
			var rows []diffRow
			if err := t.query(ctx, &rows, selectDiff, d.ID[:]); err != nil {
				return err
			}
			if len(rows) == 1 && registration.ID(rows[0].Revision) == d.Revision {
				return nil // by an attempt before this one
			}
			return answer{transfer.ErrOvertaken}
		}
		for len(findings) > 0 {
			some := findings[:min(findingsAtOnce, len(findings))]
			findings = findings[len(some):]
			if err := t.writeFindings(ctx, d.ID, some); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeFindings puts findings in the place of those of the same kind and key. A
// table may have a key twice.
func (t *tx) writeFindings(ctx context.Context, id [32]byte, findings []diff.Finding) error {
	values, kinds := make([]any, 0, 4*len(findings)), map[diff.Kind]map[string]string{}
	for _, f := range findings {
		if kinds[f.Kind] == nil {
			kinds[f.Kind] = map[string]string{}
		}
		kinds[f.Kind][f.Key] = strings.Join(f.Fields, ",")
	}
	for kind, fields := range kinds {
		keys := make([]string, 0, len(fields))
		for key, names := range fields {
			keys = append(keys, key)
			values = append(values, id[:], string(kind), key, names)
		}
		if err := t.withdraw(ctx, id, kind, keys); err != nil {
			return err
		}
	}
	// Not prepared, here and in withdraw: there is a text for each number of rows.
	_, err := t.conn.ExecContext(ctx, `INSERT INTO diff_findings (diff_id, kind, item, fields) VALUES `+tuples(len(values)/4, 4), values...)
	return err
}

func (t *tx) withdraw(ctx context.Context, id [32]byte, kind diff.Kind, keys []string) error {
	query, args, err := sqlx.In(`DELETE FROM diff_findings WHERE diff_id = ? AND kind = ? AND item IN (?)`, id[:], string(kind), keys)
	if err != nil {
		return err
	}
	_, err = t.conn.ExecContext(ctx, query, args...)
	return err
}

// Withdraw implements diff.Store.
func (s *Diffs) Withdraw(ctx context.Context, id [32]byte, kind diff.Kind, keys []string) error {
	return s.db.transactAs(ctx, "withdraw findings", true, func(ctx context.Context, t *tx) error { return t.withdraw(ctx, id, kind, keys) })
}

// People implements diff.Store.
func (s *Diffs) People(ctx context.Context, caller string, externalIDs []string) (map[string]transfer.Person, error) {
	people := make(map[string]transfer.Person, len(externalIDs))
	if len(externalIDs) == 0 {
		return people, nil
	}
	query, args, err := sqlx.In(selectPeople+`a.caller = ? AND a.external_id IN (?)`, caller, externalIDs)
	if err != nil {
		return nil, fmt.Errorf("store: people: %w", err)
	}
	var rows []personRow
	err = s.db.view(ctx, "people", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, query, args...)
	})
	for _, r := range rows {
		p := r.person()
		people[p.Account.ExternalID] = p
	}
	return people, err
}

// ExternalIDs implements diff.Store.
func (s *Diffs) ExternalIDs(ctx context.Context, caller, after string, limit int) (ids []string, err error) {
	err = s.db.view(ctx, "external ids", func(ctx context.Context, conn *sqlx.Conn) error {
		ids = nil
		return conn.SelectContext(ctx, &ids, `SELECT external_id FROM accounts WHERE caller = ? AND external_id > ? ORDER BY external_id LIMIT ?`, caller, after, limit)
	})
	return ids, err
}

// Keyless implements diff.Store.
func (s *Diffs) Keyless(ctx context.Context, caller string, after registration.ID, limit int) ([]registration.ID, error) {
	var rows []uuid
	err := s.db.view(ctx, "accounts without an external id", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT id FROM accounts WHERE caller = ? AND external_id IS NULL AND id > ? ORDER BY id LIMIT ?`, caller, after[:], limit)
	})
	ids := make([]registration.ID, len(rows))
	for i, id := range rows {
		ids[i] = registration.ID(id)
	}
	return ids, err
}

// Findings implements diff.Store.
func (s *Diffs) Findings(ctx context.Context, id [32]byte, kind diff.Kind, after string, limit int) ([]diff.Finding, error) {
	var rows []struct {
		Item   string `db:"item"`
		Fields string `db:"fields"`
	}
	err := s.db.view(ctx, "findings", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT item, fields FROM diff_findings WHERE diff_id = ? AND kind = ? AND item > ? ORDER BY item LIMIT ?`, id[:], string(kind), after, limit)
	})
	findings := make([]diff.Finding, len(rows))
	for i, r := range rows {
		findings[i] = diff.Finding{Kind: kind, Key: r.Item}
		if r.Fields != "" {
			findings[i].Fields = strings.Split(r.Fields, ",")
		}
	}
	return findings, err
}

// Found implements diff.Store.
func (s *Diffs) Found(ctx context.Context, id [32]byte, kind diff.Kind, keys []string) (map[string]bool, error) {
	query, args, err := sqlx.In(`SELECT item FROM diff_findings WHERE diff_id = ? AND kind = ? AND item IN (?)`, id[:], string(kind), keys)
	if err != nil {
		return nil, fmt.Errorf("store: findings: %w", err)
	}
	var items []string
	err = s.db.view(ctx, "findings", func(ctx context.Context, conn *sqlx.Conn) error {
		items = nil
		return conn.SelectContext(ctx, &items, query, args...)
	})
	found := make(map[string]bool, len(items))
	for _, item := range items {
		found[item] = true
	}
	return found, err
}

// Count implements diff.Store.
func (s *Diffs) Count(ctx context.Context, id [32]byte) (map[diff.Kind]int64, error) {
	var rows []struct {
		Kind string `db:"kind"`
		N    int64  `db:"n"`
	}
	err := s.db.view(ctx, "findings", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT kind, COUNT(*) AS n FROM diff_findings WHERE diff_id = ? GROUP BY kind`, id[:])
	})
	counts := map[diff.Kind]int64{}
	for _, r := range rows {
		counts[diff.Kind(r.Kind)] = r.N
	}
	return counts, err
}
