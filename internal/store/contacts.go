package store

import (
	"context"
	"fmt"
	"reflect"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// contactCodeRow is an account with the code of one of its contacts, or with none.
type contactCodeRow struct {
	detailsRow
	Issue     []byte `db:"issue"`
	MAC       []byte `db:"mac"`
	Sealed    []byte `db:"sealed"`
	Attempts  *int   `db:"attempts"`
	IssuedAt  *int64 `db:"issued_at"`
	ExpiresAt *int64 `db:"expires_at"`
	ResendAt  *int64 `db:"resend_at"`
	UsedAt    *int64 `db:"used_at"`
	Revision  []byte `db:"revision"`
}

const selectContactCode = `SELECT ` + detailsColumns + `, c.issue, c.mac, c.sealed, c.attempts, c.issued_at, c.expires_at, c.resend_at, c.used_at, c.revision
	FROM accounts a JOIN profiles p ON p.account_id = a.id LEFT JOIN codes c ON c.account_id = a.id AND c.channel = ? WHERE a.id = ?`

func (r contactCodeRow) contact(channel registration.Channel) registration.Contact {
	d := r.details(nil)
	c := registration.Contact{Account: d.Account, Profile: d.Profile, Channel: channel}
	if r.Issue == nil {
		return c
	}
	c.Code = registration.OneTimeCode{
		AccountID: c.Account.ID, Channel: channel, Sealed: r.Sealed, Attempts: *r.Attempts,
		IssuedAt: timeOf(*r.IssuedAt), ExpiresAt: timeOf(*r.ExpiresAt), ResendAt: timeOf(*r.ResendAt), UsedAt: timeOf(*r.UsedAt),
	}
	copy(c.Code.Issue[:], r.Issue)
	copy(c.Code.MAC[:], r.MAC)
	return c
}

// ChangeContact implements registration.Store. The account's row is locked, and
// the code's row changes only where it still has the revision that was read:
// two nodes of a cluster that change it at once are told apart by that at
// COMMIT, and the later one begins again.
func (a *Accounts) ChangeContact(ctx context.Context, id registration.ID, channel registration.Channel, revision registration.ID,
	change func(registration.Contact) (registration.ContactChange, error)) error {
	var record audit.Record
	err := a.db.transact(ctx, "change contact", func(ctx context.Context, t *tx) error {
		var rows []contactCodeRow
		if err := t.query(ctx, &rows, selectContactCode+a.db.dialect.forUpdate, string(channel), id[:]); err != nil {
			return err
		}
		if len(rows) == 0 {
			if stale := a.seenByAll(ctx, id, channel, rows); stale != nil {
				return stale
			}
			return registration.ErrNotFound
		}
		contact := rows[0].contact(channel)
		if contact.Done = string(rows[0].Revision) == string(revision[:]); contact.Done {
			if t.again {
				return nil // an attempt whose outcome was not known has done it, and change has told of it
			}
			if _, err := change(contact); err != nil {
				return answer{err}
			}
			return nil
		}
		made, err := change(contact)
		if err != nil || made.Code.Issue.IsZero() {
			if stale := a.seenByAll(ctx, id, channel, rows); stale != nil {
				return stale
			}
			if err != nil {
				return answer{err}
			}
			return nil
		}
		if record, err = a.db.recordFor(made.Audit, record); err != nil {
			return err
		}
		return t.changeContact(ctx, a.db.dialect, rows[0], made, revision, record)
	})
	if err != nil {
		a.db.notWritten(record, err)
	}
	return err
}

// seenByAll says whether rows are what every node has: a transaction that
// changes nothing is not compared with those of other nodes, and its own may
// not have theirs yet.
func (a *Accounts) seenByAll(ctx context.Context, id registration.ID, channel registration.Channel, rows []contactCodeRow) error {
	if a.db.dialect.serial {
		return nil
	}
	var now []contactCodeRow
	err := a.db.readOnce(ctx, func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.SelectContext(ctx, &now, selectContactCode, string(channel), id[:])
	})
	if err == nil && (len(now) != len(rows) || len(now) > 0 && !reflect.DeepEqual(now[0], rows[0])) {
		err = errAborted
	}
	return err
}

// changeContact stores a change.
func (t *tx) changeContact(ctx context.Context, d dialect, row contactCodeRow, made registration.ContactChange, revision registration.ID, record audit.Record) error {
	if made.Quota != (registration.CodeQuota{}) {
		left, wait, err := t.reserveCodes(ctx, d, []registration.CodeQuota{made.Quota}, micros(made.At))
		if err != nil {
			return err
		}
		if !left[0] {
			return registration.CodesUsedUp(duration(wait))
		}
	}
	if err := t.replaceCode(ctx, d, row, made.Code, revision); err != nil {
		return err
	}
	if made.Supersedes {
		if err := t.withhold(ctx, made.Code, micros(made.At)); err != nil {
			return err
		}
	}
	if err := t.setVerified(ctx, row, made); err != nil {
		return err
	}
	if err := t.insertNotifications(ctx, made.Notifications); err != nil {
		return err
	}
	if err := t.audit(ctx, record); err != nil {
		return err
	}
	return insertEvents(ctx, t, made.Events)
}

// setVerified marks the contact as its owner's.
func (t *tx) setVerified(ctx context.Context, row contactCodeRow, made registration.ContactChange) error {
	if made.VerifiedAt.IsZero() {
		return nil
	}
	status := registration.Status(row.Status)
	if made.Status != "" {
		status = made.Status
	}
	column, recipient := "email_verified_at", row.Email
	if made.Code.Channel == registration.SMSChannel {
		column, recipient = "mobile_verified_at", row.Mobile
	}
	n, err := t.exec(ctx, `UPDATE accounts SET `+column+` = ?, status = ? WHERE id = ? AND status = ? AND `+column+` = 0`,
		micros(made.VerifiedAt), string(status), row.ID, row.Status)
	if err == nil && n != 1 {
		err = errAborted
	}
	if err != nil {
		return err
	}
	return t.reached(ctx, made.Code.Channel, recipient)
}

// insertNotifications queues notifications with their outbox rows.
func (t *tx) insertNotifications(ctx context.Context, notifications []registration.Notification) error {
	if len(notifications) == 0 {
		return nil
	}
	ledger, outbox, err := notificationRows(notifications)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := t.run(ctx, statement(insertNotifications+tuples(ledger.n, 19)), ledger.values...); err != nil {
		return err
	}
	return t.run(ctx, statement(insertOutbox+tuples(outbox.n, 8)), outbox.values...)
}
