package audit

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"registrar/internal/lease"
)

const (
	leaseName    = "audit-sealer"
	storeTimeout = 10 * time.Second
	backoffFirst = 200 * time.Millisecond
	backoffLimit = 10 * time.Second
	// sealBatch is how many records one transaction seals: every other one of
	// an SQLite file waits for it.
	sealBatch = 200
	// headEvery is the time between two heads in the log.
	headEvery = time.Hour
	// waitingEvery is the time between two looks at how much is waiting.
	waitingEvery = 15 * time.Second
)

// Store is what the Sealer asks of storage.
type Store interface {
	// Any says whether there are records that are not sealed.
	Any(ctx context.Context) (bool, error)
	// Seal puts up to limit records into the chain, in the order of their ids, and
	// says how many and where the chain ends. The lease's row is checked and
	// written in the same transaction: lease.ErrLost when another holds it.
	Seal(ctx context.Context, under lease.Lease, limit int) (n int, head Head, err error)
	// Waiting counts the records that are not sealed, and gives the oldest one's
	// time; zero for none.
	Waiting(ctx context.Context) (records int, oldest time.Time, err error)
}

// Sealer puts records into the chain. Of all servers on a database one does, by
// a lease; where two believe that they do, the transactions of one fail.
//
// The fields are set before Run and not changed.
type Sealer struct {
	Store  Store
	Leases lease.Store
	Owner  string // this process among those that share the database
	// LeaseTTL is how long a sealer that died keeps others from sealing.
	LeaseTTL time.Duration
	// Poll is the time between two looks for records; 0 is 1 s.
	Poll    time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Sealed  func(records int)                    // for metrics; may be nil
	Waiting func(records int, age time.Duration) // of what is not sealed, every 15 s, by every server; may be nil

	lease     *lease.Holder
	headAt    time.Time
	headTold  Head
	waitingAt time.Time
	failing   bool
}

// Run seals until ctx ends, and gives the lease up. The error is always nil:
// what fails is tried again.
func (s *Sealer) Run(ctx context.Context) error {
	if s.Poll == 0 {
		s.Poll = time.Second
	}
	defer s.hold().Release(ctx)
	wait := backoffFirst
	for ctx.Err() == nil {
		sealed, err := s.Round(ctx)
		if err != nil && ctx.Err() == nil {
			if !s.failing {
				s.failing = true
				s.Log.Warn("audit: records cannot be sealed; they wait", "error", err)
			}
			pause(ctx, wait/2+rand.N(wait)) //nolint:gosec // jitter
			wait = min(2*wait, backoffLimit)
			continue
		}
		wait = backoffFirst
		if s.failing && err == nil {
			s.failing = false
			s.Log.Info("audit: records are sealed again")
		}
		if sealed < sealBatch { // else there is more
			pause(ctx, s.Poll/2+rand.N(s.Poll)) //nolint:gosec // jitter
		}
	}
	return nil
}

// Round seals one batch and says how many that were. Only one goroutine may
// call it.
func (s *Sealer) Round(ctx context.Context) (sealed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	s.tellWaiting(ctx)
	some, err := s.Store.Any(ctx)
	if err != nil || !some {
		return 0, err
	}
	if held, err := s.hold().Acquire(ctx); err != nil || !held {
		return 0, err
	}
	sealed, head, err := s.Store.Seal(ctx, s.lease.Lease(), sealBatch)
	switch {
	case errors.Is(err, lease.ErrLost):
		s.lease.Lost()
		return 0, nil
	case err != nil:
		return 0, err
	}
	if s.Sealed != nil && sealed > 0 {
		s.Sealed(sealed)
	}
	s.tellHead(head)
	return sealed, nil
}

// hold gives the grip on the lease.
func (s *Sealer) hold() *lease.Holder {
	if s.lease == nil {
		s.lease = &lease.Holder{Name: leaseName, Owner: s.Owner, TTL: s.LeaseTTL, Store: s.Leases, Now: s.Now, Log: s.Log}
	}
	return s.lease
}

// tellHead writes a head to the log now and then: a log that goes elsewhere
// keeps what the chain is compared with.
func (s *Sealer) tellHead(head Head) {
	now := s.Now()
	if head == s.headTold || now.Before(s.headAt) {
		return
	}
	s.headTold, s.headAt = head, now.Add(headEvery)
	s.Log.Info("audit: head of the chain", "head", head.String())
}

func (s *Sealer) tellWaiting(ctx context.Context) {
	now := s.Now()
	if s.Waiting == nil || now.Before(s.waitingAt) {
		return
	}
	s.waitingAt = now.Add(waitingEvery)
	records, oldest, err := s.Store.Waiting(ctx)
	if err != nil {
		return // a figure; the round tells of the database
	}
	var age time.Duration
	if !oldest.IsZero() {
		age = max(0, now.Sub(oldest))
	}
	s.Waiting(records, age)
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
