package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
)

const (
	leaseName    = "outbox-relay"
	storeTimeout = 5 * time.Second
	idleAfter    = 10 * time.Second
	depthEvery   = 15 * time.Second
	backoffLimit = 10 * time.Second
	backoffFirst = 200 * time.Millisecond
)

// lead publishes what is due in the outbox while this relay holds the lease.
func (r *Relay) lead(ctx context.Context) {
	l := leader{Relay: r, database: condition{log: r.log, now: r.now, what: "database"}}
	l.lease = lease.Holder{Name: leaseName, Owner: r.settings.Owner, TTL: r.settings.LeaseTTL, Store: r.leases, Now: r.now, Log: r.log, Changed: l.leading}
	defer l.lease.Release(ctx)
	wait := newBackoff(backoffFirst)
	for ctx.Err() == nil {
		held, err := l.lease.Acquire(ctx)
		switch {
		case err != nil:
			l.fell(ctx, &storeError{err})
			pause(ctx, wait.NextBackOff())
			continue
		case !held:
			l.database.well()
			pause(ctx, jitter(r.settings.LeaseTTL/2))
			continue
		}
		published, err := l.round(ctx)
		if err != nil {
			l.fell(ctx, err)
			pause(ctx, wait.NextBackOff())
			continue
		}
		l.database.well()
		wait.Reset()
		l.depth(ctx)
		if published == r.settings.Batch {
			continue // there is more
		}
		pause(ctx, l.interval(published))
	}
}

// leader is the state of one relay's leadership.
type leader struct {
	*Relay
	lease    lease.Holder
	lastDue  time.Time // when something was due
	depthAt  time.Time
	database condition
}

// leading is told that this relay leads, or does not any more.
func (l *leader) leading(held bool) {
	l.lastDue = l.now()
	if l.observe.Leading != nil {
		l.observe.Leading(held)
	}
}

// storeError is of the database, and not of the queue.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }
func (e *storeError) Unwrap() error { return e.err }

// fell keeps account of an error; those of the queue are told by publish.
func (l *leader) fell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, lease.ErrLost) {
		l.lease.Lost()
		return
	}
	if _, ok := errors.AsType[*storeError](err); ok {
		l.database.ill(err)
	}
}

// led are the lanes whose rows the leader publishes, those of one urgency
// together, the more urgent first: a campaign's rows keep no others from being
// found. One-time codes are not among them. They are announced when they are
// committed, and what goes wrong with that is mended by the notifiers, which
// look for overdue ones in the ledger themselves.
var led = func() (groups [][]lane.Lane) {
	for _, p := range []lane.Priority{lane.Transactional, lane.Marketing} {
		var group []lane.Lane
		for _, l := range lane.All() {
			if l.Priority() == p {
				group = append(group, l)
			}
		}
		groups = append(groups, group)
	}
	return groups
}()

// round publishes one batch of what is due of each urgency, and says how much
// the largest of them was.
func (l *leader) round(ctx context.Context) (largest int, err error) {
	due, errs := make([]int, len(led)), make([]error, len(led))
	var each sync.WaitGroup
	for i, lanes := range led {
		each.Go(func() { due[i], errs[i] = l.publishGroup(ctx, lanes) })
	}
	each.Wait()
	for _, n := range due {
		largest = max(largest, n)
	}
	if largest > 0 {
		l.lastDue = l.now()
	}
	return largest, errors.Join(errs...)
}

// publishGroup publishes one batch of what is due of some lanes, and says how
// much was due.
func (l *leader) publishGroup(ctx context.Context, lanes []lane.Lane) (int, error) {
	begun := l.now()
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	due, err := l.store.Due(limited, lanes, begun, l.settings.Batch)
	cancel()
	if err != nil {
		return 0, &storeError{err}
	}
	if len(due) == 0 {
		return 0, nil
	}
	published, err := l.publishDue(ctx, due)
	if len(published) > 0 {
		held := l.lease.Lease()
		limited, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		if marked := l.store.Published(limited, &held, ids(published), begun); marked != nil {
			if !errors.Is(marked, lease.ErrLost) {
				marked = &storeError{marked}
			}
			return len(due), errors.Join(err, marked)
		}
	}
	return len(due), err
}

// publishDue publishes each lane by itself and gives back what was published:
// one lane that is stuck neither holds up the others nor makes them come twice.
// It ends before the lease does.
func (l *leader) publishDue(ctx context.Context, due []lane.Message) ([]lane.Message, error) {
	timeout := min(publishTimeout, l.lease.Left())
	if timeout < lease.LeastWork {
		return nil, lease.ErrLost
	}
	lanes := map[lane.Lane][]lane.Message{}
	var published []lane.Message
	for _, m := range due {
		lanes[m.Lane] = append(lanes[m.Lane], m)
	}
	var mu sync.Mutex
	var errs []error
	var each sync.WaitGroup
	for _, messages := range lanes {
		each.Go(func() {
			err := l.publish(ctx, messages, timeout)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			published = append(published, messages...)
		})
	}
	each.Wait()
	return published, errors.Join(errs...)
}

// interval to the next look: slower when nothing was due for a while.
func (l *leader) interval(published int) time.Duration {
	if published == 0 && l.now().Sub(l.lastDue) > idleAfter {
		return jitter(l.settings.IdlePoll)
	}
	return jitter(l.settings.Poll)
}

func (l *leader) depth(ctx context.Context) {
	if l.observe.Depth == nil || l.now().Before(l.depthAt) {
		return
	}
	l.depthAt = l.now().Add(depthEvery)
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	rows, oldest, err := l.store.Depth(limited)
	if err != nil {
		return // a figure; the next round tells of the database
	}
	var age time.Duration
	if !oldest.IsZero() {
		age = max(0, l.now().Sub(oldest))
	}
	l.observe.Depth(rows, age)
}
