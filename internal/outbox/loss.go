package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

// Unpublisher is what Losses needs of the outbox.
type Unpublisher interface {
	// Unpublish makes due up to limit rows of some lanes that were published,
	// with an id above after, by id. It leaves those made after before, those
	// under a lease until that has run out, and those whose next attempt is still
	// to come. It says how many rows it found, and the last one's id.
	Unpublish(ctx context.Context, lanes []lane.Lane, after registration.ID, before, now time.Time, limit int) (rows int, last registration.ID, err error)
}

const (
	// lossDelay is between the first word of a loss and what is done about it:
	// there will be others, and publications to the log that was lost are still
	// being marked.
	lossDelay = 2 * time.Second
	lossBatch = 100 // rows in a transaction: on SQLite it keeps all others waiting
)

// Losses has published again what the queue has lost, which would else wait for
// its Grace. One-time codes are not concerned: they stay due until a notifier
// has them.
type Losses struct {
	store Unpublisher
	now   func() time.Time
	log   *slog.Logger

	mu    sync.Mutex
	lanes map[lane.Lane]bool
	since time.Time     // when the first of them was told of
	told  chan struct{} // of one
}

// NewLosses does nothing until Run.
func NewLosses(store Unpublisher, now func() time.Time, log *slog.Logger) *Losses {
	return &Losses{store: store, now: now, log: log, lanes: map[lane.Lane]bool{}, told: make(chan struct{}, 1)}
}

// Tell takes note that messages of some lanes may be lost. It does not wait.
func (l *Losses) Tell(lanes []lane.Lane) {
	l.mu.Lock()
	if len(l.lanes) == 0 {
		l.since = l.now()
	}
	for _, one := range lanes {
		l.lanes[one] = true
	}
	l.mu.Unlock()
	select {
	case l.told <- struct{}{}:
	default:
	}
}

// take gives the lanes that were told of, and since when.
func (l *Losses) take() (lanes []lane.Lane, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range lane.All() {
		if l.lanes[one] {
			lanes = append(lanes, one)
		}
	}
	clear(l.lanes)
	return lanes, l.since
}

// Run makes due what was lost, for whichever relay leads, until ctx ends. Any
// number of processes may do so for the same loss. The error is always nil: what
// fails is tried again.
func (l *Losses) Run(ctx context.Context) error {
	database := condition{log: l.log, now: l.now, what: "database"}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.told:
		}
		pause(ctx, lossDelay)
		lanes, before := l.take() // what is made later goes into the new log
		rows, after := 0, registration.ID{}
		wait := newBackoff(backoffFirst)
		for ctx.Err() == nil {
			n, last, err := l.unpublish(ctx, lanes, after, before)
			if err != nil {
				database.ill(err)
				pause(ctx, wait.NextBackOff())
				continue
			}
			database.well()
			wait.Reset()
			rows, after = rows+n, last
			if n < lossBatch {
				break
			}
		}
		if rows > 0 {
			l.log.WarnContext(ctx, "outbox: the queue has lost messages; those that are not settled are published again", "lanes", lanes, "messages", rows)
		}
	}
}

func (l *Losses) unpublish(ctx context.Context, lanes []lane.Lane, after registration.ID, before time.Time) (int, registration.ID, error) {
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return l.store.Unpublish(limited, lanes, after, before, l.now(), lossBatch)
}
