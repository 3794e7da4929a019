package store

import (
	"context"
	"time"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Bounces implements bounce.Ledger.
type Bounces struct{ db *DB }

// Bounces gives the ledger as mail that came back sees it.
func (db *DB) Bounces() *Bounces { return &Bounces{db} }

// Bounced implements bounce.Ledger.
func (b *Bounces) Bounced(ctx context.Context, report delivery.Report, now time.Time) (delivery.Verdict, error) {
	var told delivery.Verdict
	err := b.db.transactAs(ctx, "note bounce", true, func(ctx context.Context, t *tx) error {
		var entries []entry
		if err := t.query(ctx, &entries, selectEntries+b.db.dialect.forUpdate, []uuid{uuid(report.NotificationID)}); err != nil {
			return err
		}
		if len(entries) == 0 {
			return answer{delivery.ErrUnmatched}
		}
		e := entries[0]
		sent := delivery.Sent{
			Channel: registration.Channel(e.Channel), Recipient: e.Recipient, Provider: e.Provider,
			State: registration.State(e.State), UpdatedAt: timeOf(e.UpdatedAt),
		}
		verdict, err := report.Judge(sent, now)
		if err != nil {
			return answer{err}
		}
		if changes := verdict.State != sent.State || verdict.Suppress != ""; changes || !t.again {
			told = verdict // else an earlier run, which was committed, has done it
		}
		if verdict.Suppress != "" {
			err := b.db.suppress(ctx, t, suppression.Suppression{
				Channel: sent.Channel, Recipient: suppression.RecipientOf(sent.Channel, sent.Recipient),
				Reason: verdict.Suppress, Detail: verdict.Detail, CreatedAt: now,
			})
			if err != nil {
				return err
			}
		}
		return t.conclude(ctx, e.ID, e.Attempts, sent.State, verdict.State, verdict.Reason, micros(now))
	})
	if err != nil {
		return delivery.Verdict{}, err
	}
	return told, nil
}
