package inbox

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// Mailbox keeps the messages of the local inbox.
type Mailbox interface {
	// Put stores m unless a message of its ID is already there; that is no error.
	Put(ctx context.Context, m Message) error
	// List gives up to limit messages, newest first (by CreatedAt, then ID), from
	// the start-th on (from 0), whole, and how many there are in all.
	List(ctx context.Context, start, limit int) (messages []Message, total int, err error)
	// Unread counts the messages that nobody has opened.
	Unread(ctx context.Context) (int, error)
	// Get gives one message whole; registration.ErrNotFound when there is none.
	Get(ctx context.Context, id registration.ID) (Message, error)
	// MarkRead notes that a person has opened the message.
	MarkRead(ctx context.Context, id registration.ID) error
	// Delete removes the messages of these ids, or all when there are none.
	Delete(ctx context.Context, ids []registration.ID) error
}

// Message is one e-mail or SMS in the inbox.
type Message struct {
	ID        registration.ID // the notification's
	Channel   registration.Channel
	To        string
	Name      string
	Locale    string
	Subject   string
	Text      string
	HTML      string
	CreatedAt time.Time // UTC, to the microsecond
	Read      bool
}
