package inbox

import (
	"context"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Sender puts the messages of one channel into a Mailbox.
type Sender struct {
	Mailbox Mailbox
	Channel registration.Channel
	Now     func() time.Time // nil for time.Now
}

// Name is "inbox".
func (s *Sender) Name() string { return "inbox" }

// Repeatable is true: the mailbox keeps one message for each notification.
func (s *Sender) Repeatable() bool { return true }

// Send stores m; once it returns, the person has it. A mailbox that cannot take
// it is a transient failure.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	err := s.Mailbox.Put(ctx, Message{
		ID: m.NotificationID, Channel: s.Channel, To: m.To, Name: m.Name, Locale: m.Locale,
		Subject: m.Subject, Text: m.Text, HTML: m.HTML, CreatedAt: now().UTC().Truncate(time.Microsecond),
	})
	if err != nil {
		return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Status: "MAILBOX", Err: err}
	}
	return notify.Receipt{Ref: m.NotificationID.String(), State: registration.Delivered}, nil
}

// Close does nothing: the mailbox is its owner's.
func (s *Sender) Close() error { return nil }
