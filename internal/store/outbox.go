package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/lane"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// Outbox implements outbox.Store.
type Outbox struct{ db *DB }

// Outbox gives the rows of notifications that are not settled.
func (db *DB) Outbox() *Outbox { return &Outbox{db} }

// Due implements outbox.Store.
func (o *Outbox) Due(ctx context.Context, now time.Time, limit int) ([]lane.Message, error) {
	var rows []struct {
		ID          uuid   `db:"notification_id"`
		Lane        string `db:"lane"`
		Recipient   uint16 `db:"recipient"`
		Deadline    int64  `db:"deadline"`
		TraceParent string `db:"trace_parent"`
	}
	err := o.db.view(ctx, "due", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT notification_id, lane, recipient, deadline, trace_parent FROM outbox
			WHERE due_at <= ? ORDER BY due_at, notification_id LIMIT ?`, micros(now), limit)
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

// updatePublished moves rows to the end of their grace, but a row whose
// notification is held to the end of that lease, and one whose next attempt is
// still to come to that time: a publication that is noted late must not put
// off what the ledger has decided in the meantime. due_at goes first: MariaDB
// assigns from left to right.
var updatePublished = `UPDATE outbox SET due_at = COALESCE((SELECT CASE
		WHEN n.lease_until > ? THEN n.lease_until + ?
		WHEN n.state = 'QUEUED' AND n.next_attempt_at > ? THEN n.next_attempt_at
	END FROM notifications n WHERE n.id = outbox.notification_id), ? + ` + graceMicros() + `), publications = publications + 1 WHERE notification_id IN (?)`

// graceMicros is outbox.Grace of the publication that a row is about to count,
// in SQL.
func graceMicros() string {
	var b strings.Builder
	b.WriteString("CASE publications")
	n := 1
	for ; outbox.Grace(n) != outbox.Grace(n+1); n++ {
		fmt.Fprintf(&b, " WHEN %d THEN %d", n-1, outbox.Grace(n).Microseconds())
	}
	fmt.Fprintf(&b, " ELSE %d END", outbox.Grace(n).Microseconds())
	return b.String()
}

// Published implements outbox.Store.
func (o *Outbox) Published(ctx context.Context, lease *outbox.Lease, ids []registration.ID, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	at := micros(now)
	return o.db.transact(ctx, "published", func(ctx context.Context, t *tx) error {
		if lease != nil {
			if err := t.underLease(ctx, *lease); err != nil {
				return err
			}
		}
		_, err := t.exec(ctx, updatePublished, at, clockTolerance.Microseconds(), at, at, uuids(ids))
		return err
	})
}

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
