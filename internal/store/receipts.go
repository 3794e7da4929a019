package store

import (
	"context"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/delivery"
	"registrar/internal/registration"
)

// Receipts implements delivery.Ledger.
type Receipts struct{ db *DB }

// Receipts gives what is known of messages that providers tell about.
func (db *DB) Receipts() *Receipts { return &Receipts{db} }

// providerMessage is a message that a provider took and will tell about.
type providerMessage struct {
	provider string
	ref      string // the provider's id; of several parts all ids, with a space between
	id       uuid
	attempt  int
}

// rememberProviderMessages notes by which ids receipts will come, as one write.
// What a provider has named twice is the later message's.
func (t *tx) rememberProviderMessages(ctx context.Context, messages []providerMessage, now int64) error {
	var values []any
	for _, m := range messages {
		for ref := range strings.FieldsSeq(m.ref) {
			values = append(values, m.provider, ref, m.id, m.attempt, now)
		}
	}
	if len(values) == 0 {
		return nil
	}
	_, err := t.conn.ExecContext(ctx, `REPLACE INTO provider_messages (provider, ref, notification_id, attempt, created_at) VALUES `+tuples(len(values)/5, 5), values...)
	return err
}

// Receive implements delivery.Ledger. A message in several parts has arrived
// when all of them have, and has failed when one has.
func (r *Receipts) Receive(ctx context.Context, provider, ref, recipient string, told registration.State, reason string, now time.Time) (before, after registration.State, err error) {
	seen := false // by an earlier run of the work, which may have been committed
	err = r.db.transactAs(ctx, "receive receipt", true, func(ctx context.Context, t *tx) error {
		var of []struct {
			ID      uuid `db:"notification_id"`
			Attempt int  `db:"attempt"`
		}
		if err := t.query(ctx, &of, `SELECT notification_id, attempt FROM provider_messages WHERE provider = ? AND ref = ?`+r.db.dialect.forUpdate, provider, ref); err != nil {
			return err
		}
		switch {
		case len(of) == 0 && t.again && seen:
			return nil
		case len(of) == 0:
			return answer{delivery.ErrUnknownReceipt}
		}
		var entries []entry
		if err := t.query(ctx, &entries, selectEntries+r.db.dialect.forUpdate, []uuid{of[0].ID}); err != nil {
			return err
		}
		if len(entries) > 0 && recipient != "" && !delivery.SameNumber(recipient, entries[0].Recipient) {
			if t.again && seen {
				return nil // the id is another message's by now
			}
			// The provider has used the id again. By the time that it repeats
			// this, the later message may be remembered.
			return answer{delivery.ErrUnknownReceipt}
		}
		seen = true
		if len(entries) == 0 { // erased meanwhile
			before, after = "", ""
			return t.forgetProviderMessage(ctx, provider, ref)
		}
		before = registration.State(entries[0].State)
		after = before
		if entries[0].Attempts == of[0].Attempt {
			after = delivery.After(before, told)
		}
		if told != registration.Delivered && told != registration.Failed {
			return nil // more is to come
		}
		if err := t.forgetProviderMessage(ctx, provider, ref); err != nil {
			return err
		}
		if after == registration.Delivered && after != before {
			var parts []int
			if err := t.query(ctx, &parts, `SELECT COUNT(*) FROM provider_messages WHERE notification_id = ? AND attempt = ?`, of[0].ID, of[0].Attempt); err != nil {
				return err
			}
			if parts[0] > 0 {
				after = before
			}
		}
		return t.conclude(ctx, of[0].ID, of[0].Attempt, before, after, reason, micros(now))
	})
	if err != nil {
		return "", "", err
	}
	return before, after, nil
}

func (t *tx) forgetProviderMessage(ctx context.Context, provider, ref string) error {
	_, err := t.exec(ctx, `DELETE FROM provider_messages WHERE provider = ? AND ref = ?`, provider, ref)
	return err
}

// conclude gives a settled notification, and the attempt that this is about,
// the state that a report has led to.
func (t *tx) conclude(ctx context.Context, id uuid, attempt int, before, after registration.State, reason string, now int64) error {
	if before == after {
		return nil
	}
	if after == registration.Delivered {
		reason = ""
	}
	n, err := t.exec(ctx, `UPDATE notifications SET state = ?, reason = ?, updated_at = ? WHERE id = ? AND attempts = ? AND state = ?`,
		string(after), cut(reason), now, id, attempt, string(before))
	if err != nil {
		return err
	}
	if n != 1 {
		return errAborted // cannot be while the row is locked
	}
	_, err = t.exec(ctx, `UPDATE notification_attempts SET state = ?, reason = ?, updated_at = ? WHERE notification_id = ? AND attempt = ?`,
		string(after), cut(reason), now, id, attempt)
	return err
}

// receiptLife is how long a receipt is waited for: gateways keep a message for
// three days at most.
const receiptLife = 7 * 24 * time.Hour

// Forget removes what receipts are no longer waited for, in small transactions.
// It gives how many there were.
func (r *Receipts) Forget(ctx context.Context, now time.Time) (int, error) {
	before := micros(now.Add(-receiptLife))
	for total := 0; ; {
		var old []struct {
			Provider string `db:"provider"`
			Ref      string `db:"ref"`
		}
		err := r.db.view(ctx, "forget receipts", func(ctx context.Context, conn *sqlx.Conn) error {
			old = nil
			return conn.SelectContext(ctx, &old, `SELECT provider, ref FROM provider_messages WHERE created_at < ? ORDER BY created_at LIMIT ?`, before, forgetBatch)
		})
		if err != nil || len(old) == 0 {
			return total, err
		}
		refs := make(map[string][]string)
		for _, o := range old {
			refs[o.Provider] = append(refs[o.Provider], o.Ref)
		}
		err = r.db.transactAs(ctx, "forget receipts", true, func(ctx context.Context, t *tx) error {
			for provider, list := range refs {
				query, args, err := sqlx.In(`DELETE FROM provider_messages WHERE provider = ? AND ref IN (?) AND created_at < ?`, provider, list, before)
				if err != nil {
					return err
				}
				// Not prepared: there is a text for each length of the list.
				if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		if total += len(old); len(old) < forgetBatch {
			return total, nil
		}
	}
}
