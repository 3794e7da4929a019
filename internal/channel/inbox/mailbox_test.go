package inbox_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/channel/inbox"
	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

// memory is Mailbox's contract on a map.
type memory struct {
	mutex    sync.Mutex
	messages map[registration.ID]inbox.Message
	err      error // what every call answers, if not nil
}

func newMemory(messages ...inbox.Message) *memory {
	m := &memory{messages: make(map[registration.ID]inbox.Message)}
	for _, message := range messages {
		m.messages[message.ID] = message
	}
	return m
}

func (m *memory) Put(_ context.Context, message inbox.Message) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, there := m.messages[message.ID]; !there && m.err == nil {
		m.messages[message.ID] = message
	}
	return m.err
}

func (m *memory) List(_ context.Context, start, limit int) ([]inbox.Message, int, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var all []inbox.Message
	for _, message := range m.messages {
		all = append(all, message)
	}
	slices.SortFunc(all, func(a, b inbox.Message) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), slices.Compare(b.ID[:], a.ID[:]))
	})
	start = min(start, len(all))
	return all[start:min(start+limit, len(all))], len(all), m.err
}

func (m *memory) Unread(context.Context) (int, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	unread := 0
	for _, message := range m.messages {
		if !message.Read {
			unread++
		}
	}
	return unread, m.err
}

func (m *memory) Get(_ context.Context, id registration.ID) (inbox.Message, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	message, ok := m.messages[id]
	if !ok && m.err == nil {
		return message, registration.ErrNotFound
	}
	return message, m.err
}

func (m *memory) MarkRead(_ context.Context, id registration.ID) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if message, ok := m.messages[id]; ok && m.err == nil {
		message.Read = true
		m.messages[id] = message
	}
	return m.err
}

func (m *memory) Delete(_ context.Context, ids []registration.ID) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.err == nil && len(ids) == 0 {
		clear(m.messages)
	}
	for _, id := range ids {
		delete(m.messages, id)
	}
	return m.err
}

// When the messages of people were sent.
var sentAt = time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)

// people is what two registrations, one English and one Arabic, put into the
// inbox: an e-mail and an SMS each. Their ids end in 1 to 4, oldest first.
func people(t *testing.T) *memory {
	t.Helper()
	catalog, err := template.Load(template.Options{})
	if err != nil {
		t.Fatal(err)
	}
	box := newMemory()
	for i, c := range []struct {
		channel                                   registration.Channel
		to, locale, username, firstName, lastName string
	}{
		{registration.EmailChannel, "ada@example.com", "en", "ada", "Ada", "Lovelace"},
		{registration.SMSChannel, "+447700900123", "en", "ada", "Ada", "Lovelace"},
		{registration.EmailChannel, "nour@example.org", "ar", "nour.91", "نور", "الهاشمي"},
		{registration.SMSChannel, "+966512345678", "ar", "nour.91", "نور", "الهاشمي"},
	} {
		message, err := catalog.Render(notify.Claim{
			Attempt:      notify.Attempt{NotificationID: idOf(i + 1), Number: 1},
			Notification: registration.Notification{ID: idOf(i + 1), Kind: registration.RegistrationCompleted, Channel: c.channel, Recipient: c.to, Locale: c.locale},
			Username:     c.username, FirstName: c.firstName, LastName: c.lastName,
		})
		if err != nil {
			t.Fatal(err)
		}
		sender := inbox.Sender{Mailbox: box, Channel: c.channel, Now: func() time.Time { return sentAt.Add(time.Duration(i) * time.Minute) }}
		receipt, err := sender.Send(t.Context(), message)
		if err != nil || receipt.State != registration.Delivered {
			t.Fatalf("Send: %+v, %v", receipt, err)
		}
	}
	return box
}

func idOf(n int) registration.ID {
	return registration.ID{0x01, 0x99, 0, 0, 0, 0, 0x70, 0, 0x80, 14: byte(n >> 8), 15: byte(n)}
}
