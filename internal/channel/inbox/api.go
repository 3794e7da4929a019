package inbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"registrar/internal/registration"
)

// The field names are Mailpit's, API version 1.

type summary struct {
	ID          string
	MessageID   string
	Read        bool
	From        mail.Address
	To          []mail.Address
	Cc          []mail.Address
	Bcc         []mail.Address
	ReplyTo     []mail.Address
	Subject     string
	Created     time.Time
	Username    string
	Tags        []string
	Size        int
	Attachments int
	Snippet     string
}

type list struct {
	Total          int       `json:"total"`
	Unread         int       `json:"unread"`
	Count          int       `json:"count"`
	MessagesCount  int       `json:"messages_count"`
	MessagesUnread int       `json:"messages_unread"`
	Start          int       `json:"start"`
	Tags           []string  `json:"tags"`
	Messages       []summary `json:"messages"`
}

type whole struct {
	ID              string
	MessageID       string
	From            mail.Address
	To              []mail.Address
	Cc              []mail.Address
	Bcc             []mail.Address
	ReplyTo         []mail.Address
	ReturnPath      string
	Subject         string
	ListUnsubscribe struct {
		Header     string
		Links      []string
		Errors     string
		HeaderPost string
	}
	Date        time.Time
	Tags        []string
	Username    string
	Text        string
	HTML        string
	Size        int
	Inline      []struct{}
	Attachments []struct{}
}

// The limits of a list; the default is Mailpit's.
const (
	defaultLimit = 50
	maxLimit     = 1000
)

func (h *Handler) apiList(w http.ResponseWriter, r *http.Request) {
	start, limit := 0, defaultLimit
	for name, value := range map[string]*int{"start": &start, "limit": &limit} {
		if s := r.URL.Query().Get(name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 0 {
				http.Error(w, name+" is not a number from 0 upward", http.StatusBadRequest)
				return
			}
			*value = n
		}
	}
	limit = min(limit, maxLimit)
	messages, total, err := h.mailbox.List(r.Context(), start, limit)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	unread, err := h.mailbox.Unread(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	answer := list{Total: total, Unread: unread, Count: len(messages), MessagesCount: total, MessagesUnread: unread,
		Start: start, Tags: []string{"email", "sms"}, Messages: make([]summary, 0, len(messages))}
	for _, m := range messages {
		answer.Messages = append(answer.Messages, summary{
			ID: m.ID.String(), MessageID: h.messageID(m), Read: m.Read, From: h.options.From,
			To: []mail.Address{{Name: m.Name, Address: m.To}}, Cc: []mail.Address{}, Bcc: []mail.Address{}, ReplyTo: []mail.Address{},
			Subject: m.Subject, Created: m.CreatedAt, Tags: []string{tag(m)}, Size: len(m.Text) + len(m.HTML), Snippet: snippet(m.Text),
		})
	}
	writeJSON(w, answer)
}

// apiGet answers one message and marks it as read; "latest" is the newest one.
func (h *Handler) apiGet(w http.ResponseWriter, r *http.Request) {
	m, err := h.find(r)
	if errors.Is(err, registration.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if err := h.mailbox.MarkRead(r.Context(), m.ID); err != nil {
		h.fail(w, r, err)
		return
	}
	answer := whole{
		ID: m.ID.String(), MessageID: h.messageID(m), From: h.options.From,
		To: []mail.Address{{Name: m.Name, Address: m.To}}, Cc: []mail.Address{}, Bcc: []mail.Address{}, ReplyTo: []mail.Address{},
		ReturnPath: h.options.From.Address, Subject: m.Subject, Date: m.CreatedAt, Tags: []string{tag(m)},
		Text: m.Text, HTML: m.HTML, Size: len(m.Text) + len(m.HTML), Inline: []struct{}{}, Attachments: []struct{}{},
	}
	answer.ListUnsubscribe.Links = []string{}
	writeJSON(w, answer)
}

// find gives the message that the path names.
func (h *Handler) find(r *http.Request) (Message, error) {
	name := r.PathValue("id")
	if name == "latest" {
		messages, _, err := h.mailbox.List(r.Context(), 0, 1)
		if err != nil {
			return Message{}, err
		}
		if len(messages) == 0 {
			return Message{}, registration.ErrNotFound
		}
		return messages[0], nil
	}
	id, err := registration.ParseID(name)
	if err != nil {
		return Message{}, registration.ErrNotFound
	}
	return h.mailbox.Get(r.Context(), id)
}

// maxBody is the longest body of a request, in octets: about 25,000 ids.
const maxBody = 1 << 20

// apiDelete removes the messages that the body names, {"IDs": [...]}, or all
// when it is empty or names none. Unlike Mailpit's, a body that cannot be read
// deletes nothing.
func (h *Handler) apiDelete(w http.ResponseWriter, r *http.Request) {
	var request struct{ IDs []string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&request)
	if err != nil && !errors.Is(err, io.EOF) {
		http.Error(w, `the body is not of the form {"IDs": ["..."]}`, http.StatusBadRequest)
		return
	}
	var ids []registration.ID
	for _, s := range request.IDs {
		id, err := registration.ParseID(s)
		if err != nil {
			http.Error(w, "IDs holds what is not an id", http.StatusBadRequest)
			return
		}
		ids = append(ids, id)
	}
	if err := h.mailbox.Delete(r.Context(), ids); err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok")
}

func writeJSON(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(answer) // only a client that has gone
}

// tag is Mailpit's way to tell the channels apart.
func tag(m Message) string {
	if m.Channel == registration.SMSChannel {
		return "sms"
	}
	return "email"
}

func (h *Handler) messageID(m Message) string {
	_, domain, _ := strings.Cut(h.options.From.Address, "@")
	return m.ID.String() + "@" + domain
}
