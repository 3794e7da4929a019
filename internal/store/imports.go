package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// importRow is a row of imports.
type importRow struct {
	ID          []byte `db:"id"`
	Caller      string `db:"caller"`
	Source      string `db:"source"`
	Fingerprint []byte `db:"fingerprint"`
	State       string `db:"state"`
	Position    string `db:"position"`
	Read        int64  `db:"rows_read"`
	Stored      int64  `db:"rows_stored"`
	Present     int64  `db:"rows_present"`
	Refused     int64  `db:"rows_refused"`
	Done        int64  `db:"done"`
	Total       int64  `db:"total"`
	Tally       string `db:"tally"`
	Rejects     string `db:"rejects"`
	RejectsSize int64  `db:"rejects_size"`
	StartedAt   int64  `db:"started_at"`
	UpdatedAt   int64  `db:"updated_at"`
	EndedAt     int64  `db:"ended_at"`
	Revision    uuid   `db:"revision"`
}

const (
	importColumns = `id, caller, source, fingerprint, state, position, rows_read, rows_stored, rows_present, rows_refused, done, total, tally,
	rejects, rejects_size, started_at, updated_at, ended_at, revision`
	importCount = 19

	selectImport = `SELECT ` + importColumns + ` FROM imports`
	insertImport = `INSERT INTO imports (` + importColumns + `) VALUES `
	updateImport = `UPDATE imports SET caller = ?, source = ?, fingerprint = ?, state = ?, position = ?, rows_read = ?, rows_stored = ?, rows_present = ?, rows_refused = ?,
	done = ?, total = ?, tally = ?, rejects = ?, rejects_size = ?, started_at = ?, updated_at = ?, ended_at = ?, revision = ? WHERE id = ? AND revision = ?`
)

// importValues are the columns of an import, in the order of importColumns.
func importValues(i transfer.Import) ([]any, error) {
	tally, err := json.Marshal(i.Tally)
	if err != nil {
		return nil, fmt.Errorf("store: import: %w", err)
	}
	return []any{
		i.ID[:], i.Caller, i.Source, i.Fingerprint[:], string(i.State), string(i.Position), i.Read, i.Stored, i.Present, i.Refused, i.Done, i.Total, string(tally),
		i.Rejects, i.RejectsSize, micros(i.StartedAt), micros(i.UpdatedAt), micros(i.EndedAt), i.Revision[:],
	}, nil
}

func (r importRow) imported() (transfer.Import, error) {
	i := transfer.Import{
		Caller: r.Caller, Source: r.Source, State: transfer.State(r.State), Position: transfer.Position(r.Position),
		Read: r.Read, Stored: r.Stored, Present: r.Present, Refused: r.Refused, Done: r.Done, Total: r.Total,
		Rejects: r.Rejects, RejectsSize: r.RejectsSize, StartedAt: timeOf(r.StartedAt), UpdatedAt: timeOf(r.UpdatedAt), EndedAt: timeOf(r.EndedAt),
		Revision: registration.ID(r.Revision),
	}
	copy(i.ID[:], r.ID)
	copy(i.Fingerprint[:], r.Fingerprint)
	if err := json.Unmarshal([]byte(r.Tally), &i.Tally); err != nil {
		return i, errColumn
	}
	return i, nil
}

// Imports gives all imports, the one that was changed last first.
func (p *People) Imports(ctx context.Context) ([]transfer.Import, error) {
	var rows []importRow
	err := p.db.view(ctx, "imports", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectImport+` ORDER BY updated_at DESC, id`)
	})
	if err != nil {
		return nil, err
	}
	all := make([]transfer.Import, len(rows))
	for i, r := range rows {
		if all[i], err = r.imported(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Begin implements transfer.Store.
func (p *People) Begin(ctx context.Context, first transfer.Import, restart bool) (begun transfer.Import, err error) {
	err = p.db.transact(ctx, "begin import", func(ctx context.Context, t *tx) error {
		before, err := t.importBy(ctx, p.db.dialect, first.ID)
		switch {
		case errors.Is(err, registration.ErrNotFound):
			begun = first
			return t.insertImport(ctx, p.db.dialect, first)
		case err != nil:
			return err
		case before.Revision == first.Revision: // an attempt before this one
			begun = before
			return nil
		case before.State == transfer.Open && !restart && before.Fingerprint != first.Fingerprint:
			return answer{transfer.ErrChanged}
		}
		begun = first
		if before.State == transfer.Open && !restart {
			begun = before
			begun.Revision, begun.UpdatedAt = first.Revision, first.UpdatedAt
			if first.Rejects != "" {
				begun.Rejects = first.Rejects
			}
		}
		return t.updateImport(ctx, before.Revision, begun)
	})
	return begun, err
}

// importBy gives an import, and locks its row.
func (t *tx) importBy(ctx context.Context, d dialect, id [32]byte) (transfer.Import, error) {
	var rows []importRow
	if err := t.query(ctx, &rows, selectImport+` WHERE id = ?`+d.forUpdate, id[:]); err != nil {
		return transfer.Import{}, err
	}
	if len(rows) == 0 {
		return transfer.Import{}, registration.ErrNotFound
	}
	return rows[0].imported()
}

func (t *tx) insertImport(ctx context.Context, d dialect, i transfer.Import) error {
	values, err := importValues(i)
	if err != nil {
		return err
	}
	err = t.run(ctx, statement(insertImport+tuples(1, importCount)), values...)
	if d.classify(err).class == duplicate {
		return errAborted // another process has begun it just now
	}
	return err
}

// updateImport changes an import that is still as it was.
func (t *tx) updateImport(ctx context.Context, was registration.ID, i transfer.Import) error {
	values, err := importValues(i)
	if err != nil {
		return err
	}
	n, err := t.exec(ctx, updateImport, append(values[1:], i.ID[:], was[:])...)
	if err == nil && n != 1 {
		return answer{transfer.ErrOvertaken}
	}
	return err
}
