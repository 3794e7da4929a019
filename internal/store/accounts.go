package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
	"registrar/internal/lane"
	"registrar/internal/registration"
)

// Accounts implements registration.Store.
type Accounts struct{ db *DB }

// Accounts gives the accounts, profiles and records of requests.
func (db *DB) Accounts() *Accounts { return &Accounts{db} }

// firstPublication is how long a new row of the outbox is left to the server
// that committed it, which publishes it at once.
const firstPublication = time.Second

const (
	insertIdempotency = `INSERT INTO idempotency (caller, request_id, fingerprint, account_id, status, locale, registered_at) VALUES (?,?,?,?,?,?,?)`
	insertAccount     = `INSERT INTO accounts (id, caller, external_id, username, username_key, email, email_key, mobile, password_hash, status, registered_at, email_verified_at, mobile_verified_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertProfile     = `INSERT INTO profiles (account_id, first_name, last_name, locale, marketing_consent) VALUES (?,?,?,?,?)`

	insertNotifications = `INSERT INTO notifications (id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, ambiguous, owner, lease_until, provider, provider_ref, reason, next_attempt_at, deadline, created_at, updated_at) VALUES `
	insertOutbox        = `INSERT INTO outbox (notification_id, lane, recipient, deadline, trace_parent, due_at, publications, created_at) VALUES `
)

// Create implements registration.Store. The record of the request goes first,
// so that concurrent requests under one id meet there and nowhere else.
func (a *Accounts) Create(ctx context.Context, r registration.Registration) (queued []registration.Notification, err error) {
	transact := a.db.transactAtOnce
	if r.Phantom != nil {
		transact = a.db.transact // what is stored depends on what is there
	}
	var record audit.Record
	err = transact(ctx, "create", func(ctx context.Context, t *tx) error {
		if t.again {
			done, ours, err := a.stored(ctx, t, r)
			if queued = ours; done || err != nil {
				return err
			}
		}
		chosen, err := t.choose(ctx, r)
		if err != nil {
			return err
		}
		if record, err = a.db.recordFor(chosen.Audit, record); err != nil {
			return err
		}
		queued, err = t.insertRegistration(ctx, a.db.dialect, chosen, record)
		f := a.db.dialect.classify(err)
		if f.class != duplicate {
			return err
		}
		// A key may be taken by ourselves: by an attempt whose outcome was not
		// known, or by a call before this one with the same ids.
		if t.again || !errors.As(err, new(requestError)) {
			done, ours, err := a.stored(ctx, t, r)
			if t.again {
				queued = ours
			}
			if done && !t.again {
				a.db.auditor.GiveBack(record) // another server has written it
				record = audit.Record{}
			}
			if done || err != nil {
				return err
			}
		}
		return t.takenError(ctx, chosen, err, f.index)
	})
	if err != nil {
		a.db.notWritten(record, err)
		return nil, err
	}
	return queued, nil
}

// insertRegistration makes a few statements of one registration, and one of its
// events: nothing is there of a new account that they could stand behind. It
// gives the notifications that are queued.
func (t *tx) insertRegistration(ctx context.Context, d dialect, r registration.Registration, record audit.Record) ([]registration.Notification, error) {
	events, err := eventRows(r.Events)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if r.RequestID != "" {
		err := t.run(ctx, insertIdempotency, r.Account.Caller, r.RequestID, r.Fingerprint[:], r.Account.ID[:],
			string(r.Account.Status), r.Profile.Locale, micros(r.Account.RegisteredAt))
		if err != nil {
			return nil, requestError{err}
		}
	}
	err = t.run(ctx, insertAccount, r.Account.ID[:], r.Account.Caller, sql.NullString{String: r.Account.ExternalID, Valid: r.Account.ExternalID != ""},
		r.Account.Username.Text, r.Account.Username.Key, r.Account.Email.Text, r.Account.Email.Key, string(r.Account.Mobile),
		r.Account.PasswordHash, string(r.Account.Status), micros(r.Account.RegisteredAt), micros(r.Account.EmailVerifiedAt), micros(r.Account.MobileVerifiedAt))
	if err != nil {
		return nil, err
	}
	err = t.run(ctx, insertProfile, r.Account.ID[:], r.Profile.FirstName, r.Profile.LastName, r.Profile.Locale, flag(r.Profile.MarketingConsent))
	if err == nil {
		err = t.writeEvents(ctx, events)
	}
	if err == nil {
		err = t.audit(ctx, record)
	}
	if err != nil {
		return nil, err
	}
	codes, err := t.insertCodes(ctx, d, r.Codes)
	if err != nil {
		return nil, err
	}
	queued := slices.Concat(codes, r.Notifications)
	return queued, t.insertNotifications(ctx, queued)
}

// requestError marks an error of the request's record, whose primary key is
// another one than the account's.
type requestError struct{ error }

func (e requestError) Unwrap() error { return e.error }

const selectTaken = `SELECT COUNT(CASE WHEN username_key = ? THEN 1 END) AS username, COUNT(CASE WHEN email_key = ? THEN 1 END) AS email,
	COUNT(CASE WHEN caller = ? AND external_id = ? THEN 1 END) AS external_id
	FROM accounts WHERE username_key = ? OR email_key = ? OR (caller = ? AND external_id = ?)`

// takenError tells which keys were there already. The error names one of them,
// and which one depends on the database where several are taken, so all are
// looked for once it is known that one is.
func (t *tx) takenError(ctx context.Context, r registration.Registration, err error, index string) error {
	a := r.Account
	if errors.As(err, new(requestError)) {
		return registration.ErrRequestIDReused
	}
	if lostAddress(r, index) {
		return errAborted // since it was looked for: the next attempt sees it
	}
	if index != uniqueUsername && index != uniqueEmail && index != uniqueExternalID {
		return err
	}
	var taken []struct {
		Username   int `db:"username"`
		Email      int `db:"email"`
		ExternalID int `db:"external_id"`
	}
	external := sql.NullString{String: a.ExternalID, Valid: a.ExternalID != ""}
	if err := t.query(ctx, &taken, selectTaken, a.Username.Key, a.Email.Key, a.Caller, external,
		a.Username.Key, a.Email.Key, a.Caller, external); err != nil {
		return err
	}
	return registration.Taken(taken[0].Username > 0 || index == uniqueUsername, r.Phantom == nil && (taken[0].Email > 0 || index == uniqueEmail),
		taken[0].ExternalID > 0 || index == uniqueExternalID)
}

// rows are the values of a multi-row INSERT.
type rows struct {
	n      int
	values []any
}

func notificationRows(notifications []registration.Notification) (ledger, outbox rows, err error) {
	for _, n := range notifications {
		m, err := lane.MessageFor(n)
		if err != nil {
			return rows{}, rows{}, err
		}
		created, deadline := micros(n.CreatedAt), micros(n.Deadline)
		ledger.n++
		// next_attempt_at is 0, at once, and not the creation: a notifier's clock may be behind ours.
		ledger.values = append(ledger.values, n.ID[:], n.AccountID[:], string(n.Kind), string(n.Channel), n.Recipient, n.Locale, n.TraceParent,
			string(registration.Queued), 0, 0, "", 0, "", "", "", 0, deadline, created, created)
		outbox.n++
		outbox.values = append(outbox.values, n.ID[:], string(m.Lane), int64(m.Recipient), deadline, n.TraceParent,
			micros(n.CreatedAt.Add(firstPublication)), 0, created)
	}
	return ledger, outbox, nil
}

// stored says whether this very account is there, and with which of r's
// notifications. The ids were made for it alone, and all of a registration is
// stored or nothing; but another server that made the same call has made its own
// notifications.
func (a *Accounts) stored(ctx context.Context, t *tx, r registration.Registration) (done bool, ours []registration.Notification, err error) {
	var n int
	var ids []uuid
	usernames, emails := keysOf(r)
	read := func(ctx context.Context, conn *sqlx.Conn) error {
		if err := conn.GetContext(ctx, &n, `SELECT COUNT(*) FROM accounts WHERE id = ? AND username_key IN (?, ?) AND email_key IN (?, ?)`,
			r.Account.ID[:], usernames[0], usernames[1], emails[0], emails[1]); err != nil || n == 0 {
			return err
		}
		return conn.SelectContext(ctx, &ids, `SELECT id FROM notifications WHERE account_id = ?`, r.Account.ID[:])
	}
	if a.db.dialect.serial { // it may be in the transaction itself, of a caller before this one
		err = read(ctx, t.conn)
	} else {
		err = a.db.readOnce(ctx, read)
	}
	if err != nil {
		return false, nil, err
	}
	all := slices.Clone(r.Notifications)
	for _, s := range r.Codes {
		all = append(all, s.Notification)
	}
	for _, notification := range all {
		if slices.Contains(ids, uuid(notification.ID)) {
			ours = append(ours, notification)
		}
	}
	return n == 1, ours, nil
}

// Recorded implements registration.Store.
func (a *Accounts) Recorded(ctx context.Context, caller, requestID string, latest bool) (registration.Record, error) {
	var row struct {
		AccountID    uuid   `db:"account_id"`
		Fingerprint  []byte `db:"fingerprint"`
		PasswordHash string `db:"password_hash"`
		Status       string `db:"status"`
		Locale       string `db:"locale"`
		RegisteredAt int64  `db:"registered_at"`
	}
	view := a.db.viewAsIs
	if latest {
		view = a.db.view
	}
	err := view(ctx, "recorded", func(ctx context.Context, conn *sqlx.Conn) error {
		return found(conn.GetContext(ctx, &row, `SELECT i.account_id, i.fingerprint, a.password_hash, i.status, i.locale, i.registered_at
			FROM idempotency i JOIN accounts a ON a.id = i.account_id WHERE i.caller = ? AND i.request_id = ?`, caller, requestID))
	})
	if err != nil {
		return registration.Record{}, err
	}
	record := registration.Record{
		AccountID: registration.ID(row.AccountID), PasswordHash: row.PasswordHash, Status: registration.Status(row.Status),
		Locale: row.Locale, RegisteredAt: timeOf(row.RegisteredAt),
	}
	copy(record.Fingerprint[:], row.Fingerprint)
	return record, nil
}

// found tells the absence of a row in the domain's words.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return registration.ErrNotFound
	}
	return err
}
