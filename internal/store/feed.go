package store

import (
	"context"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/event"
	"registrar/internal/feed"
	"registrar/internal/registration"
)

// Feed implements feed.Table and feed.Forgetful, where there are no brokers.
//
// An event has a position from the moment that it is made, but it is not seen
// before it is committed, and others with later positions may be by then: whoever
// would go on behind the last position that they saw would pass it over. So
// events get numbers once they are committed, from whoever reads them first, in
// one transaction that writes the counter: numbers are committed in their order.
type Feed struct{ db *DB }

// Feed gives the events that are kept for readers.
func (db *DB) Feed() *Feed { return &Feed{db} }

const (
	numberedAtOnce = 200
	droppedAtOnce  = 500

	selectFeed = `SELECT id, type, subject, happened_at, trace_parent, data, sequence FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?`
)

// Bounds implements feed.Table.
func (f *Feed) Bounds(ctx context.Context) (feed.Bounds, error) {
	for {
		n, err := f.number(ctx)
		if err != nil {
			return feed.Bounds{}, err
		}
		if n < numberedAtOnce {
			return f.bounds(ctx)
		}
	}
}

type boundsRow struct {
	Latest  int64 `db:"latest"`
	Dropped int64 `db:"dropped"`
}

const selectBounds = `SELECT latest, dropped FROM event_feed WHERE id = 1`

func (f *Feed) bounds(ctx context.Context) (feed.Bounds, error) {
	var rows []boundsRow
	err := f.db.view(ctx, "feed", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectBounds)
	})
	if err != nil || len(rows) == 0 {
		return feed.Bounds{}, err
	}
	return feed.Bounds{Dropped: rows[0].Dropped, Latest: rows[0].Latest}, nil
}

// number gives numbers to some of the events that have none, and says to how
// many. It writes nothing where there are none.
func (f *Feed) number(ctx context.Context) (numbered int, err error) {
	var some []uuid
	err = f.db.view(ctx, "events without a number", func(ctx context.Context, conn *sqlx.Conn) error {
		some = nil
		return conn.SelectContext(ctx, &some, `SELECT id FROM events WHERE sequence IS NULL LIMIT 1`)
	})
	if err != nil || len(some) == 0 {
		return 0, err
	}
	err = f.db.transact(ctx, "number events", func(ctx context.Context, t *tx) error {
		latest, err := t.latestNumber(ctx, f.db.dialect)
		if err != nil {
			return err
		}
		var ids []uuid
		if err := t.query(ctx, &ids, `SELECT id FROM events WHERE sequence IS NULL ORDER BY position, id LIMIT ?`, numberedAtOnce); err != nil {
			return err
		}
		if numbered = len(ids); numbered == 0 {
			return nil
		}
		cases, args := strings.Builder{}, make([]any, 0, 2*len(ids)+1)
		for i, id := range ids {
			cases.WriteString(" WHEN ? THEN ?")
			args = append(args, id[:], latest+int64(i)+1)
		}
		query, args, err := sqlx.In(`UPDATE events SET sequence = CASE id`+cases.String()+` END WHERE id IN (?)`, append(args, ids)...)
		if err != nil {
			return err
		}
		// Not prepared: there is a text for each number of events.
		if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
			return err
		}
		return t.run(ctx, `UPDATE event_feed SET latest = ? WHERE id = 1`, latest+int64(len(ids)))
	})
	return numbered, err
}

// latestNumber gives the last number that was given out, and locks the counter.
func (t *tx) latestNumber(ctx context.Context, d dialect) (int64, error) {
	var rows []boundsRow
	if err := t.query(ctx, &rows, selectBounds+d.forUpdate); err != nil {
		return 0, err
	}
	if len(rows) > 0 {
		return rows[0].Latest, nil
	}
	err := t.run(ctx, `INSERT INTO event_feed (id, latest, dropped) VALUES (1, 0, 0)`)
	if d.classify(err).class == duplicate {
		return 0, errAborted // another reader has made it just now
	}
	return 0, err
}

// Since implements feed.Table.
func (f *Feed) Since(ctx context.Context, at time.Time) (int64, error) {
	var first int64
	err := f.db.view(ctx, "feed", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &first, `SELECT COALESCE(MIN(sequence), 0) FROM events WHERE sequence IS NOT NULL AND happened_at >= ?`, micros(at))
	})
	return first, err
}

// After implements feed.Table.
func (f *Feed) After(ctx context.Context, number int64, limit int) ([]feed.Placed, feed.Bounds, error) {
	var rows []struct {
		waitingRow
		Sequence int64 `db:"sequence"`
	}
	read := func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectFeed, number, limit)
	}
	err := f.db.view(ctx, "feed", read)
	if err == nil && len(rows) < limit {
		var n int
		if n, err = f.number(ctx); err == nil && n > 0 {
			err = f.db.view(ctx, "feed", read)
		}
	}
	if err != nil {
		return nil, feed.Bounds{}, err
	}
	bounds, err := f.bounds(ctx)
	if err != nil {
		return nil, feed.Bounds{}, err
	}
	placed := make([]feed.Placed, len(rows))
	for i, r := range rows {
		placed[i] = feed.Placed{Event: r.event(), Number: r.Sequence}
	}
	return placed, bounds, nil
}

// waitingRow is an event without its position.
type waitingRow struct {
	ID          uuid   `db:"id"`
	Type        string `db:"type"`
	Subject     []byte `db:"subject"`
	HappenedAt  int64  `db:"happened_at"`
	TraceParent string `db:"trace_parent"`
	Data        []byte `db:"data"`
}

func (r waitingRow) event() event.Event {
	e := event.Event{ID: registration.ID(r.ID), Type: r.Type, At: timeOf(r.HappenedAt), TraceParent: r.TraceParent, Data: r.Data}
	copy(e.Subject[:], r.Subject)
	return e
}

// Forget implements feed.Forgetful. Events that nobody has read get their
// numbers first, so that a reader who comes back sees that they are missing.
func (f *Feed) Forget(ctx context.Context, before time.Time) (forgotten int, err error) {
	if _, err := f.Bounds(ctx); err != nil {
		return 0, err
	}
	for {
		n := 0
		err := f.db.transactAs(ctx, "forget events", true, func(ctx context.Context, t *tx) error {
			n = 0
			if _, err := t.latestNumber(ctx, f.db.dialect); err != nil {
				return err
			}
			var old []struct {
				ID       uuid  `db:"id"`
				Sequence int64 `db:"sequence"`
			}
			if err := t.query(ctx, &old, `SELECT id, sequence FROM events WHERE position < ? AND sequence IS NOT NULL ORDER BY position, id LIMIT ?`, micros(before), droppedAtOnce); err != nil {
				return err
			}
			if n = len(old); n == 0 {
				return nil
			}
			ids, last := make([]uuid, n), int64(0)
			for i, e := range old {
				ids[i], last = e.ID, max(last, e.Sequence)
			}
			if _, err := t.exec(ctx, `DELETE FROM events WHERE id IN (?)`, ids); err != nil {
				return err
			}
			_, err := t.exec(ctx, `UPDATE event_feed SET dropped = CASE WHEN dropped < ? THEN ? ELSE dropped END WHERE id = 1`, last, last)
			return err
		})
		forgotten += n
		if err != nil || n < droppedAtOnce {
			return forgotten, err
		}
	}
}
