package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"registrar/internal/channel/inbox"
	"registrar/internal/registration"
)

// Inbox implements inbox.Mailbox.
type Inbox struct{ db *DB }

// Inbox gives the local inbox.
func (db *DB) Inbox() *Inbox { return &Inbox{db} }

const inboxColumns = `id, channel, recipient, name, locale, subject, body_text, body_html, created_at, opened`

type inboxRow struct {
	ID        uuid   `db:"id"`
	Channel   string `db:"channel"`
	Recipient string `db:"recipient"`
	Name      string `db:"name"`
	Locale    string `db:"locale"`
	Subject   string `db:"subject"`
	Text      string `db:"body_text"`
	HTML      string `db:"body_html"`
	CreatedAt int64  `db:"created_at"`
	Opened    int64  `db:"opened"`
}

func (r inboxRow) message() inbox.Message {
	return inbox.Message{
		ID: registration.ID(r.ID), Channel: registration.Channel(r.Channel), To: r.Recipient, Name: r.Name, Locale: r.Locale,
		Subject: r.Subject, Text: r.Text, HTML: r.HTML, CreatedAt: timeOf(r.CreatedAt), Read: r.Opened != 0,
	}
}

// Put implements inbox.Mailbox.
func (i *Inbox) Put(ctx context.Context, m inbox.Message) error {
	return i.db.transact(ctx, "put message", func(ctx context.Context, t *tx) error {
		err := t.run(ctx, `INSERT INTO inbox_messages (`+inboxColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?)`,
			m.ID[:], string(m.Channel), m.To, m.Name, m.Locale, m.Subject, m.Text, m.HTML, micros(m.CreatedAt), flag(m.Read))
		if i.db.dialect.classify(err).class == duplicate {
			return nil
		}
		return err
	})
}

// List implements inbox.Mailbox.
func (i *Inbox) List(ctx context.Context, start, limit int) ([]inbox.Message, int, error) {
	var (
		rows  []inboxRow
		total int
	)
	err := i.db.view(ctx, "list messages", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		if err := conn.GetContext(ctx, &total, `SELECT COUNT(*) FROM inbox_messages`); err != nil {
			return err
		}
		return conn.SelectContext(ctx, &rows, `SELECT `+inboxColumns+` FROM inbox_messages ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`, limit, start)
	})
	if err != nil {
		return nil, 0, err
	}
	messages := make([]inbox.Message, len(rows))
	for n, r := range rows {
		messages[n] = r.message()
	}
	return messages, total, nil
}

// Unread implements inbox.Mailbox.
func (i *Inbox) Unread(ctx context.Context) (int, error) {
	var n int
	err := i.db.view(ctx, "count unread", func(ctx context.Context, conn *sqlx.Conn) error {
		return conn.GetContext(ctx, &n, `SELECT COUNT(*) FROM inbox_messages WHERE opened = 0`)
	})
	return n, err
}

// Get implements inbox.Mailbox.
func (i *Inbox) Get(ctx context.Context, id registration.ID) (inbox.Message, error) {
	var row inboxRow
	err := i.db.view(ctx, "get message", func(ctx context.Context, conn *sqlx.Conn) error {
		return found(conn.GetContext(ctx, &row, `SELECT `+inboxColumns+` FROM inbox_messages WHERE id = ?`, id[:]))
	})
	if err != nil {
		return inbox.Message{}, err
	}
	return row.message(), nil
}

// MarkRead implements inbox.Mailbox.
func (i *Inbox) MarkRead(ctx context.Context, id registration.ID) error {
	return i.db.transact(ctx, "mark message", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE inbox_messages SET opened = 1 WHERE id = ?`, id[:])
		return err
	})
}

// Delete implements inbox.Mailbox.
func (i *Inbox) Delete(ctx context.Context, ids []registration.ID) error {
	return i.db.transact(ctx, "delete messages", func(ctx context.Context, t *tx) error {
		if len(ids) == 0 {
			_, err := t.exec(ctx, `DELETE FROM inbox_messages`)
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM inbox_messages WHERE id IN (?)`, uuids(ids))
		return err
	})
}
