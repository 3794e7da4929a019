package store

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/campaign"
	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/registration"
)

// feedRows is how many rows one INSERT of a step has: whole ones have one text,
// which SQLite keeps prepared.
const feedRows = 50

const (
	insertCampaignNotifications = `INSERT INTO notifications (id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, ambiguous, owner, lease_until,
		provider, provider_ref, reason, next_attempt_at, deadline, created_at, updated_at, campaign_id) VALUES `
	campaignNotification = `(?,?,?,?,?,?,'','QUEUED',0,0,'',0,'','','',?,?,?,?,?)`

	insertCampaignOutbox = `INSERT INTO outbox (notification_id, lane, recipient, deadline, trace_parent, due_at, publications, created_at) VALUES `
	campaignOutbox       = `(?,?,?,?,'',?,0,?)`
)

// Feed implements campaign.FeederStore. The campaign's row goes first: of two
// that feed from one position, one finds another revision there and writes
// nothing. That holds for an attempt whose outcome was not known too: run
// again, it finds that it was overtaken, by itself.
func (s *Campaigns) Feed(ctx context.Context, under lease.Lease, c campaign.Campaign, step campaign.Step) (campaign.Campaign, error) {
	notifications, rows, err := stepRows(step.Chosen)
	if err != nil {
		return c, fmt.Errorf("store: feed: %w", err)
	}
	after := c
	after.Position, after.FedAt = step.Position, step.FedAt
	after.LookedAt += step.LookedAt
	after.Chosen += len(step.Chosen)
	after.Excluded = maps.Clone(c.Excluded)
	for why, n := range step.Excluded {
		if after.Excluded == nil {
			after.Excluded = map[campaign.Exclusion]int{}
		}
		after.Excluded[why] += n
	}
	after.Revision++
	excluded, err := excludedText(after.Excluded)
	if err != nil {
		return c, fmt.Errorf("store: feed: %w", err)
	}
	err = s.db.transactAs(ctx, "feed", true, func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `UPDATE campaigns SET position = ?, looked_at = ?, chosen = ?, excluded = ?, fed_at = ?, revision = ? WHERE id = ? AND revision = ? AND state = 'RUNNING'`,
			nullID(after.Position), after.LookedAt, after.Chosen, excluded, micros(after.FedAt), after.Revision, c.ID[:], c.Revision)
		if err != nil {
			return err
		}
		if n != 1 {
			return answer{campaign.ErrOvertaken}
		}
		if err := t.underLease(ctx, under); err != nil {
			return err
		}
		if err := t.insertMany(ctx, insertCampaignNotifications, campaignNotification, notifications); err != nil {
			return err
		}
		return t.insertMany(ctx, insertCampaignOutbox, campaignOutbox, rows)
	})
	if err != nil {
		return c, err
	}
	return after, nil
}

// stepRows are the values of the two INSERTs of a step.
func stepRows(chosen []campaign.Message) (notifications, outbox rows, err error) {
	for _, n := range chosen {
		m, err := lane.MessageFor(n.Notification)
		if err != nil {
			return rows{}, rows{}, err
		}
		created, deadline, due := micros(n.CreatedAt), micros(n.Deadline), micros(n.DueAt)
		notifications.n++
		notifications.values = append(notifications.values, n.ID[:], n.AccountID[:], string(n.Kind), string(n.Channel), n.Recipient, n.Locale,
			due, deadline, created, created, n.CampaignID[:])
		outbox.n++
		outbox.values = append(outbox.values, n.ID[:], string(m.Lane), int64(m.Recipient), deadline, max(due, created), created)
	}
	return notifications, outbox, nil
}

// insertMany inserts rows by as few statements as have texts worth keeping.
func (t *tx) insertMany(ctx context.Context, into, row string, all rows) error {
	if all.n == 0 {
		return nil
	}
	width := len(all.values) / all.n
	for values := all.values; len(values) > 0; {
		n := min(feedRows, len(values)/width)
		text := into + row
		for range n - 1 {
			text += "," + row
		}
		var err error
		if n == feedRows {
			err = t.run(ctx, statement(text), values[:n*width]...)
		} else {
			_, err = t.conn.ExecContext(ctx, text, values[:n*width]...)
		}
		if err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}

// Sweep implements campaign.FeederStore.
func (s *Campaigns) Sweep(ctx context.Context, under lease.Lease, c campaign.Campaign, now time.Time, limit int) (campaign.Campaign, int, error) {
	if c.State == campaign.Running {
		return s.sweepSettled(ctx, under, c, now, limit)
	}
	after, n := c, 0
	err := s.db.transactAs(ctx, "sweep", true, func(ctx context.Context, t *tx) error {
		// The rows are locked, so that a notifier that is about to put one aside,
		// by a state that the campaign had before, is waited for.
		var found []sweptRow
		if err := t.query(ctx, &found, selectSwept+s.db.dialect.forUpdate, c.ID[:], c.Swept[:], limit); err != nil {
			return err
		}
		after, n = c, len(found)
		var queued, waiting []uuid
		for _, r := range found {
			after.Swept = registration.ID(r.ID)
			switch state := registration.State(r.State); {
			case state == registration.Queued:
				queued, waiting = append(queued, r.ID), append(waiting, r.ID)
			case !state.Settled():
				waiting = append(waiting, r.ID)
			}
		}
		last := len(found) < limit
		var err error
		if c.State == campaign.Cancelling {
			if last {
				after.State, after.EndedAt = campaign.Cancelled, now
			}
			err = t.endCancelled(ctx, queued, micros(now))
		} else {
			if last {
				after.State, after.Swept = campaign.Running, registration.ID{}
			}
			err = t.wake(ctx, waiting, micros(now))
		}
		if err != nil {
			return err
		}
		return t.swept(ctx, under, c, &after)
	})
	return after, n, err
}

type sweptRow struct {
	ID    uuid   `db:"id"`
	State string `db:"state"`
}

const selectSwept = `SELECT id, state FROM notifications WHERE campaign_id = ? AND id > ? ORDER BY id LIMIT ?`

// sweepSettled passes over notifications that are settled for good, up to the
// first that is not.
func (s *Campaigns) sweepSettled(ctx context.Context, under lease.Lease, c campaign.Campaign, now time.Time, limit int) (campaign.Campaign, int, error) {
	var found []sweptRow
	err := s.db.view(ctx, "sweep", func(ctx context.Context, conn *sqlx.Conn) error {
		// Mostly the first one is still to be sent, and nothing else matters.
		for _, most := range []int{1, limit} {
			found = nil
			err := conn.SelectContext(ctx, &found, selectSwept, c.ID[:], c.Swept[:], most)
			if err != nil || len(found) == 0 || !registration.State(found[0].State).Settled() {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return c, 0, err
	}
	after, n := c, 0
	for _, r := range found {
		if !registration.State(r.State).Settled() {
			break
		}
		n++
		after.Swept = registration.ID(r.ID)
	}
	if n == len(found) && n < limit && !c.FedAt.IsZero() {
		after.State, after.EndedAt = campaign.Done, now
	}
	if n == 0 && after.State == c.State {
		return c, 0, nil
	}
	err = s.db.transactAs(ctx, "sweep", true, func(ctx context.Context, t *tx) error { return t.swept(ctx, under, c, &after) })
	return after, n, err
}

// swept stores how far a sweep has come. after's revision is set.
func (t *tx) swept(ctx context.Context, under lease.Lease, c campaign.Campaign, after *campaign.Campaign) error {
	after.Revision = c.Revision + 1
	n, err := t.exec(ctx, `UPDATE campaigns SET swept = ?, state = ?, ended_at = ?, revision = ? WHERE id = ? AND revision = ? AND state = ?`,
		nullID(after.Swept), string(after.State), micros(after.EndedAt), after.Revision, c.ID[:], c.Revision, string(c.State))
	if err != nil {
		return err
	}
	if n != 1 {
		return answer{campaign.ErrOvertaken}
	}
	return t.underLease(ctx, under)
}
