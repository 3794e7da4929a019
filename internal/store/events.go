package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/event"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// Events implements outbox.EventStore.
type Events struct{ db *DB }

// Events gives the events that no broker has yet, or that are kept for Feed.
func (db *DB) Events() *Events { return &Events{db} }

const (
	insertEvent  = `INSERT INTO events (id, position, type, subject, happened_at, trace_parent, data) VALUES `
	lastPosition = `SELECT COALESCE(MAX(position), 0) AS position FROM events WHERE subject = ?`
)

// Record implements registration.Store.
func (a *Accounts) Record(ctx context.Context, entry registration.AuditEntry, events []registration.Event) error {
	rows, err := eventRows(events)
	if err != nil {
		return fmt.Errorf("store: record: %w", err)
	}
	record, err := a.db.recordFor(entry, audit.Record{})
	if err != nil {
		return fmt.Errorf("store: record: %w", err)
	}
	return a.db.transact(ctx, "record", func(ctx context.Context, t *tx) error {
		err := t.writeEvents(ctx, rows)
		if err == nil {
			err = t.audit(ctx, record)
		}
		if a.db.dialect.classify(err).class == duplicate {
			// The attempt before was committed after all, or the same call at another
			// server: it is recorded.
			if !t.again {
				a.db.auditor.GiveBack(record)
			}
			return nil
		}
		return err
	})
}

// insertEvents stores events in the transaction of what happened, in their
// order and behind those of the same registrations. Events of one registration
// are made one transaction after the other: whoever makes one has written a row
// of the registration's first.
func insertEvents(ctx context.Context, t *tx, events []registration.Event) error {
	rows, err := eventRows(events)
	if err != nil {
		return fmt.Errorf("store: events: %w", err)
	}
	last := map[registration.ID]int64{}
	for i, r := range rows {
		if r.subject.IsZero() {
			continue
		}
		if _, known := last[r.subject]; !known {
			// Not locked: what another transaction is about to commit for the same
			// registration happened at the same time as this.
			var found []struct {
				Position int64 `db:"position"`
			}
			if err := t.query(ctx, &found, lastPosition, r.subject[:]); err != nil {
				return err
			}
			last[r.subject] = found[0].Position
		}
		rows[i].position = max(r.position, last[r.subject]+1)
		last[r.subject] = rows[i].position
	}
	return t.writeEvents(ctx, rows)
}

// eventRow is a row of events.
type eventRow struct {
	id, subject registration.ID
	position    int64
	values      []any // of the other columns
}

// eventRows are rows in the order of events; of one subject, each is a
// microsecond at least behind the one before.
func eventRows(events []registration.Event) ([]eventRow, error) {
	rows := make([]eventRow, len(events))
	for i, e := range events {
		published, err := event.Of(e)
		if err != nil {
			return nil, err
		}
		var subject any // NULL
		if !e.AccountID.IsZero() {
			subject = e.AccountID[:]
		}
		at := micros(e.At)
		rows[i] = eventRow{id: e.ID, subject: e.AccountID, position: at + int64(i), values: []any{published.Type, subject, at, e.TraceParent, string(published.Data)}}
	}
	return rows, nil
}

func (t *tx) writeEvents(ctx context.Context, rows []eventRow) error {
	if len(rows) == 0 {
		return nil
	}
	values := make([]any, 0, 7*len(rows))
	for _, r := range rows {
		values = append(append(values, r.id[:], r.position), r.values...)
	}
	return t.run(ctx, statement(insertEvent+tuples(len(rows), 7)), values...)
}

// Waiting implements outbox.EventStore.
func (e *Events) Waiting(ctx context.Context, limit int) ([]event.Event, error) {
	var rows []waitingRow
	err := e.db.view(ctx, "waiting events", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT id, type, subject, happened_at, trace_parent, data FROM events ORDER BY position, id LIMIT ?`, limit)
	})
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, nil
}

// Delete implements outbox.EventStore.
func (e *Events) Delete(ctx context.Context, under lease.Lease, ids []registration.ID) error {
	if len(ids) == 0 {
		return nil
	}
	return e.db.transact(ctx, "delete events", func(ctx context.Context, t *tx) error {
		if err := t.underLease(ctx, under); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM events WHERE id IN (?)`, uuids(ids))
		return err
	})
}

// Depth implements outbox.EventStore.
func (e *Events) Depth(ctx context.Context) (rows int, oldest time.Time, err error) {
	var row struct {
		Rows   int    `db:"n"`
		Oldest *int64 `db:"oldest"`
	}
	err = e.db.view(ctx, "depth of events", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &row, `SELECT COUNT(*) AS n, MIN(position) AS oldest FROM events`)
	})
	if err != nil || row.Oldest == nil {
		return 0, time.Time{}, err
	}
	return row.Rows, timeOf(*row.Oldest), nil
}
