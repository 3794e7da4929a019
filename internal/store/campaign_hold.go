package store

import (
	"context"

	"registrar/internal/campaign"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// reasonCancelled is of a notification whose campaign was cancelled before it
// was sent.
const reasonCancelled = "CANCELLED"

// reasonNoConsent is why nothing is sent to whom consented when they were
// chosen, and does not any more.
const reasonNoConsent = "NO_CONSENT"

// campaignBrief is what a notifier has to know of a notification's campaign.
type campaignBrief struct {
	NotificationID uuid   `db:"notification_id"`
	ID             uuid   `db:"id"`
	Template       string `db:"template"`
	QuietHours     string `db:"quiet_hours"`
	State          string `db:"state"`
}

// campaignsOf gives the campaigns of those entries that are of one, by the
// notification's id. The entries must be locked, and nothing read before they
// were: so no state is seen that a sweep over these rows came after.
func (t *tx) campaignsOf(ctx context.Context, entries []entry) (map[uuid]campaignBrief, error) {
	var ids []uuid
	for _, e := range entries {
		if registration.Kind(e.Kind) == registration.CampaignMessage {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []campaignBrief
	err := t.query(ctx, &rows, `SELECT n.id AS notification_id, c.id, c.template, c.quiet_hours, c.state FROM notifications n JOIN campaigns c ON c.id = n.campaign_id WHERE n.id IN (?)`, ids)
	if err != nil {
		return nil, err
	}
	of := make(map[uuid]campaignBrief, len(rows))
	for _, r := range rows {
		of[r.NotificationID] = r
	}
	return of, nil
}

// setAside leaves those entries out that could be claimed but for their
// campaign: of one that is paused they wait until it is resumed or their
// deadline has come, of one that is cancelled they end. Left in are those past
// their deadline, which ends them, and those that may already have left.
func (t *tx) setAside(ctx context.Context, entries []entry, of map[uuid]campaignBrief, now int64) (rest []entry, err error) {
	var wait, end []uuid
	for _, e := range entries {
		state := campaign.State(of[e.ID].State)
		switch {
		case !state.Stopped(), !e.workable(now), e.State == string(registration.Sending), e.Deadline <= now:
			rest = append(rest, e)
		case state == campaign.Cancelling, state == campaign.Cancelled:
			end = append(end, e.ID)
		default:
			wait = append(wait, e.ID)
		}
	}
	if len(wait) > 0 {
		if _, err := t.exec(ctx, `UPDATE outbox SET due_at = deadline WHERE notification_id IN (?)`, wait); err != nil {
			return nil, err
		}
	}
	return rest, t.endCancelled(ctx, end, now)
}

// describe adds to a claim what its campaign says.
func (b campaignBrief) describe(c *notify.Claim, mobile string, consent bool) {
	c.Notification.CampaignID, c.Template, c.QuietHours, c.Mobile = registration.ID(b.ID), b.Template, b.QuietHours, registration.Mobile(mobile)
	if !consent && c.Suppressed == "" {
		c.Suppressed = reasonNoConsent
	}
}

// wake makes due again what setAside has made wait.
func (t *tx) wake(ctx context.Context, ids []uuid, now int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.exec(ctx, `UPDATE outbox SET due_at = `+dueAfter+`) WHERE due_at >= deadline AND notification_id IN (?)`, now, clockTolerance.Microseconds(), now, now, ids)
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
