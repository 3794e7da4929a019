package store

import (
	"context"
	"encoding/binary"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/lane"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// History is the ledger as operators read it. It changes nothing.
type History struct{ db *DB }

// History gives what became of notifications.
func (db *DB) History() *History { return &History{db} }

// NotificationHistory is all that is known of a notification.
type NotificationHistory struct {
	Notification  registration.Notification
	Ambiguous     int       // attempts that ended without an answer
	Owner         string    // the notifier that holds it; "" for none
	LeaseUntil    time.Time // of Owner
	Provider      string    // of the last attempt
	ProviderRef   string    // that provider's own ids for it, with spaces between
	Reason        string    // of its state
	NextAttemptAt time.Time

	// Of Find alone.
	Attempts     []AttemptHistory // in their order
	Outbox       *OutboxEntry     // nil once it is settled
	Awaited      []AwaitedReceipt // what the provider has still to tell
	Suppressions []suppression.Suppression
}

// AttemptHistory is how one attempt ended; SENDING while that is not known.
type AttemptHistory struct {
	Number      int
	Owner       string
	State       registration.State
	Provider    string
	ProviderRef string
	Reason      string
	UpdatedAt   time.Time
}

// OutboxEntry is what stands between a notification and its next publication.
type OutboxEntry struct {
	Lane         lane.Lane
	DueAt        time.Time
	Publications int
	CreatedAt    time.Time
}

// AwaitedReceipt is a message, or a part of one, that its provider has taken.
type AwaitedReceipt struct {
	Provider, Ref string
	Attempt       int
	Since         time.Time
}

const historyColumns = notificationColumns + `, campaign_id, ambiguous, owner, lease_until, provider, provider_ref, reason, next_attempt_at`

type historyRow struct {
	notificationRow
	CampaignID    []byte `db:"campaign_id"`
	Ambiguous     int    `db:"ambiguous"`
	Owner         string `db:"owner"`
	LeaseUntil    int64  `db:"lease_until"`
	Provider      string `db:"provider"`
	ProviderRef   string `db:"provider_ref"`
	Reason        string `db:"reason"`
	NextAttemptAt int64  `db:"next_attempt_at"`
}

func (r historyRow) history() NotificationHistory {
	h := NotificationHistory{
		Notification: r.notification(), Ambiguous: r.Ambiguous, Owner: r.Owner, LeaseUntil: timeOf(r.LeaseUntil),
		Provider: r.Provider, ProviderRef: r.ProviderRef, Reason: r.Reason, NextAttemptAt: timeOf(r.NextAttemptAt),
	}
	copy(h.Notification.CampaignID[:], r.CampaignID)
	return h
}

// errNoNotification is ErrNotFound in a notification's words.
var errNoNotification = registration.NewError(registration.NotFound, "There is no such notification.")

// Find gives a notification's whole history. The error is NOT_FOUND where there
// is no such notification.
func (h *History) Find(ctx context.Context, id registration.ID) (NotificationHistory, error) {
	var found NotificationHistory
	err := h.db.view(ctx, "history", func(ctx context.Context, conn *sqlx.Conn) error {
		var rows []historyRow
		if err := conn.SelectContext(ctx, &rows, `SELECT `+historyColumns+` FROM notifications WHERE id = ?`, id[:]); err != nil {
			return err
		}
		if len(rows) == 0 {
			return errNoNotification
		}
		found = rows[0].history()
		for _, read := range []func(context.Context, *sqlx.Conn, *NotificationHistory) error{readAttempts, readOutbox, readAwaited, readSuppressions} {
			if err := read(ctx, conn, &found); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

func readAttempts(ctx context.Context, conn *sqlx.Conn, h *NotificationHistory) error {
	var rows []struct {
		Number      int    `db:"attempt"`
		Owner       string `db:"owner"`
		State       string `db:"state"`
		Provider    string `db:"provider"`
		ProviderRef string `db:"provider_ref"`
		Reason      string `db:"reason"`
		UpdatedAt   int64  `db:"updated_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT attempt, owner, state, provider, provider_ref, reason, updated_at FROM notification_attempts WHERE notification_id = ? ORDER BY attempt`, h.Notification.ID[:])
	for _, r := range rows {
		h.Attempts = append(h.Attempts, AttemptHistory{r.Number, r.Owner, registration.State(r.State), r.Provider, r.ProviderRef, r.Reason, timeOf(r.UpdatedAt)})
	}
	return err
}

func readOutbox(ctx context.Context, conn *sqlx.Conn, h *NotificationHistory) error {
	var rows []struct {
		Lane         string `db:"lane"`
		DueAt        int64  `db:"due_at"`
		Publications int    `db:"publications"`
		CreatedAt    int64  `db:"created_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT lane, due_at, publications, created_at FROM outbox WHERE notification_id = ?`, h.Notification.ID[:])
	for _, r := range rows {
		h.Outbox = &OutboxEntry{lane.Lane(r.Lane), timeOf(r.DueAt), r.Publications, timeOf(r.CreatedAt)}
	}
	return err
}

func readAwaited(ctx context.Context, conn *sqlx.Conn, h *NotificationHistory) error {
	var rows []struct {
		Provider  string `db:"provider"`
		Ref       string `db:"ref"`
		Attempt   int    `db:"attempt"`
		CreatedAt int64  `db:"created_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT provider, ref, attempt, created_at FROM provider_messages WHERE notification_id = ? ORDER BY attempt, provider, ref`, h.Notification.ID[:])
	for _, r := range rows {
		h.Awaited = append(h.Awaited, AwaitedReceipt{r.Provider, r.Ref, r.Attempt, timeOf(r.CreatedAt)})
	}
	return err
}

func readSuppressions(ctx context.Context, conn *sqlx.Conn, h *NotificationHistory) error {
	var rows []suppressionRow
	recipient := suppression.RecipientOf(h.Notification.Channel, h.Notification.Recipient)
	err := conn.SelectContext(ctx, &rows, selectSuppressions+`WHERE channel = ? AND recipient = ? ORDER BY created_at, reason`, string(h.Notification.Channel), recipient[:])
	h.Suppressions = suppressionsOf(rows)
	return err
}

// HistoryFilter says which notifications are listed. What is zero selects
// nothing.
type HistoryFilter struct {
	AccountID registration.ID
	State     registration.State
	Lane      lane.Lane
	Since     time.Time       // of their creation
	Before    registration.ID // the last one of the page before
}

// clockSpread is by how much, at most, an id's time may differ from that of the
// row's creation: they come from two readings of a clock that may be set.
const clockSpread = time.Hour

// List gives at most limit notifications, the newest first, without what Find
// adds. Ids tell their time, so that Since and Before also bound what the
// database has to look at.
func (h *History) List(ctx context.Context, f HistoryFilter, limit int) ([]NotificationHistory, error) {
	conditions, args := []string{"1 = 1"}, []any{}
	with := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if !f.AccountID.IsZero() {
		with("account_id = ?", f.AccountID[:])
	}
	if f.State != "" {
		with("state = ?", string(f.State))
	}
	if f.Lane != "" {
		with("channel = ?", string(f.Lane.Channel()))
		switch f.Lane.Priority() {
		case lane.OneTimeCode:
			with("kind IN (?, ?)", string(registration.VerificationCode), string(registration.AlreadyRegistered))
		case lane.Marketing:
			with("kind = ?", string(registration.CampaignMessage))
		default:
			with("kind NOT IN (?, ?, ?)", string(registration.VerificationCode), string(registration.AlreadyRegistered), string(registration.CampaignMessage))
		}
	}
	if !f.Since.IsZero() {
		with("created_at >= ?", micros(f.Since))
		if first := f.Since.Add(-clockSpread).UnixMilli(); first > 0 && f.AccountID.IsZero() {
			var id [8]byte
			binary.BigEndian.PutUint64(id[:], uint64(first)<<16) // RFC 9562 section 5.7: 48 bits of milliseconds
			with("id >= ?", append(id[:6:6], make([]byte, 10)...))
		}
	}
	if !f.Before.IsZero() {
		with("id < ?", f.Before[:])
	}
	var rows []historyRow
	err := h.db.view(ctx, "list notifications", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT `+historyColumns+` FROM notifications WHERE `+strings.Join(conditions, " AND ")+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
	})
	if err != nil {
		return nil, err
	}
	all := make([]NotificationHistory, len(rows))
	for i, r := range rows {
		all[i] = r.history()
	}
	return all, nil
}
