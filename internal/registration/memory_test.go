package registration_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/password"
	"registrar/internal/registration"
)

// memory is a registration.Store that keeps its promises in a map. failing,
// when set, is asked before each operation.
type memory struct {
	mu       sync.Mutex
	accounts []registration.Registration
	records  map[[2]string]registration.Record
	failing  func(operation string) error
	asked    []string
}

func newMemory() *memory { return &memory{records: map[[2]string]registration.Record{}} }

func (m *memory) begin(ctx context.Context, operation string) error {
	m.asked = append(m.asked, operation)
	if m.failing != nil {
		if err := m.failing(operation); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Create(ctx context.Context, r registration.Registration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "create"); err != nil {
		return err
	}
	key := [2]string{r.Account.Caller, r.RequestID}
	if _, there := m.records[key]; r.RequestID != "" && there {
		return registration.ErrRequestIDReused
	}
	for _, other := range m.accounts {
		switch a := other.Account; {
		case a.Username.Key == r.Account.Username.Key:
			return registration.ErrUsernameTaken
		case a.Email.Key == r.Account.Email.Key:
			return registration.ErrEmailTaken
		case a.ExternalID != "" && a.Caller == r.Account.Caller && a.ExternalID == r.Account.ExternalID:
			return registration.ErrExternalIDTaken
		}
	}
	m.accounts = append(m.accounts, r)
	if r.RequestID != "" {
		m.records[key] = registration.Record{
			AccountID: r.Account.ID, Fingerprint: r.Fingerprint, PasswordHash: r.Account.PasswordHash,
			Status: r.Account.Status, Locale: r.Profile.Locale, RegisteredAt: r.Account.RegisteredAt,
		}
	}
	return nil
}

func (m *memory) Recorded(ctx context.Context, caller, requestID string) (registration.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "recorded"); err != nil {
		return registration.Record{}, err
	}
	record, there := m.records[[2]string{caller, requestID}]
	if !there {
		return registration.Record{}, registration.ErrNotFound
	}
	return record, nil
}

func (m *memory) Details(ctx context.Context, key registration.Key) (registration.Details, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "details"); err != nil {
		return registration.Details{}, err
	}
	for _, r := range m.accounts {
		a := r.Account
		if key.ID == a.ID || key.Username == a.Username.Key || key.Email == a.Email.Key || key.ExternalID != "" && key.Caller == a.Caller && key.ExternalID == a.ExternalID {
			a.PasswordHash = ""
			return registration.Details{Account: a, Profile: r.Profile, Notifications: r.Notifications}, nil
		}
	}
	return registration.Details{}, registration.ErrNotFound
}

// announced collects what is announced.
type announced struct {
	mu  sync.Mutex
	all []registration.Notification
}

func (a *announced) Announce(n []registration.Notification) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all = append(a.all, n...)
}

// now has a place below the microsecond and a zone, both to be dropped.
var now = time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.FixedZone("AST", 3*3600))

// service is a Service with real rules and real, cheap hashes.
func service(t testing.TB) (*registration.Service, *memory, *announced) {
	t.Helper()
	store, news := newMemory(), &announced{}
	pool := password.NewPool(password.Argon2id{MemoryKiB: 64, Passes: 1}, 2, 100)
	t.Cleanup(pool.Close)
	return &registration.Service{
		Rules: rules(t), Store: store, Hasher: pool, Announcer: news,
		NewID: func() (registration.ID, error) {
			id, err := uuid.NewV7()
			return registration.ID(id), err
		},
		Now:              func() time.Time { return now },
		NotificationLife: 72 * time.Hour,
	}, store, news
}
