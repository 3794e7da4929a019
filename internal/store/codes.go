package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

const insertCodes = `INSERT INTO codes (issue, mac, sealed, attempts, issued_at, expires_at, resend_at, used_at, revision, account_id, channel) VALUES `

// codeColumns is how many columns insertCodes has.
const codeColumns = 11

// codeValues are the columns of a code, in the order of insertCodes.
func codeValues(c registration.OneTimeCode, revision registration.ID) []any {
	var sealed any // NULL
	if len(c.Sealed) > 0 {
		sealed = c.Sealed
	}
	return []any{
		c.Issue[:], c.MAC[:], sealed, c.Attempts, micros(c.IssuedAt), micros(c.ExpiresAt), micros(c.ResendAt), micros(c.UsedAt), revision[:],
		c.AccountID[:], string(c.Channel),
	}
}

// insertCodes stores the codes of a new account whose recipients have some left
// today, and gives their notifications.
func (t *tx) insertCodes(ctx context.Context, d dialect, sendings []registration.CodeSending) (queued []registration.Notification, err error) {
	if len(sendings) == 0 {
		return nil, nil
	}
	quotas := make([]registration.CodeQuota, len(sendings))
	for i, s := range sendings {
		quotas[i] = s.Quota
	}
	left, _, err := t.reserveCodes(ctx, d, quotas, micros(sendings[0].Code.IssuedAt))
	if err != nil {
		return nil, err
	}
	var values []any
	for i, s := range sendings {
		if left[i] {
			values = append(values, codeValues(s.Code, s.Code.Issue)...)
			queued = append(queued, s.Notification)
		}
	}
	if len(queued) == 0 {
		return nil, nil
	}
	return queued, t.run(ctx, statement(insertCodes+tuples(len(queued), codeColumns)), values...)
}

// replaceCode puts a code in the place of the row's.
func (t *tx) replaceCode(ctx context.Context, d dialect, row contactCodeRow, c registration.OneTimeCode, revision registration.ID) error {
	values := codeValues(c, revision)
	if row.Issue == nil {
		err := t.run(ctx, statement(insertCodes+tuples(1, codeColumns)), values...)
		if d.classify(err).class == duplicate {
			return errAborted // somebody else's first code for this contact
		}
		return err
	}
	n, err := t.exec(ctx, `UPDATE codes SET issue = ?, mac = ?, sealed = ?, attempts = ?, issued_at = ?, expires_at = ?, resend_at = ?, used_at = ?, revision = ?
		WHERE account_id = ? AND channel = ? AND revision = ?`, append(values, row.Revision)...)
	if err == nil && n != 1 {
		err = errAborted
	}
	return err
}

// addCodes gives claims of codes what they are about to send.
func (t *tx) addCodes(ctx context.Context, claims []notify.Claim) error {
	var accounts []uuid
	for _, c := range claims {
		if c.Notification.Kind == registration.VerificationCode {
			accounts = append(accounts, uuid(c.Notification.AccountID))
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	var rows []struct {
		AccountID uuid   `db:"account_id"`
		Channel   []byte `db:"channel"`
		Sealed    []byte `db:"sealed"`
		ExpiresAt int64  `db:"expires_at"`
	}
	if err := t.query(ctx, &rows, `SELECT account_id, channel, sealed, expires_at FROM codes WHERE account_id IN (?)`, accounts); err != nil {
		return err
	}
	type contact struct {
		account registration.ID
		channel registration.Channel
	}
	codes := make(map[contact]notify.Code, len(rows))
	for _, r := range rows {
		codes[contact{registration.ID(r.AccountID), registration.Channel(r.Channel)}] = notify.Code{Sealed: r.Sealed, ExpiresAt: timeOf(r.ExpiresAt)}
	}
	for i, c := range claims {
		if n := c.Notification; n.Kind == registration.VerificationCode {
			claims[i].Code = codes[contact{n.AccountID, n.Channel}]
		}
	}
	return nil
}

// superseded is the reason of a notification whose code is not to be sent any
// more, or is sent by a later one.
const superseded = "SUPERSEDED"

// withhold ends what still waits to bring a code to a contact: as UNKNOWN where
// an earlier attempt may have brought it. What a notifier holds is left to it.
func (t *tx) withhold(ctx context.Context, c registration.OneTimeCode, now int64) error {
	var waiting []uuid
	err := t.query(ctx, &waiting, `SELECT id FROM notifications WHERE account_id = ? AND channel = ? AND kind IN (?, ?) AND state = 'QUEUED' ORDER BY id`,
		c.AccountID[:], string(c.Channel), string(registration.VerificationCode), string(registration.AlreadyRegistered))
	if err != nil || len(waiting) == 0 {
		return err
	}
	n, err := t.exec(ctx, `UPDATE notifications SET state = CASE WHEN ambiguous > 0 THEN 'UNKNOWN' ELSE 'EXPIRED' END, reason = ?, updated_at = ? WHERE id IN (?) AND state = 'QUEUED'`, superseded, now, waiting)
	if err != nil {
		return err
	}
	if n != len(waiting) {
		return errAborted // a notifier has taken one meanwhile
	}
	_, err = t.exec(ctx, `DELETE FROM outbox WHERE notification_id IN (?)`, waiting)
	return err
}

// quotaRow is how many codes a recipient was sent on its day.
type quotaRow struct {
	Recipient []byte `db:"recipient"`
	Day       int64  `db:"day"`
	Used      int64  `db:"used"`
}

// reserveCodes counts one code more for each recipient that has one left of its
// day, and says for which. wait is until the last of the others has some again.
// The days are those of usageRow, with what it says of clocks.
func (t *tx) reserveCodes(ctx context.Context, d dialect, quotas []registration.CodeQuota, now int64) (left []bool, wait int64, err error) {
	recipients := make([][]byte, len(quotas))
	for i := range quotas {
		recipients[i] = quotas[i].Recipient[:]
	}
	var rows []quotaRow
	if !t.atOnce { // else it goes well where there is none, as there mostly is
		if err := t.query(ctx, &rows, `SELECT recipient, day, used FROM code_quotas WHERE recipient IN (?) ORDER BY recipient`+d.forUpdate, recipients); err != nil {
			return nil, 0, err
		}
	}
	there := make(map[string]quotaRow, len(rows))
	for _, r := range rows {
		there[string(r.Recipient)] = r
	}
	left = make([]bool, len(quotas))
	var fresh []any
	for i, q := range quotas {
		row, known := there[string(recipients[i])]
		next := usageRow{Day: row.Day, Used: row.Used}
		next.turn(now/day, int64(q.DailyCap))
		if next.Used >= int64(q.DailyCap) {
			wait = max(wait, (next.Day+1)*day-now)
			continue
		}
		left[i] = true
		next.Used++
		if !known {
			fresh = append(fresh, recipients[i], next.Day, next.Used)
			continue
		}
		n, err := t.exec(ctx, `UPDATE code_quotas SET day = ?, used = ? WHERE recipient = ? AND day = ? AND used = ?`, next.Day, next.Used, recipients[i], row.Day, row.Used)
		if err == nil && n != 1 {
			err = errAborted
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if len(fresh) == 0 {
		return left, wait, nil
	}
	err = t.run(ctx, statement(`INSERT INTO code_quotas (recipient, day, used) VALUES `+tuples(len(fresh)/3, 3)), fresh...)
	if d.classify(err).class == duplicate {
		err = errAborted // somebody else's first code to this recipient
	}
	return left, wait, err
}

// CodeQuotas implements verification.Quotas.
type CodeQuotas struct{ db *DB }

// CodeQuotas gives the counts of codes that were sent.
func (db *DB) CodeQuotas() *CodeQuotas { return &CodeQuotas{db} }

// Forget implements verification.Quotas. Yesterday is kept: it may be another
// server's today.
func (q *CodeQuotas) Forget(ctx context.Context, now time.Time) error {
	before := micros(now)/day - 1
	for {
		var over [][]byte
		err := q.db.view(ctx, "forget code quotas", func(ctx context.Context, conn *sqlx.Conn) error {
			over = nil
			return conn.SelectContext(ctx, &over, `SELECT recipient FROM code_quotas WHERE day < ? ORDER BY day LIMIT ?`, before, forgetBatch)
		})
		if err != nil || len(over) == 0 {
			return err
		}
		err = q.db.transact(ctx, "forget code quotas", func(ctx context.Context, t *tx) error {
			query, args, err := sqlx.In(`DELETE FROM code_quotas WHERE recipient IN (?) AND day < ?`, over, before)
			if err != nil {
				return err
			}
			// Not prepared: there is a text for each length of the list.
			_, err = t.conn.ExecContext(ctx, query, args...)
			return err
		})
		if err != nil || len(over) < forgetBatch {
			return err
		}
	}
}
