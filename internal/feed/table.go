package feed

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"registrar/internal/event"
	"registrar/internal/sweep"
)

// Placed is an event with its number in a Table. Numbers grow; some are missing.
type Placed struct {
	event.Event
	Number int64
}

// Bounds are the numbers that a Table has.
type Bounds struct {
	Dropped int64 // no event up to this one may be there any more; 0 for none
	Latest  int64 // the last one; 0 for none
}

// Table keeps events in the order in which they were committed.
type Table interface {
	// Bounds gives every event that was committed its number, before it says
	// what numbers there are. Errors: registration.ErrUnavailable.
	Bounds(ctx context.Context) (Bounds, error)
	// Since gives the number of the first event that happened at a time or later;
	// 0 for none.
	Since(ctx context.Context, at time.Time) (int64, error)
	// After gives the events behind a number, at most limit, and what bounds
	// there are after that. Errors: registration.ErrUnavailable.
	After(ctx context.Context, number int64, limit int) ([]Placed, Bounds, error)
}

const (
	tableLimit = 500
	tablePause = 300 * time.Millisecond // between two looks of a reader that has all
)

// TableReader reads a Table.
type TableReader struct {
	table  Table
	after  int64
	opened int64 // the last that was there at the beginning
	idle   bool  // the last look found all that there was
	ended  bool  // all that was there at the beginning was given
}

// OpenTable begins to read. Errors: ErrPosition, ErrDropped, ErrEarly, registration.ErrUnavailable.
func OpenTable(ctx context.Context, t Table, from From) (*TableReader, error) {
	bounds, err := t.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	r := &TableReader{table: t, after: bounds.Dropped, opened: bounds.Latest}
	switch {
	case from.Now:
		r.after = bounds.Latest
	case !from.Time.IsZero():
		if err := reaches(ctx, t, bounds, from); err != nil {
			return nil, err
		}
		first, err := t.Since(ctx, from.Time)
		if err != nil {
			return nil, err
		}
		if r.after = bounds.Latest; first > 0 {
			r.after = first - 1
		}
	case from.Position != "":
		if r.after, err = strconv.ParseInt(string(from.Position), 10, 64); err != nil || r.after < 0 || r.after > bounds.Latest {
			return nil, ErrPosition
		}
		if r.after < bounds.Dropped {
			return nil, ErrDropped
		}
	}
	r.ended = r.after >= r.opened
	return r, nil
}

// reaches says by ErrEarly that a Table may have dropped events since a time: where it
// has dropped some, and the time is neither recent nor behind one that it still has.
func reaches(ctx context.Context, t Table, bounds Bounds, from From) error {
	if bounds.Dropped == 0 || time.Since(from.Time) < from.Kept {
		return nil
	}
	oldest, _, err := t.After(ctx, bounds.Dropped, 1)
	if err != nil {
		return err
	}
	if len(oldest) == 0 || !oldest[0].At.Before(from.Time) {
		return ErrEarly
	}
	return nil
}

// Next implements Reader.
func (r *TableReader) Next(ctx context.Context) ([]Item, error) {
	if r.idle {
		timer := time.NewTimer(tablePause/2 + rand.N(tablePause)) //nolint:gosec // jitter
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	placed, bounds, err := r.table.After(ctx, r.after, tableLimit)
	if err != nil {
		return nil, err
	}
	if r.after < bounds.Dropped {
		return nil, ErrDropped
	}
	r.idle = len(placed) < tableLimit
	items := make([]Item, len(placed))
	for i, p := range placed {
		items[i] = Item{p.Event, Position(strconv.FormatInt(p.Number, 10))}
		r.after = p.Number
	}
	r.ended = r.ended || len(placed) == 0 || r.after >= r.opened
	return items, nil
}

// End implements Reader.
func (r *TableReader) End() bool { return r.ended }

// Forgetful is a Table that forgets.
type Forgetful interface {
	// Forget drops the events that happened before a time, in small
	// transactions, and says how many. Errors: registration.ErrUnavailable.
	Forget(ctx context.Context, before time.Time) (int, error)
}

// Sweep forgets the events that are older than keep, about every hour until ctx
// ends. The error is always nil.
func Sweep(ctx context.Context, t Forgetful, keep time.Duration, log *slog.Logger) error {
	return sweep.Sweep{
		What: "feed: old events", Every: min(time.Hour, keep), Timeout: 5 * time.Minute, Log: log,
		Forget: func(ctx context.Context, now time.Time) error {
			n, err := t.Forget(ctx, now.Add(-keep))
			if n > 0 {
				log.InfoContext(ctx, "feed: old events are forgotten", "events", n)
			}
			return err
		},
	}.Run(ctx)
}
