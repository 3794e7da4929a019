package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

var errOutcome = errors.New("an outcome's state is neither QUEUED nor settled")

// Settle implements notify.Ledger.
func (l *Ledger) Settle(ctx context.Context, owner string, outcomes []notify.Outcome, now time.Time) error {
	if len(outcomes) == 0 {
		return nil
	}
	ids := make([]registration.ID, len(outcomes))
	of := make(map[uuid]notify.Outcome, len(outcomes))
	for i, o := range outcomes {
		if o.State != registration.Queued && !o.State.Settled() {
			return fmt.Errorf("store: settle: %w", errOutcome)
		}
		ids[i] = o.NotificationID
		of[uuid(o.NotificationID)] = o
	}
	return l.transact(ctx, "settle", func(ctx context.Context, t *tx) error {
		at := micros(now)
		var entries []entry
		if err := t.query(ctx, &entries, selectEntries+l.db.dialect.forUpdate, uuids(ids)); err != nil {
			return err
		}
		groups := make(map[ending][]entry)
		var history []attemptRow
		var awaited []providerMessage
		for _, e := range entries {
			o := of[e.ID]
			s := registration.State(e.State)
			if e.Owner != owner || e.Attempts != o.Number || s != registration.Claimed && s != registration.Sending {
				continue
			}
			key := ending{number: o.Number, state: o.State, reason: o.Reason, retryAt: o.RetryAt.UnixMicro(), ambiguous: o.Ambiguous}
			groups[key] = append(groups[key], e)
			history = append(history, attemptRow{id: e.ID, number: e.Attempts, owner: owner, state: o.State, provider: e.Provider, ref: o.ProviderRef, reason: o.Reason})
			if o.State == registration.Failed {
				if err := l.db.suppressRefused(ctx, t, e, o.Reason, at); err != nil {
					return err
				}
			}
			if o.ReceiptExpected {
				awaited = append(awaited, providerMessage{provider: e.Provider, ref: o.ProviderRef, id: e.ID, attempt: e.Attempts})
			}
		}
		for key, group := range groups {
			if err := t.settle(ctx, owner, key, group, of, at); err != nil {
				return err
			}
		}
		if err := t.rememberProviderMessages(ctx, awaited, at); err != nil {
			return err
		}
		return t.writeHistory(ctx, history, at)
	})
}

// ending is what attempts that ended alike have in common.
type ending struct {
	number    int
	state     registration.State
	reason    string
	retryAt   int64
	ambiguous bool
}

// settle ends attempts that ended alike, and moves or removes their outbox rows.
func (t *tx) settle(ctx context.Context, owner string, end ending, entries []entry, of map[uuid]notify.Outcome, now int64) error {
	ids := entryIDs(entries)
	next := now
	if end.state == registration.Queued {
		next = end.retryAt
	}
	refs, args := `''`, []any{string(end.state), flag(end.ambiguous), end.reason, next, now}
	if end.state != registration.Queued {
		refs = `CASE id`
		for _, id := range ids {
			refs += ` WHEN ? THEN ?`
			args = append(args, id, of[id].ProviderRef)
		}
		refs += ` ELSE '' END`
	}
	args = append(args, ids, end.number, owner)
	n, err := t.exec(ctx, `UPDATE notifications SET state = ?, ambiguous = ambiguous + ?, reason = ?, next_attempt_at = ?, updated_at = ?, owner = '', lease_until = 0, provider_ref = `+refs+
		` WHERE id IN (?) AND attempts = ? AND owner = ? AND state IN ('CLAIMED', 'SENDING')`, args...)
	switch {
	case err != nil:
		return err
	case n != len(ids):
		return errAborted
	case end.state == registration.Queued:
		_, err = t.exec(ctx, `UPDATE outbox SET due_at = ? WHERE notification_id IN (?)`, next, ids)
	default:
		_, err = t.exec(ctx, `DELETE FROM outbox WHERE notification_id IN (?)`, ids)
	}
	return err
}
