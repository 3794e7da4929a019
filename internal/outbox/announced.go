package outbox

import (
	"context"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

// publishAnnounced publishes what Announce took. Whatever goes wrong here is
// mended by the leader: the rows are in the outbox.
func (r *Relay) publishAnnounced(ctx context.Context) {
	var (
		published []registration.ID // not yet marked
		begun     time.Time         // the publication of the first of them
		mark      = time.NewTimer(time.Hour)
		wait      = newBackoff(time.Second)
		resume    time.Time // until then the queue is left alone
		last      time.Time // when the last batch left
	)
	mark.Stop()
	defer mark.Stop()
	for {
		select {
		case <-ctx.Done():
			r.drain(ctx, published, begun)
			return
		case <-mark.C:
			r.mark(ctx, published, begun)
			published = published[:0]
		case first := <-r.announced:
			batch := r.gather(ctx, first, last.Add(r.settings.Pace))
			last = time.Now()
			if last.Before(resume) {
				r.drop(len(batch))
				continue
			}
			now := r.now()
			if err := r.publish(ctx, batch, publishTimeout); err != nil {
				if ctx.Err() == nil {
					resume = time.Now().Add(wait.NextBackOff())
				}
				continue
			}
			wait.Reset()
			if len(published) == 0 && len(marked(batch)) > 0 {
				mark.Reset(r.settings.MarkDelay)
				begun = now
			}
			published = append(published, marked(batch)...)
			if len(published) >= r.settings.Batch {
				mark.Reset(0)
			}
		}
	}
}

// gather takes first and what comes behind it until a time, a one-time code, or
// as much as a batch holds.
func (r *Relay) gather(ctx context.Context, first lane.Message, until time.Time) []lane.Message {
	batch := []lane.Message{first}
	wait := time.Until(until)
	if wait <= 0 || urgent(first) {
		return r.collect(batch)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for len(batch) < r.settings.Batch {
		select {
		case m := <-r.announced:
			batch = append(batch, m)
			if urgent(m) {
				return r.collect(batch)
			}
		case <-timer.C:
			return r.collect(batch)
		case <-ctx.Done():
			return r.collect(batch)
		}
	}
	return batch
}

func urgent(m lane.Message) bool { return m.Lane.Priority() == lane.OneTimeCode }

// collect adds what waits already, as much as a batch holds. What comes in while
// a batch is on its way makes the next one.
func (r *Relay) collect(batch []lane.Message) []lane.Message {
	for len(batch) < r.settings.Batch {
		select {
		case m := <-r.announced:
			batch = append(batch, m)
		default:
			return batch
		}
	}
	return batch
}

// marked are the messages whose rows are put off now that a broker has them.
// Codes' rows are not: they stay due, until a notifier has claimed them.
func marked(batch []lane.Message) []registration.ID {
	var all []registration.ID
	for _, m := range batch {
		if !urgent(m) {
			all = append(all, m.NotificationID)
		}
	}
	return all
}

// mark moves the due time of published rows. When that fails they are published
// once more than needed, which the ledger knows how to bear.
func (r *Relay) mark(ctx context.Context, published []registration.ID, begun time.Time) {
	limited, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := r.store.Published(limited, nil, published, begun); err != nil && ctx.Err() == nil {
		r.log.Warn("outbox: published messages cannot be marked; they will be published again", "messages", len(published), "error", err)
	}
}

func (r *Relay) drop(messages int) {
	if r.observe.Dropped != nil {
		r.observe.Dropped(messages)
	}
}

// drain publishes what is announced and marks it, as far as Drain allows.
func (r *Relay) drain(ctx context.Context, published []registration.ID, begun time.Time) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings.Drain)
	defer cancel()
	for limited.Err() == nil {
		var batch []lane.Message
		select {
		case first := <-r.announced:
			batch = r.collect([]lane.Message{first})
		default:
		}
		if len(batch) == 0 {
			break
		}
		now := r.now()
		if err := r.publish(limited, batch, publishTimeout); err != nil {
			break
		}
		if len(published) == 0 {
			begun = now
		}
		published = append(published, marked(batch)...)
	}
	if len(published) > 0 {
		r.mark(limited, published, begun)
	}
}
