package store

import (
	"context"
	"slices"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// clockTolerance is how far the clocks of the servers may differ. A
// notification may be claimed so much before its time: the relay, whose clock
// is ahead, has just published it, and would not for minutes if it were left.
const clockTolerance = time.Second

// Ledger implements notify.Ledger.
//
// A notification's row is the truth, and changes only by UPDATEs that name the
// state and the owner they expect. notification_attempts is its history, and
// the outbox row's due time follows it.
type Ledger struct {
	db   *DB
	bulk bool
}

// Ledger gives the notifications' ledger.
func (db *DB) Ledger() *Ledger { return &Ledger{db: db} }

// BulkLedger is the same ledger for work that nobody waits for: on SQLite,
// which writes one transaction at a time, everybody else's goes before its.
func (db *DB) BulkLedger() *Ledger { return &Ledger{db: db, bulk: true} }

func (l *Ledger) transact(ctx context.Context, op string, work func(context.Context, *tx) error) error {
	return l.db.transactAs(ctx, op, l.bulk, work)
}

// entry is a row of the ledger with what decides who may change it.
type entry struct {
	notificationRow
	Ambiguous     int    `db:"ambiguous"`
	Owner         string `db:"owner"`
	LeaseUntil    int64  `db:"lease_until"`
	Provider      string `db:"provider"`
	NextAttemptAt int64  `db:"next_attempt_at"`
}

const selectEntries = `SELECT ` + notificationColumns + `, ambiguous, owner, lease_until, provider, next_attempt_at FROM notifications WHERE id IN (?) ORDER BY id`

// workable says whether the entry may be claimed at a time.
func (e entry) workable(now int64) bool {
	switch registration.State(e.State) {
	case registration.Queued:
		return e.NextAttemptAt <= now+clockTolerance.Microseconds()
	case registration.Claimed, registration.Sending:
		return e.LeaseUntil <= now
	default:
		return false
	}
}

// held says whether the entry is under somebody's lease at a time.
func (e entry) held(now int64) bool {
	s := registration.State(e.State)
	return (s == registration.Claimed || s == registration.Sending) && e.LeaseUntil > now
}

// isWorkable is entry.workable as a condition; it takes the time twice, the
// first time with the tolerance.
const isWorkable = `((state = 'QUEUED' AND next_attempt_at <= ?) OR (state IN ('CLAIMED', 'SENDING') AND lease_until <= ?))`

// Claim implements notify.Ledger.
func (l *Ledger) Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, leaseUntil time.Time) ([]notify.Claim, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var (
		claims []notify.Claim
		before = make(map[uuid]int) // the attempts' numbers of an earlier run of the work
		at     = micros(now)
		until  = micros(leaseUntil)
		state  = registration.Claimed
	)
	if provider != "" {
		state = registration.Sending
	}
	err := l.transact(ctx, "claim", func(ctx context.Context, t *tx) error {
		var entries []entry
		if err := t.query(ctx, &entries, selectEntries+l.db.dialect.forUpdate, uuids(ids)); err != nil {
			return err
		}
		people, err := t.people(ctx, entries)
		if err != nil {
			return err
		}
		if entries, err = t.eraseOrphans(ctx, entries, people, at); err != nil {
			return err
		}
		campaigns, err := t.campaignsOf(ctx, entries)
		if err != nil {
			return err
		}
		if entries, err = t.setAside(ctx, entries, campaigns, at); err != nil {
			return err
		}
		var claimed, fresh []entry
		var unanswered []attemptRow
		var left []uuid
		for _, e := range entries {
			switch {
			case e.workable(at):
				if e.State == string(registration.Sending) {
					e.Ambiguous++
					unanswered = append(unanswered, attemptRow{id: e.ID, number: e.Attempts, owner: e.Owner, state: registration.Unknown, provider: e.Provider, reason: "NO_ANSWER"})
				}
				e.State, e.Attempts, e.UpdatedAt = string(state), e.Attempts+1, at
				fresh, claimed = append(fresh, e), append(claimed, e)
			case t.again && e.State == string(state) && e.Owner == owner && e.LeaseUntil == until && e.Attempts == before[e.ID]:
				claimed = append(claimed, e)
			case e.held(at):
				left = append(left, e.ID)
			}
		}
		if err := t.claim(ctx, owner, provider, state, fresh, at, until); err != nil {
			return err
		}
		if err := t.writeHistory(ctx, unanswered, at); err != nil {
			return err
		}
		left = append(left, entryIDs(fresh)...)
		if err := t.dueAtLeaseEnd(ctx, left); err != nil {
			return err
		}
		for _, e := range fresh {
			before[e.ID] = e.Attempts
		}
		claims, err = t.compose(ctx, claimed, people, campaigns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// claim puts entries under owner's lease.
func (t *tx) claim(ctx context.Context, owner, provider string, state registration.State, entries []entry, now, until int64) error {
	if len(entries) == 0 {
		return nil
	}
	// ambiguous first: MariaDB assigns from left to right, and later columns see the new state.
	n, err := t.exec(ctx, `UPDATE notifications SET ambiguous = ambiguous + CASE state WHEN 'SENDING' THEN 1 ELSE 0 END,
		state = ?, attempts = attempts + 1, owner = ?, lease_until = ?, provider = ?, updated_at = ?
		WHERE id IN (?) AND `+isWorkable, string(state), owner, until, provider, now, entryIDs(entries), now+clockTolerance.Microseconds(), now)
	if err == nil && n != len(entries) {
		err = errAborted // cannot be while the rows are locked; never claim by guess
	}
	return err
}

// dueAtLeaseEnd makes the outbox rows of claimed notifications due when their
// holder's lease has run out by everybody's clock, so that its crash costs no
// more than the lease.
func (t *tx) dueAtLeaseEnd(ctx context.Context, ids []uuid) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE outbox SET due_at = ? + (SELECT n.lease_until FROM notifications n WHERE n.id = outbox.notification_id) WHERE notification_id IN (?)`,
		clockTolerance.Microseconds(), ids)
	return err
}

// MarkSending implements notify.Ledger. A second call for the same attempts,
// as for another provider, is as good as the first.
func (l *Ledger) MarkSending(ctx context.Context, owner, provider string, attempts []notify.Attempt, now time.Time) ([]registration.ID, error) {
	var held []registration.ID
	err := l.transact(ctx, "mark sending", func(ctx context.Context, t *tx) error {
		held = nil
		at := micros(now)
		for number, ids := range byNumber(attempts) {
			const ours = ` WHERE id IN (?) AND attempts = ? AND owner = ? AND lease_until > ?`
			n, err := t.exec(ctx, `UPDATE notifications SET state = 'SENDING', provider = ?, updated_at = ?`+ours+` AND state IN ('CLAIMED', 'SENDING')`,
				provider, at, uuids(ids), number, owner, at)
			if err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			if n != len(ids) {
				var some []uuid
				if err := t.query(ctx, &some, `SELECT id FROM notifications`+ours+` AND state = 'SENDING'`, uuids(ids), number, owner, at); err != nil {
					return err
				}
				ids = nil
				for _, id := range some {
					ids = append(ids, registration.ID(id))
				}
			}
			held = append(held, ids...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return held, nil
}

// attemptRow is a row of the history.
type attemptRow struct {
	id                    uuid
	number                int
	owner                 string
	state                 registration.State
	provider, ref, reason string
}

// writeHistory puts rows into the history in place of what it said of these
// attempts before.
func (t *tx) writeHistory(ctx context.Context, history []attemptRow, now int64) error {
	if len(history) == 0 {
		return nil
	}
	values := make([]any, 0, 8*len(history))
	for _, h := range history {
		values = append(values, h.id, h.number, h.owner, string(h.state), h.provider, h.ref, h.reason, now)
	}
	_, err := t.conn.ExecContext(ctx, `REPLACE INTO notification_attempts (notification_id, attempt, owner, state, provider, provider_ref, reason, updated_at) VALUES `+tuples(len(history), 8), values...)
	return err
}

func entryIDs(entries []entry) []uuid {
	ids := make([]uuid, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return ids
}

// byNumber groups attempts, each group in the order of its ids: rows are
// locked in one order by everybody.
func byNumber(attempts []notify.Attempt) map[int][]registration.ID {
	groups := make(map[int][]registration.ID)
	for _, a := range attempts {
		groups[a.Number] = append(groups[a.Number], a.NotificationID)
	}
	for _, ids := range groups {
		slices.SortFunc(ids, func(a, b registration.ID) int { return slices.Compare(a[:], b[:]) })
	}
	return groups
}
