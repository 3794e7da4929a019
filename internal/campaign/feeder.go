package campaign

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"registrar/internal/lease"
	"registrar/internal/registration"
)

const (
	leaseName    = "campaign-feeder"
	storeTimeout = 15 * time.Second // of one round of one campaign
	backoffFirst = 200 * time.Millisecond
	backoffLimit = 10 * time.Second
	sweepPage    = 500 // notifications that a sweep changes in one transaction
	settledPage  = 5000
)

// Feeder carries campaigns out: it chooses people, batch by batch, and sweeps
// over what is queued when a campaign is resumed, cancelled or through. Of all
// servers on a database one does, by a lease. A crash at any point is taken up
// by the next one where the last transaction left it.
//
// The fields are set before Run and not changed.
type Feeder struct {
	Store   FeederStore
	Leases  lease.Store
	Owner   string // this process among those that share the database
	NewID   registration.IDSource
	ZonesOf ZonesOf // nil where no number's time zone is known
	Now     func() time.Time
	Log     *slog.Logger
	Fed     func(notifications int) // for metrics; may be nil

	// LeaseTTL is how long a feeder that died keeps others from taking over;
	// renewed when a third of it is gone. At least 3 s.
	LeaseTTL time.Duration
	// Queued is how many campaign messages may be unsettled, of all campaigns
	// together, before feeding waits.
	Queued int
	// Page is how many accounts are read at once; 0 is 1,000.
	Page int
	// Batch is how many notifications one transaction makes at most; 0 is 200.
	// Every other transaction of an SQLite file waits for it.
	Batch int
	// Poll is the time between two looks for something to do; 0 is 1 s.
	Poll time.Duration

	lease   *lease.Holder
	room    int // how many more may be queued before Unsettled is asked again
	failing bool
}

// Run works until ctx ends, and gives the lease up. The error is always nil:
// what fails is tried again.
func (f *Feeder) Run(ctx context.Context) error {
	f.setDefaults()
	defer f.lease.Release(ctx)
	wait := backoffFirst
	for ctx.Err() == nil {
		worked, err := f.Round(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			f.fell(err)
			pause(ctx, rand.N(wait)) //nolint:gosec // jitter
			wait = min(2*wait, backoffLimit)
			continue
		case !worked:
			pause(ctx, f.Poll/2+rand.N(f.Poll)) //nolint:gosec // jitter
		}
		wait = backoffFirst
		if f.failing && err == nil {
			f.failing = false
			f.Log.Info("campaign: the database is there again")
		}
	}
	return nil
}

func (f *Feeder) setDefaults() {
	if f.Page == 0 {
		f.Page = 1000
	}
	if f.Batch == 0 {
		f.Batch = 200
	}
	if f.Poll == 0 {
		f.Poll = time.Second
	}
	f.LeaseTTL = max(f.LeaseTTL, 3*time.Second)
	if f.lease == nil {
		f.lease = &lease.Holder{Name: leaseName, Owner: f.Owner, TTL: f.LeaseTTL, Store: f.Leases, Now: f.Now, Log: f.Log}
	}
}

// Round does a piece of the work for each campaign that has some, and says
// whether there was any. Only one goroutine may call it.
func (f *Feeder) Round(ctx context.Context) (worked bool, err error) {
	f.setDefaults()
	limited, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	open, err := f.Store.Open(limited)
	if err != nil || len(open) == 0 {
		return false, err
	}
	if held, err := f.lease.Acquire(limited); err != nil || !held {
		return false, err
	}
	var failed []error
	for _, c := range open {
		did, err := f.advance(ctx, c)
		switch {
		case errors.Is(err, ErrOvertaken):
			did = true // it was paused, say: the next round sees it
		case errors.Is(err, lease.ErrLost):
			f.lease.Lost()
			return worked, nil
		case err != nil:
			failed = append(failed, err)
		}
		worked = worked || did
	}
	return worked, errors.Join(failed...)
}

// advance does the next piece of one campaign's work.
func (f *Feeder) advance(ctx context.Context, c Campaign) (worked bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if c.State == Running && c.FedAt.IsZero() {
		if !f.hasRoom(ctx) {
			return false, nil
		}
		return true, f.feed(ctx, c)
	}
	limit := sweepPage
	if c.State == Running {
		limit = settledPage
	}
	after, n, err := f.Store.Sweep(ctx, f.lease.Lease(), c, f.Now(), limit)
	if err == nil && after.State != c.State {
		f.Log.Info("campaign: state", "campaign", c.Name, "state", string(after.State))
	}
	if c.State == Running { // what is settled meanwhile can wait for the next look
		return n == limit || after.State != c.State, err
	}
	return n > 0 || after.State != c.State, err
}

// hasRoom says whether more may be queued.
func (f *Feeder) hasRoom(ctx context.Context) bool {
	if f.room > 0 {
		return true
	}
	n, err := f.Store.Unsettled(ctx)
	if err != nil {
		return false // the next round tells of the database
	}
	// It is counted again when a tenth of the bound is filled: others drain it meanwhile.
	f.room = min(f.Queued-n, max(f.Queued/10, 1))
	return f.room > 0
}

// fell tells of an error, once until it is over.
func (f *Feeder) fell(err error) {
	if !f.failing {
		f.failing = true
		f.Log.Warn("campaign: work stopped; it is tried again", "error", err)
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
