package store

import (
	"context"

	"registrar/internal/campaign"
)

// reasonCancelled is of a notification whose campaign was cancelled before it
// was sent.
const reasonCancelled = "CANCELLED"

// campaignBrief is what a notifier has to know of a campaign.
type campaignBrief struct {
	ID         uuid   `db:"id"`
	Template   string `db:"template"`
	QuietHours string `db:"quiet_hours"`
	State      string `db:"state"`
}

// campaignBriefs gives the campaigns of ids.
func (t *tx) campaignBriefs(ctx context.Context, ids []uuid) (map[uuid]campaignBrief, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []campaignBrief
	if err := t.query(ctx, &rows, `SELECT id, template, quiet_hours, state FROM campaigns WHERE id IN (?)`, ids); err != nil {
		return nil, err
	}
	briefs := make(map[uuid]campaignBrief, len(rows))
	for _, r := range rows {
		briefs[r.ID] = r
	}
	return briefs, nil
}

// campaignNotificationRow is a notification of a campaign that is about to be claimed.
type campaignNotificationRow struct {
	ID       uuid
	Campaign uuid
	Deadline int64
}

// setAside takes those out that are not to be sent now, because of their
// campaign, and says which: of a paused one they wait until it is resumed or
// their deadline has come, of a cancelled one, or of one that is not there,
// they end. Those past their deadline are left to end by it.
//
// Their rows must be locked, in a state in which nothing may have left: QUEUED,
// or CLAIMED with a lease that has run out. Nothing may have been read before
// they were.
func (t *tx) setAside(ctx context.Context, of []campaignNotificationRow, briefs map[uuid]campaignBrief, now int64) (map[uuid]bool, error) {
	var wait, end []uuid
	aside := map[uuid]bool{}
	for _, n := range of {
		if n.Deadline <= now {
			continue
		}
		brief, known := briefs[n.Campaign]
		switch state := campaign.State(brief.State); {
		case !known, state == campaign.Cancelling, state == campaign.Cancelled:
			end = append(end, n.ID)
		case state.Stopped():
			wait = append(wait, n.ID)
		default:
			continue
		}
		aside[n.ID] = true
	}
	if len(wait) > 0 {
		if _, err := t.exec(ctx, `UPDATE outbox SET due_at = deadline WHERE notification_id IN (?)`, wait); err != nil {
			return nil, err
		}
	}
	return aside, t.endCancelled(ctx, end, now)
}

// wake makes due again what setAside has made wait.
func (t *tx) wake(ctx context.Context, ids []uuid, now int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE outbox SET due_at = COALESCE((SELECT CASE WHEN n.lease_until > ? THEN n.lease_until + ? WHEN n.next_attempt_at > ? THEN n.next_attempt_at END
		FROM notifications n WHERE n.id = outbox.notification_id), ?) WHERE due_at >= deadline AND notification_id IN (?)`, now, clockTolerance.Microseconds(), now, now, ids)
	return err
}

// endCancelled settles notifications that nobody has begun to send.
func (t *tx) endCancelled(ctx context.Context, ids []uuid, now int64) error {
	if len(ids) == 0 {
		return nil
	}
	n, err := t.exec(ctx, `UPDATE notifications SET state = 'EXPIRED', reason = '`+reasonCancelled+`', updated_at = ?, owner = '', lease_until = 0 WHERE id IN (?) AND state IN ('QUEUED', 'CLAIMED')`, now, ids)
	if err != nil {
		return err
	}
	if n != len(ids) {
		return errAborted // cannot be while the rows are locked
	}
	_, err = t.exec(ctx, `DELETE FROM outbox WHERE notification_id IN (?)`, ids)
	return err
}

// withoutConsent gives those of accounts that do not consent to marketing.
func (t *tx) withoutConsent(ctx context.Context, accounts []uuid) (map[uuid]bool, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	var ids []uuid
	if err := t.query(ctx, &ids, `SELECT account_id FROM profiles WHERE account_id IN (?) AND marketing_consent = 0`, accounts); err != nil {
		return nil, err
	}
	without := make(map[uuid]bool, len(ids))
	for _, id := range ids {
		without[id] = true
	}
	return without, nil
}
