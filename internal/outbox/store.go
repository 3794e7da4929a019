package outbox

import (
	"context"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// Store keeps the outbox: one row for each notification that is not settled
// yet. The row is written in the registration's transaction and deleted in the
// one that settles the notification, so a publish acknowledgment alone deletes
// nothing. A row's due time says when it is to be published (again).
type Store interface {
	// Due gives up to limit messages of some lanes whose due time has come, by
	// due time and id. There is no cursor: what is committed late is found
	// late, not never.
	Due(ctx context.Context, lanes []lane.Lane, now time.Time, limit int) ([]lane.Message, error)

	// Published moves the due time of rows just published to a grace after begun,
	// the time before their publication, which doubles with each publication of
	// the row (see Grace): what is not settled by then is published again. What
	// the ledger has decided since begun stands: a row that is held is due when
	// its lease ends, and one that is to be tried again at that time. A row that
	// is gone is no error.
	// Under a lease the lease's row is checked and written in the same
	// transaction; lease.ErrLost when another holds it. under may be nil: the
	// application server that has just committed the rows publishes them too.
	Published(ctx context.Context, under *lease.Lease, ids []registration.ID, begun time.Time) error

	// Depth counts the rows, and gives the oldest one's creation; zero for none.
	Depth(ctx context.Context) (rows int, oldest time.Time, err error)
}

// Publisher puts messages into their lanes and returns when the broker has
// them for good. On an error any of them may have been taken: publish them
// again, the ledger sends each once.
type Publisher interface {
	Publish(ctx context.Context, messages []lane.Message) error
	// Ping says whether brokers can be reached.
	Ping(ctx context.Context) error
}

// Grace is how long after its n-th publication (from 1) a row of a lane is
// published again if its notification has not been settled by then: far above
// the time that a message waits in a lane that works. One of a campaign may
// stand behind a million others.
func Grace(l lane.Lane, publications int) time.Duration {
	const most = 6 * time.Hour
	grace := 5 * time.Minute
	if l.Priority() == lane.Marketing {
		grace = time.Hour
	}
	for ; publications > 1 && grace < most; publications-- {
		grace *= 2
	}
	return min(grace, most)
}
