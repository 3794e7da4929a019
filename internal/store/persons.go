package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/address"
	"registrar/internal/audit"
	rights "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Persons implements person.Store.
type Persons struct {
	*Erasures
	db *DB
}

// Persons gives people with all that is held of them.
func (db *DB) Persons() *Persons { return &Persons{db.Erasures(), db} }

// Find implements person.Store.
func (p *Persons) Find(ctx context.Context, key registration.Key) ([]registration.Account, error) {
	details, err := p.db.Accounts().Details(ctx, key)
	if err != nil {
		return nil, err
	}
	all := []registration.Account{details.Account}
	if details.Account.Phantom() || details.Account.Email.Text == "" {
		return all, nil
	}
	for last := registration.PhantomKeys; ; {
		var rows []detailsRow
		err := p.db.view(ctx, "find phantoms", func(ctx context.Context, conn *sqlx.Conn) error {
			rows = nil
			return conn.SelectContext(ctx, &rows, selectDetails+`a.email_key > ? AND a.email_key < ? ORDER BY a.email_key LIMIT ?`, last, registration.PhantomKeys+"~", forgetBatch)
		})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			a := r.details(nil).Account
			last = a.Email.Key
			if email, wrong := registration.ParseEmail(a.Email.Text, address.DomainToASCII); wrong == nil && email.Key == details.Account.Email.Key {
				all = append(all, a)
			}
		}
		if len(rows) < forgetBatch {
			return all, nil
		}
	}
}

// Bury implements person.Store.
func (p *Persons) Bury(ctx context.Context, b rights.Burial) error {
	record, err := p.db.recordFor(b.Audit, audit.Record{})
	if err != nil {
		return err
	}
	var blanks []audit.Record
	id := b.Account.ID[:]
	err = p.db.transact(ctx, "bury", func(ctx context.Context, t *tx) error {
		var there []uuid
		if err := t.query(ctx, &there, `SELECT id FROM accounts WHERE id = ?`+p.db.dialect.forUpdate, id); err != nil {
			return err
		}
		if len(there) == 0 {
			if t.again && p.buried(ctx, t, b) == nil {
				return nil // by the attempt before
			}
			return registration.ErrNotFound
		}
		for _, from := range []string{`accounts WHERE id`, `profiles WHERE account_id`, `codes WHERE account_id`, `idempotency WHERE account_id`, `events WHERE subject`} {
			if _, err := t.exec(ctx, `DELETE FROM `+from+` = ?`, id); err != nil {
				return err
			}
		}
		if err := t.eraseSuppressions(ctx, b); err != nil {
			return err
		}
		if b.Tombstone.ExternalID == "" && b.Account.ExternalID != "" {
			blanked, err := t.eraseExternalID(ctx, b.Account)
			if err != nil {
				return err
			}
			if blanks, err = p.db.blankRecords(b.Audit, blanked, blanks); err != nil {
				return err
			}
		}
		if err := t.eraseComparisons(ctx, b); err != nil {
			return err
		}
		err := t.run(ctx, `INSERT INTO erasures (registration_id, caller, external_id, external_digest, erased_at, finished_at) VALUES (?,?,?,?,?,0)`,
			id, b.Tombstone.Caller, nullText(b.Tombstone.ExternalID), nullBytes(b.Tombstone.Digest), micros(b.Tombstone.ErasedAt))
		if err != nil {
			return err
		}
		if err := t.audit(ctx, append(blanks, record)...); err != nil {
			return err
		}
		if b.Event.ID.IsZero() {
			return nil
		}
		return insertEvents(ctx, t, []registration.Event{b.Event})
	})
	for _, r := range append(blanks, record) {
		p.db.notWritten(r, err)
	}
	return err
}

// buried says whether the tombstone of this very erasure is there.
func (p *Persons) buried(ctx context.Context, t *tx, b rights.Burial) error {
	var at int64
	return t.conn.GetContext(ctx, &at, `SELECT erased_at FROM erasures WHERE registration_id = ? AND erased_at = ?`, b.Account.ID[:], micros(b.Tombstone.ErasedAt))
}

// contactsOf are an account's address and number. The address of a phantom is
// somebody else's.
func contactsOf(a registration.Account) map[registration.Channel]string {
	contacts := map[registration.Channel]string{}
	if a.Email.Text != "" && !a.Phantom() {
		contacts[registration.EmailChannel] = a.Email.Text
	}
	if a.Mobile != "" {
		contacts[registration.SMSChannel] = string(a.Mobile)
	}
	return contacts
}

// eraseSuppressions takes a person's address and number off the list, but for
// what they have said themselves, or an operator has, where that is to be kept.
func (t *tx) eraseSuppressions(ctx context.Context, b rights.Burial) error {
	var reason suppression.Reason // all
	if b.KeepOptOuts {
		reason = suppression.HardBounce
	}
	for channel, contact := range contactsOf(b.Account) {
		if _, err := t.unsuppress(ctx, channel, suppression.RecipientOf(channel, contact), reason); err != nil {
			return err
		}
	}
	return nil
}

// eraseComparisons takes the keys of a person's registrations in shadow mode out of
// what they came to: the request ids, and the external id where that is not kept.
func (t *tx) eraseComparisons(ctx context.Context, b rights.Burial) error {
	if b.Account.ExternalID == "" {
		return nil // they are known by it alone
	}
	var ids []any // read first, as there is no index: calls go on writing there
	if err := t.conn.SelectContext(ctx, &ids, `SELECT id FROM shadow_comparisons WHERE caller = ? AND external_id = ?`, b.Account.Caller, b.Account.ExternalID); err != nil || len(ids) == 0 {
		return err
	}
	_, err := t.exec(ctx, `UPDATE shadow_comparisons SET request_id = '', external_id = ? WHERE id IN (?)`, b.Tombstone.ExternalID, ids)
	return err
}

// EraseRest implements person.Store.
func (p *Persons) EraseRest(ctx context.Context, account registration.ID, now time.Time, limit int) (erased, held int, err error) {
	err = p.db.transact(ctx, "erase rest", func(ctx context.Context, t *tx) error {
		var entries []entry
		if err := t.query(ctx, &entries, selectRest+p.db.dialect.forUpdate, account[:], limit); err != nil {
			return err
		}
		var gone []uuid
		held = 0
		for _, e := range entries {
			if e.held(micros(now)) {
				held++
				continue
			}
			gone = append(gone, e.ID)
		}
		erased = len(gone)
		return t.eraseNotifications(ctx, gone)
	})
	return erased, held, err
}

// selectRest has what nobody holds first.
const selectRest = `SELECT ` + notificationColumns + `, ambiguous, owner, lease_until, provider, next_attempt_at FROM notifications
	WHERE account_id = ? ORDER BY lease_until, id LIMIT ?`

// eraseNotifications erases notifications with all that belongs to them.
func (t *tx) eraseNotifications(ctx context.Context, ids []uuid) error {
	if len(ids) == 0 {
		return nil
	}
	for _, from := range []string{`outbox WHERE notification_id`, `notification_attempts WHERE notification_id`, `provider_messages WHERE notification_id`, `inbox_messages WHERE id`, `notifications WHERE id`} {
		query, args, err := sqlx.In(`DELETE FROM `+from+` IN (?)`, ids)
		if err != nil {
			return err
		}
		// Not prepared: there is a text for each length of the list.
		if _, err := t.conn.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}

// eraseOrphans erases what was queued while its person was being erased, as a
// campaign may do that had chosen them a moment before, and gives the entries that
// are left. What a notifier holds is left to the erasure.
func (t *tx) eraseOrphans(ctx context.Context, entries []entry, people map[uuid]person, now int64) ([]entry, error) {
	var gone []uuid
	left := entries[:0:0]
	for _, e := range entries {
		if _, there := people[e.AccountID]; there || e.held(now) {
			left = append(left, e)
		} else {
			gone = append(gone, e.ID)
		}
	}
	return left, t.eraseNotifications(ctx, gone)
}
