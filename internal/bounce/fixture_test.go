package bounce_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/bounce"
	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

// database is one of the test's own.
type database struct {
	*store.DB
	path string
}

// openStore opens a new database.
func openStore(t testing.TB) database {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return database{db, o.Path}
}

// accept notes that a mail server has taken the notification.
func (db database) accept(t testing.TB, id registration.ID) {
	t.Helper()
	rows, err := sql.Open("sqlite", db.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	at := time.Now().UnixMicro()
	for _, statement := range []string{
		`UPDATE notifications SET state = 'ACCEPTED', attempts = 1, provider = 'smtp', updated_at = ? WHERE id = ?`,
		`INSERT INTO notification_attempts (updated_at, notification_id, attempt, owner, state, provider, provider_ref, reason) VALUES (?,?,1,'a notifier','ACCEPTED','smtp','','')`,
	} {
		if _, err := rows.ExecContext(t.Context(), statement, at, id[:]); err != nil {
			t.Fatal(err)
		}
	}
}

// expectBounced looks for the notification's end, and for its recipient on the
// suppression list.
func (db database) expectBounced(t testing.TB, id registration.ID, recipient, reason string, suppressed bool) {
	t.Helper()
	h, err := db.History().Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if h.Notification.State != registration.Failed || h.Reason != reason || len(h.Attempts) != 1 || h.Attempts[0].Reason != reason {
		t.Errorf("the notification is %+v, want it FAILED by %s", h, reason)
	}
	on, err := db.Suppressions().Find(t.Context(), registration.EmailChannel, suppression.RecipientOf(registration.EmailChannel, recipient))
	if err != nil || (len(on) == 1 && on[0].Reason == suppression.HardBounce) != suppressed {
		t.Errorf("on the list: %+v, %v", on, err)
	}
}

// register makes an account whose one notification, by mail to a recipient, is
// still to be sent.
func (db database) register(t testing.TB, recipient string) registration.ID {
	t.Helper()
	account, id, at := registration.ID(uuid.Must(uuid.NewV7())), registration.ID(uuid.Must(uuid.NewV7())), time.Now().UTC().Truncate(time.Microsecond)
	name := account.String()
	_, err := db.Accounts().Create(t.Context(), registration.Registration{
		Account: registration.Account{
			ID: account, Username: registration.Username{Text: name, Key: name}, Email: registration.Email{Text: name + "@example.net", Key: name + "@example.net"},
			PasswordHash: "x", Status: registration.PendingVerification, RegisteredAt: at,
		},
		Profile: registration.Profile{Locale: "en"},
		Notifications: []registration.Notification{{
			ID: id, AccountID: account, Kind: registration.RegistrationCompleted, Channel: registration.EmailChannel, Recipient: recipient,
			Locale: "en", CreatedAt: at, UpdatedAt: at, Deadline: at.Add(time.Hour), State: registration.Queued,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// about is a golden report on a notification.
func about(t testing.TB, name string, id registration.ID) []byte {
	t.Helper()
	return []byte(strings.ReplaceAll(string(golden(t, name)), notification, id.String()))
}

// handler brings mail into a ledger, and counts.
type handler struct {
	*bounce.Handler
	mutex   sync.Mutex
	results []bounce.Result
}

func newHandler(ledger bounce.Ledger) *handler {
	h := &handler{}
	h.Handler = &bounce.Handler{Ledger: ledger, Now: time.Now, Log: quiet(), Observe: func(r bounce.Result) {
		h.mutex.Lock()
		defer h.mutex.Unlock()
		h.results = append(h.results, r)
	}}
	return h
}

// seen gives the results so far.
func (h *handler) seen() string {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	var all []string
	for _, r := range h.results {
		all = append(all, string(r))
	}
	return strings.Join(all, " ")
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// ledger answers as it is told to, once it was told.
type ledger struct {
	mutex   sync.Mutex
	verdict delivery.Verdict
	err     error
	reports int
}

func (l *ledger) answer(v delivery.Verdict, err error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.verdict, l.err = v, err
}

func (l *ledger) Bounced(context.Context, delivery.Report, time.Time) (delivery.Verdict, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.reports++
	return l.verdict, l.err
}

var gone = delivery.Verdict{State: registration.Failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}
