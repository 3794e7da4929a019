package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// Settings of a Relay. The zero value of a time or a number asks for its default.
type Settings struct {
	// Owner names this process among those that share the database. A process
	// that restarts under the same name has its lease back at once.
	Owner string

	LeaseTTL  time.Duration // 5 s; how long a relay that died keeps others from taking over; renewed when a third of it is gone
	Poll      time.Duration // 200 ms; between two looks at the outbox
	IdlePoll  time.Duration // 1 s; the same once nothing was due for 10 s
	MarkDelay time.Duration // 50 ms; between an announced notification's publication and its mark in the database, so that many share a transaction
	Pace      time.Duration // 20 ms; the least time between two batches of announced messages, so that a busy system makes few large ones; one-time codes do not wait for it
	Drain     time.Duration // 5 s; how long Run takes to publish what is announced when it is stopped
	Buffer    int           // 4096 announced messages wait at most; more are left to the poll
	Batch     int           // 500 messages are published at once at most
}

func (s Settings) withDefaults() Settings {
	orTime := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orTime(&s.LeaseTTL, 5*time.Second)
	orTime(&s.Poll, 200*time.Millisecond)
	orTime(&s.IdlePoll, time.Second)
	orTime(&s.MarkDelay, 50*time.Millisecond)
	orTime(&s.Pace, 20*time.Millisecond)
	orTime(&s.Drain, 5*time.Second)
	if s.Buffer == 0 {
		s.Buffer = 4096
	}
	if s.Batch == 0 {
		s.Batch = 500
	}
	s.IdlePoll = max(s.IdlePoll, s.Poll)
	return s
}

// Observer is told what happens, for metrics. Any field may be nil. It must not block.
type Observer struct {
	Published func(messages int)                   // a broker has them
	Failed    func(messages int)                   // it is unknown whether a broker has them; they will be published again
	Dropped   func(messages int)                   // announced, and left to the poll for want of room
	Depth     func(rows int, oldest time.Duration) // of the outbox, every 15 s, by the leader alone
	Leading   func(bool)                           // whether this relay holds the lease
}

const publishTimeout = 5 * time.Second // of one batch

// Relay publishes notifications. It is a registration.Announcer.
type Relay struct {
	settings  Settings
	store     Store
	leases    lease.Store
	publisher Publisher
	now       func() time.Time
	log       *slog.Logger
	observe   Observer

	announced chan lane.Message
	queue     condition
}

var _ registration.Announcer = (*Relay)(nil)

// New makes a Relay, which does nothing until Run.
func New(s Settings, store Store, leases lease.Store, publisher Publisher, now func() time.Time, log *slog.Logger, observe Observer) *Relay {
	s = s.withDefaults()
	return &Relay{
		settings: s, store: store, leases: leases, publisher: publisher, now: now, log: log, observe: observe,
		announced: make(chan lane.Message, s.Buffer),
		queue:     condition{log: log, now: now},
	}
}

// Announce takes committed notifications to be published at once. It does not
// wait: what there is no room for is found in the outbox.
func (r *Relay) Announce(notifications []registration.Notification) {
	for i, n := range notifications {
		m, err := lane.MessageFor(n)
		if err != nil {
			r.log.Error("outbox: notification has no lane", "kind", string(n.Kind), "channel", string(n.Channel))
			continue
		}
		select {
		case r.announced <- m:
		default:
			if r.observe.Dropped != nil {
				r.observe.Dropped(len(notifications) - i)
			}
			return
		}
	}
}

// Health says whether the queue took the last batch, and since when that is
// so. Before the first batch it is well.
func (r *Relay) Health() (ok bool, since time.Time) { return r.queue.state() }

// Run publishes until ctx ends, then publishes what is announced by then, for
// Drain at most, and gives the lease up. The error is always nil: what fails is
// tried again.
func (r *Relay) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { r.publishAnnounced(ctx) })
	all.Go(func() { r.lead(ctx) })
	all.Go(func() { r.probe(ctx) })
	all.Wait()
	return nil
}

const (
	probeEvery   = time.Second
	probeTimeout = 3 * time.Second
)

// probe asks for the brokers while the last batch has failed: there may be no
// other one for a while, since codes find their way without them.
func (r *Relay) probe(ctx context.Context) {
	for ctx.Err() == nil {
		pause(ctx, jitter(probeEvery))
		if ok, _ := r.queue.state(); ok || ctx.Err() != nil {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, probeTimeout)
		if r.publisher.Ping(limited) == nil {
			r.queue.well()
		}
		cancel()
	}
}

// publish tells whether a broker has all of messages, and keeps the condition.
func (r *Relay) publish(ctx context.Context, messages []lane.Message, timeout time.Duration) error {
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := r.publisher.Publish(attempt, messages)
	switch {
	case err == nil:
		r.queue.well()
		if r.observe.Published != nil {
			r.observe.Published(len(messages))
		}
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		// Stopped, which says nothing of the queue.
	default:
		r.queue.ill(err)
		if r.observe.Failed != nil {
			r.observe.Failed(len(messages))
		}
	}
	return err
}

func ids(messages []lane.Message) []registration.ID {
	all := make([]registration.ID, len(messages))
	for i, m := range messages {
		all[i] = m.NotificationID
	}
	return all
}
