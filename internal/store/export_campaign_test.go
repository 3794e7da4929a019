package store

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// SetAside takes a campaign's notifications out of a claim, and gives how many.
func (db *DB) SetAside(ctx context.Context, campaign registration.ID, notifications []registration.Notification, now time.Time) (int, error) {
	n := 0
	err := db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		rows := make([]campaignNotificationRow, len(notifications))
		for i, m := range notifications {
			rows[i] = campaignNotificationRow{ID: uuid(m.ID), Campaign: uuid(campaign), Deadline: micros(m.Deadline)}
		}
		briefs, err := t.campaignBriefs(ctx, []uuid{uuid(campaign)})
		if err != nil {
			return err
		}
		aside, err := t.setAside(ctx, rows, briefs, micros(now))
		n = len(aside)
		return err
	})
	return n, err
}

// WithoutConsent gives those of accounts that do not consent.
func (db *DB) WithoutConsent(ctx context.Context, accounts ...registration.ID) (without []registration.ID, err error) {
	err = db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		without = nil
		ids := make([]uuid, len(accounts))
		for i, id := range accounts {
			ids[i] = uuid(id)
		}
		of, err := t.withoutConsent(ctx, ids)
		for id := range of {
			without = append(without, registration.ID(id))
		}
		return err
	})
	return without, err
}
