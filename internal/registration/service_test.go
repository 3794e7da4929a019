package registration_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/password"
	"registrar/internal/registration"
)

// category is the Code of err, which must be an *Error itself.
func category(t *testing.T, err error) registration.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := err.(*registration.Error) //nolint:errorlint // the promise is about the error itself
	if !ok {
		t.Errorf("%T instead of *Error: %v", err, err)
		return ""
	}
	return e.Code
}

func TestRegister(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	r := request()
	r.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	receipt, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 4, 2, 6, 7, 123456000, time.UTC)
	if want := (registration.Receipt{ID: receipt.ID, Status: registration.PendingVerification, Locale: "ar-SA", RegisteredAt: at}); receipt != want || receipt.ID.IsZero() {
		t.Errorf("got %+v, want %+v", receipt, want)
	}
	if len(store.accounts) != 1 {
		t.Fatalf("%d accounts", len(store.accounts))
	}
	stored := store.accounts[0]
	hash := stored.Account.PasswordHash
	if same, err := password.Verify(hash, r.Password); err != nil || !same || strings.Contains(hash, r.Password) {
		t.Errorf("the hash is %s: %v, %v", hash, same, err)
	}
	wantAccount := registration.Account{
		ID: receipt.ID, Caller: "monolith", ExternalID: "4711", Username: registration.Username{Text: "layla.h", Key: "layla.h"},
		Email:  registration.Email{Text: "Layla@Example.com", Key: "layla@example.com", Mailbox: "Layla@example.com"},
		Mobile: "+966512345678", PasswordHash: hash, Status: registration.PendingVerification, RegisteredAt: at,
	}
	if stored.Account != wantAccount {
		t.Errorf("got %+v, want %+v", stored.Account, wantAccount)
	}
	if want := (registration.Profile{FirstName: "Layla", LastName: "Al-Hassan", Locale: "ar-SA", MarketingConsent: true}); stored.Profile != want {
		t.Errorf("got %+v, want %+v", stored.Profile, want)
	}
	if len(stored.Notifications) != 2 || len(stored.Codes) != 2 {
		t.Fatalf("%d notifications, %d codes", len(stored.Notifications), len(stored.Codes))
	}
	for i, to := range []struct {
		channel   registration.Channel
		recipient string
	}{{registration.EmailChannel, "Layla@example.com"}, {registration.SMSChannel, "+966512345678"}} {
		got := stored.Notifications[i]
		want := registration.Notification{
			ID: got.ID, AccountID: receipt.ID, Kind: registration.VerificationCode, Channel: to.channel, Recipient: to.recipient, Locale: "ar-SA",
			CreatedAt: at, Deadline: at.Add(10 * time.Minute), TraceParent: r.TraceParent, State: registration.Queued, UpdatedAt: at,
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		code := stored.Codes[i].Code
		if code.AccountID != receipt.ID || code.Channel != to.channel || code.Attempts != 0 || !code.UsedAt.IsZero() ||
			!code.IssuedAt.Equal(at) || !code.ExpiresAt.Equal(at.Add(10*time.Minute)) || !code.ResendAt.Equal(at.Add(30*time.Second)) {
			t.Errorf("the code is %+v", code)
		}
	}
	if a, b := stored.Notifications[0].ID, stored.Notifications[1].ID; a == b || a.IsZero() || b.IsZero() || a == receipt.ID || b == receipt.ID {
		t.Errorf("the ids are %s, %s and %s", receipt.ID, a, b)
	}
	if !reflect.DeepEqual(news.all, stored.Notifications) {
		t.Errorf("announced %+v", news.all)
	}
}

func TestRegisterTheLeast(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	receipt, err := s.Register(t.Context(), registration.Request{Username: "omar", Email: "omar@example.com", Password: "correct horse battery staple"})
	if err != nil || receipt.Locale != "en" {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if a := store.accounts[0].Account; a.Mobile != "" || a.ExternalID != "" || a.Caller != "" {
		t.Errorf("%+v", a)
	}
	if len(news.all) != 1 || news.all[0].Channel != registration.EmailChannel {
		t.Errorf("announced %+v", news.all)
	}
	if len(store.records) != 0 {
		t.Error("a record without a request id")
	}
}

// TestSilent: a backfill stores the person and tells nobody; the same request
// is the same whether it is silent or not.
func TestSilent(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	r := registration.Request{RequestID: "r", Username: "omar", Email: "omar@example.com", Password: "correct horse battery staple", MobileNumber: "+966512345678", Silent: true}
	receipt, err := s.Register(t.Context(), r)
	if err != nil || len(store.accounts) != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	if len(store.accounts[0].Notifications) != 0 || len(news.all) != 0 {
		t.Errorf("stored %+v, announced %+v", store.accounts[0].Notifications, news.all)
	}
	r.Silent = false
	if again, err := s.Register(t.Context(), r); err != nil || again != receipt || len(news.all) != 0 {
		t.Errorf("%+v, %v; announced %+v", again, err, news.all)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	bad := request()
	bad.Username, bad.Password, bad.MobileNumber = "a b", "password1", "12"
	_, err := s.Register(t.Context(), bad)
	if category(t, err) != registration.ValidationFailed {
		t.Errorf("got %v", err)
	}
	if e, ok := errors.AsType[*registration.Error](err); ok && !slices.Equal(told(e.Fields), []string{"username CHARACTERS", "password BLOCKLISTED", "mobileNumber FORMAT"}) {
		t.Errorf("got %v", e.Fields)
	}
	weak := request()
	weak.Password = "layla.h-1990"
	_, err = s.Register(t.Context(), weak)
	if e, ok := errors.AsType[*registration.Error](err); category(t, err) != registration.PasswordRejected || !ok || !slices.Equal(told(e.Fields), []string{"password LIKE_USERNAME"}) {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(store.asked, []string{"record", "record"}) || len(news.all) != 0 {
		t.Errorf("of wrong requests more than their refusal reached the store (%v), or was announced", store.asked)
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	if _, err := s.Register(t.Context(), request()); err != nil {
		t.Fatal(err)
	}
	before := len(news.all)
	for want, change := range map[registration.Code]func(*registration.Request){
		registration.UsernameTaken: func(r *registration.Request) {
			r.Username, r.Email, r.ExternalID = "ＬＡＹＬＡ.h\u200b", "other@example.com", "other"
		},
		registration.EmailTaken: func(r *registration.Request) {
			r.Username, r.Email, r.ExternalID = "other", "LAYLA@EXAMPLE.com", "other"
		},
		registration.ExternalIDTaken: func(r *registration.Request) { r.Username, r.Email = "other", "other@example.com" },
	} {
		r := request()
		change(&r)
		if _, err := s.Register(t.Context(), r); category(t, err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	other := request()
	other.Username, other.Email, other.Caller = "other", "other@example.com", "another monolith"
	if len(news.all) != before {
		t.Error("a refused registration was announced")
	}
	if _, err := s.Register(t.Context(), other); err != nil {
		t.Errorf("another caller's external id: %v", err)
	}
	if len(store.accounts) != 2 {
		t.Errorf("%d accounts", len(store.accounts))
	}
}

// TestFailures of the parts behind: each has its category, nothing of its text
// is told, nothing is announced, and what has a cause keeps it for the log.
func TestFailures(t *testing.T) {
	t.Parallel()
	inner := errors.New("dial tcp 10.0.0.9:3306: Duplicate entry 'layla@example.com'")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, test := range []struct {
		name      string
		ctx       context.Context
		requestID string
		breaks    func(*registration.Service, *memory)
		want      registration.Code
		cause     error
	}{
		{"the store at creation", nil, "", func(_ *registration.Service, m *memory) { m.failing = on("create", inner) }, registration.Internal, inner},
		{"the store at the record", nil, "r", func(_ *registration.Service, m *memory) { m.failing = on("recorded", inner) }, registration.Internal, inner},
		{"no quorum", nil, "r", func(_ *registration.Service, m *memory) { m.failing = on("create", registration.ErrUnavailable) }, registration.Unavailable, nil},
		{"no quorum, with more to say", nil, "r", func(_ *registration.Service, m *memory) {
			m.failing = on("create", fmt.Errorf("store: %w: %w", registration.ErrUnavailable, inner))
		}, registration.Unavailable, inner},
		{"a deadline inside", nil, "", func(_ *registration.Service, m *memory) { m.failing = on("create", context.DeadlineExceeded) }, registration.Unavailable, context.DeadlineExceeded},
		{"the caller has gone", cancelled, "", func(*registration.Service, *memory) {}, registration.Unavailable, context.Canceled},
		{"the caller has gone, with a request id", cancelled, "r", func(*registration.Service, *memory) {}, registration.Unavailable, context.Canceled},
		{"the caller goes meanwhile", cancelled, "r", func(_ *registration.Service, m *memory) { m.failing = on("recorded", inner) }, registration.Unavailable, inner},
		{"the record is gone again", nil, "r", func(_ *registration.Service, m *memory) { m.failing = on("create", registration.ErrRequestIDReused) }, registration.Unavailable, nil},
		{"a reused id of nobody's", nil, "", func(_ *registration.Service, m *memory) { m.failing = on("create", registration.ErrRequestIDReused) }, registration.RequestIDReused, nil},
		{"overload", nil, "", func(s *registration.Service, _ *memory) { s.Hasher = full(t) }, registration.Unavailable, nil},
		{"overload, with a request id", nil, "r", func(s *registration.Service, _ *memory) { s.Hasher = full(t) }, registration.Unavailable, nil},
		{"no entropy", nil, "", func(s *registration.Service, _ *memory) {
			s.NewID = func() (registration.ID, error) { return registration.ID{}, inner }
		}, registration.Internal, inner},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, store, news := service(t)
			test.breaks(s, store)
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			r := request()
			r.RequestID = test.requestID
			receipt, err := s.Register(ctx, r)
			if category(t, err) != test.want || receipt != (registration.Receipt{}) {
				t.Fatalf("%+v, %v", receipt, err)
			}
			if e, ok := errors.AsType[*registration.Error](err); ok && (strings.Contains(e.Message, "10.0.0.9") || strings.Contains(e.Message, "@")) {
				t.Errorf("the message tells %q", e.Message)
			}
			if test.cause != nil && !errors.Is(err, test.cause) {
				t.Errorf("the cause is lost: %v", err)
			}
			if len(store.accounts) != 0 || len(news.all) != 0 {
				t.Errorf("%d accounts, %d announcements", len(store.accounts), len(news.all))
			}
		})
	}
}

func on(operation string, err error) func(string) error {
	return func(asked string) error {
		if asked == operation {
			return err
		}
		return nil
	}
}

// stuck is an Algorithm that never ends while the test runs.
type stuck chan struct{}

func (stuck) MaxBytes() int         { return 0 }
func (stuck) Class() password.Class { return password.Class{} }
func (s stuck) Hash(string) (string, error) {
	<-s
	return "", errors.New("released")
}

// full is a pool whose only slot is taken and that has no queue.
func full(t *testing.T) *password.Pool {
	t.Helper()
	release := make(stuck)
	pool := password.NewPool(release, 1, 0)
	var holder sync.WaitGroup
	holder.Go(func() { _, _ = pool.Hash(context.Background(), "x") })
	t.Cleanup(func() { close(release); holder.Wait(); pool.Close() })
	for pool.Stats().Running == 0 {
		time.Sleep(time.Millisecond)
	}
	return pool
}

func TestDetails(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	receipt, err := s.Register(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []registration.Lookup{
		{RegistrationID: receipt.ID.String()}, {RegistrationID: strings.ToUpper(receipt.ID.String())}, {Username: "LAYLA.h"},
		{Email: "layla@EXAMPLE.com"}, {ExternalID: "4711", Caller: "monolith"},
	} {
		got, err := s.Details(t.Context(), l)
		if err != nil || got.Account.ID != receipt.ID || got.Account.PasswordHash != "" || len(got.Notifications) != 2 {
			t.Errorf("%+v: %+v, %v", l, got, err)
		}
	}
	for _, test := range []struct {
		lookup registration.Lookup
		want   registration.Code
	}{
		{registration.Lookup{}, registration.ValidationFailed},
		{registration.Lookup{RegistrationID: "x"}, registration.ValidationFailed},
		{registration.Lookup{Username: "nobody"}, registration.NotFound},
		{registration.Lookup{ExternalID: "4711", Caller: "another monolith"}, registration.NotFound},
	} {
		if _, err := s.Details(t.Context(), test.lookup); category(t, err) != test.want {
			t.Errorf("%+v: %v", test.lookup, err)
		}
	}
	store.failing = on("details", errors.New("inner"))
	if _, err := s.Details(t.Context(), registration.Lookup{Username: "layla.h"}); category(t, err) != registration.Internal {
		t.Errorf("a failing store: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Details(ctx, registration.Lookup{Username: "layla.h"}); category(t, err) != registration.Unavailable {
		t.Errorf("a caller that has gone: %v", err)
	}
}
