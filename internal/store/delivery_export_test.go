package store

import (
	"context"
	"time"

	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// RememberProviderMessage notes that a provider will tell by ref about an attempt.
func (db *DB) RememberProviderMessage(ctx context.Context, provider, ref string, id registration.ID, attempt int, now time.Time) error {
	return db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		return t.rememberProviderMessages(ctx, []providerMessage{{provider: provider, ref: ref, id: uuid(id), attempt: attempt}}, micros(now))
	})
}

// Suppressed gives why nothing is to be sent for notifications.
func (db *DB) Suppressed(ctx context.Context, notifications []registration.Notification) (map[registration.ID]suppression.Reason, error) {
	held := make(map[registration.ID]suppression.Reason)
	err := db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		entries := make([]entry, len(notifications))
		for i, n := range notifications {
			entries[i].ID, entries[i].Channel, entries[i].Kind, entries[i].Recipient = uuid(n.ID), string(n.Channel), string(n.Kind), n.Recipient
		}
		of, err := t.suppressed(ctx, entries)
		for id, reason := range of {
			held[registration.ID(id)] = reason
		}
		return err
	})
	return held, err
}

// SuppressRefused notes how a notification's last attempt ended.
func (db *DB) SuppressRefused(ctx context.Context, n registration.Notification, reason string, now time.Time) error {
	return db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		var e entry
		e.Channel, e.Recipient = string(n.Channel), n.Recipient
		return db.suppressRefused(ctx, t, e, reason, micros(now))
	})
}

// Reached notes that a contact was verified.
func (db *DB) Reached(ctx context.Context, channel registration.Channel, recipient string) error {
	return db.transact(ctx, "test", func(ctx context.Context, t *tx) error { return t.reached(ctx, channel, recipient) })
}
