// Package lease elects one of the processes on a database for a piece of work.
//
// What may be relied on: of two processes that each believe they hold a lease,
// at most one can commit what it does under it, since the lease's row is changed
// in the same transaction (ErrLost tells the other one). What may not: that at
// any time only one of them believes so.
package lease

import (
	"context"
	"errors"
	"time"
)

// ErrLost says that another process has the lease by now.
var ErrLost = errors.New("lease: lost")

// Lease is leadership until Expires. Fence grows by one with each Acquire by
// whomever, so that an old leader's writes can be told from the new one's.
type Lease struct {
	Name    string
	Owner   string
	Fence   int64
	Expires time.Time
}

// Store keeps the leases of all processes on a database.
type Store interface {
	// Acquire takes or renews the named lease for ttl. held is false when
	// another owner's has not run out.
	Acquire(ctx context.Context, name, owner string, now time.Time, ttl time.Duration) (lease Lease, held bool, err error)
	// Release gives the lease up, if it is still ours.
	Release(ctx context.Context, lease Lease) error
}
