package registration_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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
	events   []registration.Event // of Record and ChangeContact
	audit    []registration.AuditEntry
	behind   bool // what is not asked for as the latest is not there
	codes    map[contactKey]registration.OneTimeCode
	changed  map[contactKey]registration.ID // the call that changed it last
	sent     map[string]int                 // codes by recipient and day
}

type contactKey struct {
	account registration.ID
	channel registration.Channel
}

func newMemory() *memory {
	return &memory{records: map[[2]string]registration.Record{}, codes: map[contactKey]registration.OneTimeCode{}, changed: map[contactKey]registration.ID{}, sent: map[string]int{}}
}

func (m *memory) begin(ctx context.Context, operation string) error {
	m.asked = append(m.asked, operation)
	if m.failing != nil {
		if err := m.failing(operation); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Create(ctx context.Context, r registration.Registration) ([]registration.Notification, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "create"); err != nil {
		return nil, err
	}
	key := [2]string{r.Account.Caller, r.RequestID}
	if _, there := m.records[key]; r.RequestID != "" && there {
		return nil, registration.ErrRequestIDReused
	}
	if p := r.Phantom; p != nil && slices.ContainsFunc(m.accounts, func(o registration.Registration) bool {
		return o.Account.Email.Key == r.Account.Email.Key || p.Account.Username.Key != r.Account.Username.Key && o.Account.Username.Key == r.Account.Username.Key
	}) {
		r = *p
	}
	if err := m.taken(r); err != nil {
		if errors.Is(err, errDone) {
			err = nil
		}
		return nil, err
	}
	var queued []registration.Notification
	for _, c := range r.Codes {
		if m.reserve(c.Quota, c.Code.IssuedAt) {
			m.codes[contactKey{r.Account.ID, c.Code.Channel}] = c.Code
			queued = append(queued, c.Notification)
		}
	}
	r.Notifications = append(queued, r.Notifications...)
	m.accounts = append(m.accounts, r)
	m.audit = append(m.audit, r.Audit)
	if r.RequestID != "" {
		m.records[key] = registration.Record{
			AccountID: r.Account.ID, Fingerprint: r.Fingerprint, PasswordHash: r.Account.PasswordHash,
			Status: r.Account.Status, Locale: r.Profile.Locale, RegisteredAt: r.Account.RegisteredAt,
		}
	}
	return r.Notifications, nil
}

var errDone = errors.New("it is there")

// taken says by which of its keys r is there already.
func (m *memory) taken(r registration.Registration) error {
	for _, other := range m.accounts {
		switch a := other.Account; {
		case a.ID == r.Account.ID && a.Username.Key == r.Account.Username.Key && a.Email.Key == r.Account.Email.Key:
			return errDone // by an earlier call with the same ids
		case a.Username.Key == r.Account.Username.Key:
			return registration.ErrUsernameTaken
		case a.Email.Key == r.Account.Email.Key:
			return registration.ErrEmailTaken
		case a.ExternalID != "" && a.Caller == r.Account.Caller && a.ExternalID == r.Account.ExternalID:
			return registration.ErrExternalIDTaken
		}
	}
	return nil
}

func (m *memory) Rehearse(ctx context.Context, r registration.Registration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "rehearse"); err != nil {
		return err
	}
	if _, there := m.records[[2]string{r.Account.Caller, r.RequestID}]; r.RequestID != "" && there {
		return registration.ErrRequestIDReused
	}
	return m.taken(r)
}

// reserve counts a code to a recipient on a day.
func (m *memory) reserve(q registration.CodeQuota, at time.Time) bool {
	key := fmt.Sprint(q.Recipient, at.Format(time.DateOnly))
	if m.sent[key] >= q.DailyCap {
		return false
	}
	m.sent[key]++
	return true
}

// ChangeContact runs change twice: it must not depend on being run once.
func (m *memory) ChangeContact(ctx context.Context, id registration.ID, channel registration.Channel, revision registration.ID, change func(registration.Contact) (registration.ContactChange, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "change"); err != nil {
		return err
	}
	i := slices.IndexFunc(m.accounts, func(r registration.Registration) bool { return r.Account.ID == id })
	if i < 0 {
		return registration.ErrNotFound
	}
	r := &m.accounts[i]
	c := registration.Contact{Account: r.Account, Profile: r.Profile, Channel: channel, Code: m.codes[contactKey{id, channel}]}
	c.Account.PasswordHash, c.Account.Email.Mailbox = "", "" // as a database gives it back
	if c.Done = m.changed[contactKey{id, channel}] == revision; c.Done {
		_, err := change(c)
		return err
	}
	if _, err := change(c); err != nil {
		return err
	}
	made, err := change(c)
	if err != nil || made.Code.Issue.IsZero() {
		return err
	}
	if made.Quota != (registration.CodeQuota{}) && !m.reserve(made.Quota, made.At) {
		return registration.CodesUsedUp(time.Hour)
	}
	m.codes[contactKey{id, channel}], m.changed[contactKey{id, channel}] = made.Code, revision
	if made.Status != "" {
		r.Account.Status = made.Status
	}
	switch {
	case made.VerifiedAt.IsZero():
	case channel == registration.SMSChannel:
		r.Account.MobileVerifiedAt = made.VerifiedAt
	default:
		r.Account.EmailVerifiedAt = made.VerifiedAt
	}
	r.Notifications = append(r.Notifications, made.Notifications...)
	m.events = append(m.events, made.Events...)
	if !made.Audit.ID.IsZero() {
		m.audit = append(m.audit, made.Audit)
	}
	return nil
}

func (m *memory) Record(ctx context.Context, entry registration.AuditEntry, events []registration.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "record"); err != nil {
		return err
	}
	m.events = append(m.events, events...)
	m.audit = append(m.audit, entry)
	return nil
}

func (m *memory) Recorded(ctx context.Context, caller, requestID string, latest bool) (registration.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx, "recorded"); err != nil {
		return registration.Record{}, err
	}
	if m.behind && !latest {
		return registration.Record{}, registration.ErrNotFound
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
		Rules: rules(t), Store: store, Hasher: pool, Announcer: news, Codes: plainCodes{}, CodeRules: codeRules,
		NewID: func() (registration.ID, error) {
			id, err := uuid.NewV7()
			return registration.ID(id), err
		},
		Now:              func() time.Time { return now },
		NotificationLife: 72 * time.Hour,
	}, store, news
}

var codeRules = registration.CodeRules{Life: 10 * time.Minute, Attempts: 5, Cooldown: 30 * time.Second, DailyCap: 10}

// plainCodes are codes that anybody can read: six digits of their issue.
type plainCodes struct{}

func (plainCodes) New(account registration.ID, channel registration.Channel) (registration.OneTimeCode, error) {
	c := registration.OneTimeCode{AccountID: account, Channel: channel, Issue: registration.ID(uuid.New())}
	c.Sealed = []byte(plainCode(c))
	return c, nil
}

func (plainCodes) Is(c registration.OneTimeCode, text string) bool { return text == plainCode(c) }

func (plainCodes) Recipient(channel registration.Channel, key string) [32]byte {
	return sha256.Sum256([]byte(string(channel) + key))
}

func plainCode(c registration.OneTimeCode) string {
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(c.Issue[12:])%1_000_000)
}
