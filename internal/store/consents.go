package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Consents keeps who consents to marketing, and by which channels.
type Consents struct{ db *DB }

// Consents gives the consents.
func (db *DB) Consents() *Consents { return &Consents{db} }

type contactRow struct {
	Email    string `db:"email"`
	EmailKey string `db:"email_key"`
	Mobile   string `db:"mobile"`
	Locale   string `db:"locale"`
	Consent  int64  `db:"marketing_consent"`
}

const selectContact = `SELECT a.email, a.email_key, a.mobile, p.locale, p.marketing_consent FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE a.id = ?`

// recipient is the contact of a channel as suppressions have it; false for none.
func (r contactRow) recipient(channel registration.Channel) (suppression.Recipient, bool) {
	if channel == registration.EmailChannel {
		return sha256.Sum256([]byte(r.EmailKey)), r.Email != ""
	}
	return sha256.Sum256([]byte(r.Mobile)), r.Mobile != ""
}

// Standing says whether a person is written to by a channel, as far as their
// own wish goes, and in which locale. Errors: registration.ErrNotFound.
func (s *Consents) Standing(ctx context.Context, account registration.ID, channel registration.Channel) (consented bool, locale string, err error) {
	var row contactRow
	var listed int
	err = s.db.view(ctx, "standing", func(ctx context.Context, conn *sqlx.Conn) error {
		if err := conn.GetContext(ctx, &row, selectContact, account[:]); err != nil {
			return found(err)
		}
		listed = 0
		recipient, ok := row.recipient(channel)
		if !ok {
			return nil
		}
		return conn.GetContext(ctx, &listed, `SELECT COUNT(*) FROM suppressions WHERE channel = ? AND recipient = ? AND reason = ?`,
			string(channel), recipient[:], string(suppression.Unsubscribed))
	})
	if err != nil {
		return false, "", err
	}
	return row.Consent != 0 && listed == 0, row.Locale, nil
}

// Withdraw ends a person's consent to marketing, and suppresses their contact
// of a channel for it, so that another account with the same contact changes
// nothing. Done again it changes nothing. Errors: registration.ErrNotFound.
func (s *Consents) Withdraw(ctx context.Context, account registration.ID, channel registration.Channel, now time.Time) error {
	return s.change(ctx, account, channel, false, func(ctx context.Context, t *tx, recipient suppression.Recipient) error {
		return s.db.suppress(ctx, t, suppression.Suppression{Channel: channel, Recipient: recipient, Reason: suppression.Unsubscribed, CreatedAt: now})
	})
}

// Restore takes a Withdraw back, and no other suppression. Errors:
// registration.ErrNotFound.
func (s *Consents) Restore(ctx context.Context, account registration.ID, channel registration.Channel) error {
	return s.change(ctx, account, channel, true, func(ctx context.Context, t *tx, recipient suppression.Recipient) error {
		_, err := t.unsuppress(ctx, channel, recipient, suppression.Unsubscribed)
		return err
	})
}

func (s *Consents) change(ctx context.Context, account registration.ID, channel registration.Channel, consent bool, list func(context.Context, *tx, suppression.Recipient) error) error {
	return s.db.transact(ctx, "consent", func(ctx context.Context, t *tx) error {
		var row contactRow
		if err := t.conn.GetContext(ctx, &row, selectContact, account[:]); err != nil {
			return found(err)
		}
		if _, err := t.exec(ctx, `UPDATE profiles SET marketing_consent = ? WHERE account_id = ?`, flag(consent), account[:]); err != nil {
			return err
		}
		recipient, ok := row.recipient(channel)
		if !ok {
			return nil
		}
		return list(ctx, t, recipient)
	})
}
