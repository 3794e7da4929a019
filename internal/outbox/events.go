package outbox

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"registrar/internal/event"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// EventStore keeps the events that no broker has yet. A row is written in the
// transaction of what happened, and is gone once a broker has the event.
type EventStore interface {
	// Waiting gives up to limit events from the first on, those of one
	// registration in the order in which they happened. There is no cursor: what
	// is committed late is found late, not never.
	Waiting(ctx context.Context, limit int) ([]event.Event, error)
	// Delete removes events that a broker has. The lease's row is checked and
	// written in the same transaction: lease.ErrLost when another holds it. An
	// event that is gone is no error.
	Delete(ctx context.Context, under lease.Lease, ids []registration.ID) error
	// Depth counts the events, and gives the oldest one's time; zero for none.
	Depth(ctx context.Context) (rows int, oldest time.Time, err error)
}

// EventPublisher gives events to a broker and returns when it has them for good.
type EventPublisher interface {
	// Publish says which events the broker has. After an error, the others may
	// be there as well: publish them again. Of one registration's events it has
	// all or none, in their order.
	Publish(ctx context.Context, events []event.Event) (published []registration.ID, err error)
}

// EventObserver is told what happens, for metrics. Any field may be nil. It must not block.
type EventObserver struct {
	Published func(events int)                  // a broker has them
	Failed    func(events int)                  // it is unknown whether a broker has them; they will be published again
	Depth     func(rows int, age time.Duration) // of the events that wait, every 15 s, by the leader alone; the oldest one's age
	Leading   func(bool)                        // whether these Events hold the lease
}

// Events brings events from the database to a broker.
//
// What may be relied on: a committed event is published at least once; the
// first time, it comes behind those that happened to its registration before.
// What may not: that it comes once, or that a repeated one comes at its place.
type Events struct {
	store     EventStore
	publisher EventPublisher
	settings  Settings
	now       func() time.Time
	observe   EventObserver

	lease     lease.Holder
	broker    condition
	database  condition
	lastFound time.Time // when something was waiting
	depthAt   time.Time
}

const eventsLease = "events-relay"

// NewEvents makes Events, which do nothing until Run. Of s, they look at Owner,
// LeaseTTL, Poll, IdlePoll and Batch.
func NewEvents(s Settings, store EventStore, leases lease.Store, publisher EventPublisher, now func() time.Time, log *slog.Logger, observe EventObserver) *Events {
	s = s.withDefaults()
	return &Events{
		store: store, publisher: publisher, settings: s, now: now, observe: observe,
		lease:    lease.Holder{Name: eventsLease, Owner: s.Owner, TTL: s.LeaseTTL, Store: leases, Now: now, Log: log, Changed: observe.Leading},
		broker:   condition{log: log, now: now, what: "queue of events"},
		database: condition{log: log, now: now, what: "database of events"},
	}
}

// Run publishes, while it holds the lease, what is waiting, until ctx ends; then
// it gives the lease up. The error is always nil: what fails is tried again.
func (e *Events) Run(ctx context.Context) error {
	defer e.lease.Release(ctx)
	wait := newBackoff(backoffFirst)
	for ctx.Err() == nil {
		held, err := e.lease.Acquire(ctx)
		switch {
		case err != nil:
			e.database.illUnless(ctx, err)
			pause(ctx, wait.NextBackOff())
			continue
		case !held:
			e.database.well()
			pause(ctx, jitter(e.settings.LeaseTTL/2))
			continue
		}
		found, err := e.round(ctx)
		if err != nil {
			pause(ctx, wait.NextBackOff())
			continue
		}
		wait.Reset()
		e.depth(ctx)
		if found < e.settings.Batch { // else there is more
			pause(ctx, e.interval(found))
		}
	}
	return nil
}

// round publishes one batch from the first event on, deletes what the broker
// has, and says how many were found. Nothing is passed over: what is not
// published stays first, and what comes behind it for the same registration
// stays behind it.
func (e *Events) round(ctx context.Context) (found int, err error) {
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	events, err := e.store.Waiting(limited, e.settings.Batch)
	cancel()
	if err != nil {
		e.database.illUnless(ctx, err)
		return 0, err
	}
	e.database.well()
	if len(events) == 0 {
		return 0, nil
	}
	e.lastFound = e.now()
	published, err := e.publish(ctx, events)
	if len(published) == 0 {
		return len(events), err
	}
	limited, cancel = context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	deleted := e.store.Delete(limited, e.lease.Lease(), published)
	switch {
	case errors.Is(deleted, lease.ErrLost):
		e.lease.Lost()
	case deleted != nil:
		e.database.illUnless(ctx, deleted)
	}
	return len(events), errors.Join(err, deleted)
}

// publish ends before the lease does.
func (e *Events) publish(ctx context.Context, events []event.Event) ([]registration.ID, error) {
	timeout := min(publishTimeout, e.lease.Left())
	if timeout < lease.LeastWork {
		e.lease.Lost()
		return nil, lease.ErrLost
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	published, err := e.publisher.Publish(limited, events)
	if err == nil {
		e.broker.well()
	} else {
		e.broker.illUnless(ctx, err)
		if e.observe.Failed != nil {
			e.observe.Failed(len(events) - len(published))
		}
	}
	if e.observe.Published != nil && len(published) > 0 {
		e.observe.Published(len(published))
	}
	return published, err
}

// interval to the next look: slower when nothing was waiting for a while.
func (e *Events) interval(found int) time.Duration {
	if found == 0 && e.now().Sub(e.lastFound) > idleAfter {
		return jitter(e.settings.IdlePoll)
	}
	return jitter(e.settings.Poll)
}

func (e *Events) depth(ctx context.Context) {
	if e.observe.Depth == nil || e.now().Before(e.depthAt) {
		return
	}
	e.depthAt = e.now().Add(depthEvery)
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, oldest, err := e.store.Depth(limited)
	if err != nil {
		return // a figure; the next round tells of the database
	}
	var age time.Duration
	if !oldest.IsZero() {
		age = max(0, e.now().Sub(oldest))
	}
	e.observe.Depth(rows, age)
}

// illUnless: an error that ctx's end explains says nothing of a part.
func (c *condition) illUnless(ctx context.Context, err error) {
	if ctx.Err() == nil {
		c.ill(err)
	}
}

// pause waits for d or ctx's end.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
