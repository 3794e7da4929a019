package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	rights "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Held implements person.Store.
func (p *Persons) Held(ctx context.Context, account registration.ID) (h rights.Holding, err error) {
	err = p.db.view(ctx, "held", func(ctx context.Context, conn *sqlx.Conn) error {
		var row detailsRow
		if err := conn.GetContext(ctx, &row, selectDetails+`a.id = ?`, account[:]); err != nil {
			return found(err)
		}
		details := row.details(nil)
		h = rights.Holding{Account: details.Account, Profile: details.Profile}
		for _, read := range []func(context.Context, *sqlx.Conn, *rights.Holding) error{
			heldRequests, heldCodes, heldNotifications, heldAttempts, heldInbox, heldSuppressions, heldEvents,
		} {
			if err := read(ctx, conn, &h); err != nil {
				return err
			}
		}
		return nil
	})
	return h, err
}

func heldRequests(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []struct {
		ID string `db:"request_id"`
		At int64  `db:"registered_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT request_id, registered_at FROM idempotency WHERE account_id = ? ORDER BY request_id`, h.Account.ID[:])
	for _, r := range rows {
		h.Requests = append(h.Requests, rights.Request{ID: r.ID, At: timeOf(r.At)})
	}
	return err
}

func heldCodes(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []struct {
		Channel   string `db:"channel"`
		Attempts  int    `db:"attempts"`
		IssuedAt  int64  `db:"issued_at"`
		ExpiresAt int64  `db:"expires_at"`
		UsedAt    int64  `db:"used_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT channel, attempts, issued_at, expires_at, used_at FROM codes WHERE account_id = ? ORDER BY channel`, h.Account.ID[:])
	for _, r := range rows {
		h.Codes = append(h.Codes, registration.OneTimeCode{
			AccountID: h.Account.ID, Channel: registration.Channel(r.Channel), Attempts: r.Attempts,
			IssuedAt: timeOf(r.IssuedAt), ExpiresAt: timeOf(r.ExpiresAt), UsedAt: timeOf(r.UsedAt),
		})
	}
	return err
}

func heldNotifications(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []struct {
		notificationRow
		Reason   string  `db:"reason"`
		Campaign *string `db:"campaign"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT `+notificationColumns+`, reason, (SELECT c.name FROM campaigns c WHERE c.id = notifications.campaign_id) AS campaign
		FROM notifications WHERE account_id = ? ORDER BY created_at, id`, h.Account.ID[:])
	for _, r := range rows {
		n := rights.Notification{Notification: r.notification(), Reason: r.Reason}
		if r.Campaign != nil {
			n.Campaign = *r.Campaign
		}
		h.Notifications = append(h.Notifications, n)
	}
	return err
}

// ofNotifications finds an account's notifications by their ids.
func ofNotifications(h *rights.Holding) map[uuid]*rights.Notification {
	all := make(map[uuid]*rights.Notification, len(h.Notifications))
	for i := range h.Notifications {
		all[uuid(h.Notifications[i].ID)] = &h.Notifications[i]
	}
	return all
}

func heldAttempts(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []struct {
		ID          uuid   `db:"notification_id"`
		Number      int    `db:"attempt"`
		State       string `db:"state"`
		Provider    string `db:"provider"`
		ProviderRef string `db:"provider_ref"`
		Reason      string `db:"reason"`
		UpdatedAt   int64  `db:"updated_at"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT a.notification_id, a.attempt, a.state, a.provider, a.provider_ref, a.reason, a.updated_at
		FROM notifications n JOIN notification_attempts a ON a.notification_id = n.id WHERE n.account_id = ? ORDER BY a.notification_id, a.attempt`, h.Account.ID[:])
	of := ofNotifications(h)
	for _, r := range rows {
		if n := of[r.ID]; n != nil {
			n.Attempts = append(n.Attempts, rights.Attempt{
				Number: r.Number, State: registration.State(r.State), Provider: r.Provider, ProviderRef: r.ProviderRef, Reason: r.Reason, At: timeOf(r.UpdatedAt),
			})
		}
	}
	return err
}

func heldInbox(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []inboxRow
	err := conn.SelectContext(ctx, &rows, `SELECT i.id, i.channel, i.recipient, i.name, i.locale, i.subject, i.body_text, i.body_html, i.created_at, i.opened
		FROM notifications n JOIN inbox_messages i ON i.id = n.id WHERE n.account_id = ?`, h.Account.ID[:])
	of := ofNotifications(h)
	for _, r := range rows {
		if n := of[r.ID]; n != nil {
			n.Inbox = &rights.InboxMessage{To: r.Recipient, Name: r.Name, Subject: r.Subject, Text: r.Text, HTML: r.HTML, At: timeOf(r.CreatedAt)}
		}
	}
	return err
}

func heldSuppressions(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []suppressionRow
	for channel, contact := range contactsOf(h.Account) {
		var some []suppressionRow
		recipient := suppression.RecipientOf(channel, contact)
		if err := conn.SelectContext(ctx, &some, selectSuppressions+`WHERE channel = ? AND recipient = ? ORDER BY created_at, reason`, string(channel), recipient[:]); err != nil {
			return err
		}
		rows = append(rows, some...)
	}
	h.Suppressions = suppressionsOf(rows)
	return nil
}

func heldEvents(ctx context.Context, conn *sqlx.Conn, h *rights.Holding) error {
	var rows []struct {
		ID   uuid   `db:"id"`
		Type string `db:"type"`
		At   int64  `db:"happened_at"`
		Data []byte `db:"data"`
	}
	err := conn.SelectContext(ctx, &rows, `SELECT id, type, happened_at, data FROM events WHERE subject = ? ORDER BY position`, h.Account.ID[:])
	for _, r := range rows {
		h.Events = append(h.Events, rights.Event{ID: registration.ID(r.ID), Type: r.Type, At: timeOf(r.At), Data: r.Data})
	}
	return err
}
