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
		mark      = time.NewTimer(time.Hour)
		wait      = newBackoff(time.Second, 10*time.Second)
		resume    time.Time // until then the queue is left alone
	)
	mark.Stop()
	defer mark.Stop()
	for {
		select {
		case <-ctx.Done():
			r.drain(ctx, published)
			return
		case <-mark.C:
			r.mark(ctx, published)
			published = published[:0]
		case first := <-r.announced:
			batch := r.collect(first)
			if time.Now().Before(resume) {
				r.drop(len(batch))
				continue
			}
			if err := r.publish(ctx, batch, publishTimeout); err != nil {
				if ctx.Err() == nil {
					resume = time.Now().Add(wait.NextBackOff())
				}
				continue
			}
			wait.Reset()
			if len(published) == 0 {
				mark.Reset(r.settings.MarkDelay)
			}
			published = append(published, ids(batch)...)
			if len(published) >= r.settings.Batch {
				mark.Reset(0)
			}
		}
	}
}

// collect takes first and what waits behind it, as much as a batch holds. What
// comes in while a batch is on its way makes the next one.
func (r *Relay) collect(first lane.Message) []lane.Message {
	batch := []lane.Message{first}
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

// mark moves the due time of published rows. When that fails they are published
// once more than needed, which the ledger knows how to bear.
func (r *Relay) mark(ctx context.Context, published []registration.ID) {
	limited, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := r.store.Published(limited, nil, published, r.now()); err != nil && ctx.Err() == nil {
		r.log.Warn("outbox: published messages cannot be marked; they will be published again", "messages", len(published), "error", err)
	}
}

func (r *Relay) drop(messages int) {
	if r.observe.Dropped != nil {
		r.observe.Dropped(messages)
	}
}

// drain publishes what is announced and marks it, as far as Drain allows.
func (r *Relay) drain(ctx context.Context, published []registration.ID) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.settings.Drain)
	defer cancel()
	for limited.Err() == nil {
		var batch []lane.Message
		select {
		case first := <-r.announced:
			batch = r.collect(first)
		default:
		}
		if len(batch) == 0 {
			break
		}
		if err := r.publish(limited, batch, publishTimeout); err != nil {
			break
		}
		published = append(published, ids(batch)...)
	}
	if len(published) > 0 {
		r.mark(limited, published)
	}
}
