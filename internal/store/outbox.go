package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// Outbox implements outbox.Store.
type Outbox struct{ db *DB }

// Outbox gives the rows of notifications that are not settled.
func (db *DB) Outbox() *Outbox { return &Outbox{db} }

// Due implements outbox.Store.
func (o *Outbox) Due(ctx context.Context, lanes []lane.Lane, now time.Time, limit int) ([]lane.Message, error) {
	if len(lanes) == 0 {
		return nil, nil
	}
	query, args, err := sqlx.In(selectDue, lanes, micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("store: due: %w", err)
	}
	var rows []struct {
		ID          uuid   `db:"notification_id"`
		Lane        string `db:"lane"`
		Recipient   uint16 `db:"recipient"`
		Deadline    int64  `db:"deadline"`
		TraceParent string `db:"trace_parent"`
	}
	err = o.db.view(ctx, "due", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, query, args...)
	})
	if err != nil {
		return nil, err
	}
	messages := make([]lane.Message, len(rows))
	for i, r := range rows {
		messages[i] = lane.Message{NotificationID: registration.ID(r.ID), Lane: lane.Lane(r.Lane), Recipient: r.Recipient, Deadline: timeOf(r.Deadline), TraceParent: r.TraceParent}
	}
	return messages, nil
}

const selectDue = `SELECT notification_id, lane, recipient, deadline, trace_parent FROM outbox
	WHERE lane IN (?) AND due_at <= ? ORDER BY due_at, notification_id LIMIT ?`

// Overdue implements notify.Sweeper: a row's due time is when somebody is to
// look at it again.
func (o *Outbox) Overdue(ctx context.Context, l lane.Lane, now time.Time, limit int) ([]lane.Message, error) {
	return o.Due(ctx, []lane.Lane{l}, now, limit)
}

// dueAfter is a time for a row, but for one whose notification is held to the end of
// that lease, and one whose next attempt is still to come that time: what is
// noted late must not undo what the ledger has decided in the meantime. It takes
// the present, clockTolerance, the present, and the time.
const dueAfter = `COALESCE((SELECT CASE
		WHEN n.lease_until > ? THEN n.lease_until + ?
		WHEN n.state = 'QUEUED' AND n.next_attempt_at > ? THEN n.next_attempt_at
	END FROM notifications n WHERE n.id = outbox.notification_id), ?`

// updatePublished moves rows to the end of their grace. due_at goes first:
// MariaDB assigns from left to right. A row that waits for its deadline, since
// its campaign was paused meanwhile, stays so.
var updatePublished = `UPDATE outbox SET due_at = CASE WHEN due_at >= deadline AND deadline > ? THEN due_at ELSE ` + dueAfter + ` + ` + graceMicros() + `) END, publications = publications + 1 WHERE notification_id IN (?)`

// graceMicros is outbox.Grace of the publication that a row is about to count,
// in SQL.
func graceMicros() string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, l := range lane.All() {
		if outbox.Grace(l, 1) != outbox.Grace("", 1) {
			fmt.Fprintf(&b, " WHEN lane = '%s' THEN %s", l, graceOf(l))
		}
	}
	fmt.Fprintf(&b, " ELSE %s END", graceOf(""))
	return b.String()
}

// graceOf is outbox.Grace of one lane, in SQL.
func graceOf(l lane.Lane) string {
	var b strings.Builder
	b.WriteString("CASE publications")
	n := 1
	for ; outbox.Grace(l, n) != outbox.Grace(l, n+1); n++ {
		fmt.Fprintf(&b, " WHEN %d THEN %d", n-1, outbox.Grace(l, n).Microseconds())
	}
	fmt.Fprintf(&b, " ELSE %d END", outbox.Grace(l, n).Microseconds())
	return b.String()
}

// Published implements outbox.Store.
func (o *Outbox) Published(ctx context.Context, under *lease.Lease, ids []registration.ID, begun time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	at := micros(begun)
	for some := range slices.Chunk(ids, markMost) {
		// The leader's rows are those that nobody waits for.
		err := o.db.transactAs(ctx, "published", under != nil, func(ctx context.Context, t *tx) error {
			if under != nil {
				if err := t.underLease(ctx, *under); err != nil {
					return err
				}
			}
			_, err := t.exec(ctx, updatePublished, at, at, clockTolerance.Microseconds(), at, at, uuids(some))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// markMost is how many rows one transaction marks: on SQLite it keeps all
// others waiting.
const markMost = 100

// Unpublish implements outbox.Unpublisher. Rows that wait for their deadline are
// those of campaigns that are paused: they stay so.
func (o *Outbox) Unpublish(ctx context.Context, lanes []lane.Lane, after registration.ID, before, now time.Time, limit int) (rows int, last registration.ID, err error) {
	if len(lanes) == 0 {
		return 0, after, nil
	}
	query, args, err := sqlx.In(selectUnsettled, uuid(after), lanes, micros(before), limit)
	if err != nil {
		return 0, after, fmt.Errorf("store: unpublish: %w", err)
	}
	var ids []uuid
	err = o.db.view(ctx, "unpublish", func(ctx context.Context, conn *sqlx.Conn) error {
		ids = nil
		return conn.SelectContext(ctx, &ids, query, args...)
	})
	if err != nil || len(ids) == 0 {
		return 0, after, err
	}
	at := micros(now)
	err = o.db.transactAs(ctx, "unpublish", true, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE outbox SET due_at = `+dueAfter+`) WHERE due_at <> deadline AND notification_id IN (?)`, at, clockTolerance.Microseconds(), at, at, ids)
		return err
	})
	if err != nil {
		return 0, after, err
	}
	return len(ids), registration.ID(ids[len(ids)-1]), nil
}

// selectUnsettled goes by the primary key, not by due_at, which a relay moves meanwhile.
const selectUnsettled = `SELECT notification_id FROM outbox
	WHERE notification_id > ? AND lane IN (?) AND publications > 0 AND created_at <= ? AND due_at <> deadline ORDER BY notification_id LIMIT ?`

// Depth implements outbox.Store.
func (o *Outbox) Depth(ctx context.Context) (rows int, oldest time.Time, err error) {
	var row struct {
		Rows   int    `db:"n"`
		Oldest *int64 `db:"oldest"`
	}
	err = o.db.view(ctx, "depth", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &row, `SELECT COUNT(*) AS n, MIN(created_at) AS oldest FROM outbox`)
	})
	if err != nil || row.Oldest == nil {
		return 0, time.Time{}, err
	}
	return row.Rows, timeOf(*row.Oldest), nil
}
