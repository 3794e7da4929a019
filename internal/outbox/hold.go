package outbox

import (
	"context"
	"log/slog"
	"time"
)

// hold is one process's grip on a lease.
type hold struct {
	name, owner string
	ttl         time.Duration
	leases      Leases
	now         func() time.Time
	log         *slog.Logger
	leading     func(bool) // told of changes; may be nil

	lease   Lease
	held    bool
	renewAt time.Time
}

// acquire takes the lease, or renews it when it is time to.
func (h *hold) acquire(ctx context.Context) (bool, error) {
	now := h.now()
	if h.held && now.Before(h.renewAt) {
		return true, nil
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lease, held, err := h.leases.Acquire(limited, h.name, h.owner, now, h.ttl)
	if err != nil {
		if h.held && now.Before(h.lease.Expires.Add(-leaseMargin-leastPublish)) {
			return true, nil // ours for a while yet
		}
		h.set(false)
		return false, err
	}
	if held {
		h.lease, h.renewAt = lease, now.Add(h.ttl/renewFraction)
	}
	h.set(held)
	return held, nil
}

// left is how long work under the lease may take.
func (h *hold) left() time.Duration { return h.lease.Expires.Sub(h.now()) - leaseMargin }

func (h *hold) set(held bool) {
	if h.held == held {
		return
	}
	h.held = held
	if h.leading != nil {
		h.leading(held)
	}
}

// lost: another has the lease, or too little of it is left.
func (h *hold) lost() {
	h.renewAt = time.Time{}
	h.set(false)
}

// release gives the lease to whoever wants it.
func (h *hold) release(ctx context.Context) {
	if !h.held {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := h.leases.Release(limited, h.lease); err != nil {
		h.log.Warn("outbox: lease was not released; it ends by itself", "lease", h.name, "error", err)
	}
	h.set(false)
}
