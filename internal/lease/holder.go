package lease

import (
	"context"
	"log/slog"
	"time"
)

const (
	storeTimeout   = 5 * time.Second
	releaseTimeout = time.Second
	// margin is of the lease that is left when work under it must be through.
	margin = 500 * time.Millisecond
	// LeastWork is the least time worth beginning work in.
	LeastWork     = 500 * time.Millisecond
	renewFraction = 3 // a lease is renewed when a third of it is gone
)

// Holder is one process's grip on a lease. The fields are set before its use and
// not changed. Only one goroutine may use it.
type Holder struct {
	Name  string        // the lease's
	Owner string        // this process among those that share the database
	TTL   time.Duration // how long a process that died keeps others from the work
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	// Changed is told when the lease is taken or gone; may be nil.
	Changed func(held bool)

	lease   Lease
	held    bool
	renewAt time.Time
}

// Acquire takes the lease, or renews it when it is time to, and says whether it
// is held. While the database cannot be asked, it is held as long as it lasts.
func (h *Holder) Acquire(ctx context.Context) (bool, error) {
	now := h.Now()
	if h.held && now.Before(h.renewAt) {
		return true, nil
	}
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	lease, held, err := h.Store.Acquire(limited, h.Name, h.Owner, now, h.TTL)
	if err != nil {
		if h.held && h.Left() > LeastWork {
			return true, nil // ours for a while yet
		}
		h.set(false)
		return false, err //nolint:wrapcheck // the store's own
	}
	if held {
		h.lease, h.renewAt = lease, now.Add(h.TTL/renewFraction)
	}
	h.set(held)
	return held, nil
}

// Lease is what was acquired last, for the transactions under it.
func (h *Holder) Lease() Lease { return h.lease }

// Left is how long work under the lease may take.
func (h *Holder) Left() time.Duration { return h.lease.Expires.Sub(h.Now()) - margin }

// Lost is to be called when another has the lease, or too little of it is left:
// it must be acquired again.
func (h *Holder) Lost() {
	h.renewAt = time.Time{}
	h.set(false)
}

// Release gives the lease to whoever wants it.
func (h *Holder) Release(ctx context.Context) {
	if !h.held {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := h.Store.Release(limited, h.lease); err != nil {
		h.Log.Warn("lease: not released; it ends by itself", "lease", h.Name, "error", err)
	}
	h.set(false)
}

func (h *Holder) set(held bool) {
	if h.held == held {
		return
	}
	h.held = held
	if h.Changed != nil {
		h.Changed(held)
	}
}
