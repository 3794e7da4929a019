package registration_test

import (
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	r := request()
	r.RequestID = "2026-0001"
	first, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	told := len(news.all)
	s.Now = func() time.Time { return now.Add(time.Hour) }
	for range 3 {
		r.TraceParent += "x" // another attempt is another trace, and the same request
		again, err := s.Register(t.Context(), r)
		if err != nil || again != first {
			t.Errorf("got %+v, %v, want %+v", again, err, first)
		}
	}
	if len(store.accounts) != 1 || len(news.all) != told {
		t.Errorf("%d accounts, %d more announcements", len(store.accounts), len(news.all)-told)
	}

	// A stricter policy came in between: the receipt stands, another request is refused.
	s.Rules.CheckPassword = func(string, registration.Personal) *registration.FieldError {
		return &registration.FieldError{Field: "password", Rule: "TOO_SHORT"}
	}
	if again, err := s.Register(t.Context(), r); err != nil || again != first {
		t.Errorf("under another policy: %+v, %v", again, err)
	}
	r.RequestID = "2026-0002"
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.PasswordRejected {
		t.Errorf("a new request under another policy: %v", err)
	}
	r.RequestID, r.LastName = "2026-0001", "Other"
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.RequestIDReused {
		t.Errorf("other content that is wrong too: %v", err)
	}
	store.failing = on("recorded", registration.ErrUnavailable)
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.PasswordRejected {
		t.Errorf("a wrong request without a database: %v", err)
	}
}

// TestReplayBehind: the database's server has not yet what another one has
// committed a moment ago.
func TestReplayBehind(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	r := request()
	r.RequestID = "2026-0001"
	first, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	store.behind = true
	if again, err := s.Register(t.Context(), r); err != nil || again != first {
		t.Errorf("got %+v, %v, want %+v", again, err, first)
	}
	s.Rules.CheckPassword = func(string, registration.Personal) *registration.FieldError {
		return &registration.FieldError{Field: "password", Rule: "TOO_SHORT"}
	}
	if again, err := s.Register(t.Context(), r); err != nil || again != first {
		t.Errorf("under another policy: got %+v, %v, want %+v", again, err, first)
	}
	r.LastName = "Other"
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.RequestIDReused {
		t.Errorf("other content: %v", err)
	}
	if len(store.accounts) != 1 {
		t.Errorf("%d accounts", len(store.accounts))
	}
}

// TestOtherContent: each field is part of what the request id stands for.
func TestOtherContent(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	r := request()
	r.RequestID = "2026-0001"
	if _, err := s.Register(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*registration.Request){
		"username":         func(r *registration.Request) { r.Username = "layla.g" },
		"its spelling":     func(r *registration.Request) { r.Username = "Layla.H" },
		"email":            func(r *registration.Request) { r.Email = "other@example.com" },
		"password":         func(r *registration.Request) { r.Password = "correct horse battery stapler" },
		"firstName":        func(r *registration.Request) { r.FirstName = "" },
		"lastName":         func(r *registration.Request) { r.LastName = "Hassan" },
		"names moved":      func(r *registration.Request) { r.FirstName, r.LastName = "LaylaAl", "-Hassan" },
		"mobileNumber":     func(r *registration.Request) { r.MobileNumber = "0512345679" },
		"no mobileNumber":  func(r *registration.Request) { r.MobileNumber = "" },
		"locale":           func(r *registration.Request) { r.Locale = "en" },
		"marketingConsent": func(r *registration.Request) { r.MarketingConsent = false },
		"externalId":       func(r *registration.Request) { r.ExternalID = "4712" },
	} {
		other := r
		change(&other)
		if _, err := s.Register(t.Context(), other); category(t, err) != registration.RequestIDReused {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := r
	other.Caller, other.Username, other.Email = "another monolith", "omar", "omar@example.com"
	if _, err := s.Register(t.Context(), other); err != nil {
		t.Errorf("another caller's request of the same id: %v", err)
	}
	if len(store.accounts) != 2 {
		t.Errorf("%d accounts", len(store.accounts))
	}
}

// TestFingerprintIsBlindToThePassword: two requests that differ by it alone
// have one fingerprint.
func TestFingerprintIsBlindToThePassword(t *testing.T) {
	t.Parallel()
	var prints [2][32]byte
	for i, pw := range []string{"correct horse battery staple", "a quite different password"} {
		s, store, _ := service(t)
		r := request()
		r.RequestID, r.Password = "r", pw
		if _, err := s.Register(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		prints[i] = store.accounts[0].Fingerprint
	}
	if prints[0] != prints[1] || prints[0] == [32]byte{} {
		t.Errorf("%x and %x", prints[0], prints[1])
	}
}

// late hides a record from the first look, as another server's commit does
// that comes right after it.
func late() func(operation string) error {
	looks := 0
	return func(operation string) error {
		if operation == "recorded" {
			if looks++; looks == 1 {
				return registration.ErrNotFound
			}
		}
		return nil
	}
}

// TestRaceLostAtCreation: the record was not there at first, and the insert
// finds it.
func TestRaceLostAtCreation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*registration.Request)
		want   registration.Code
	}{
		"same":           {func(*registration.Request) {}, ""},
		"other content":  {func(r *registration.Request) { r.FirstName = "Lulwa" }, registration.RequestIDReused},
		"other password": {func(r *registration.Request) { r.Password = "another fine password" }, registration.RequestIDReused},
	} {
		s, store, news := service(t)
		r := request()
		r.RequestID = "2026-0001"
		first, err := s.Register(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		store.failing = late()
		told := len(news.all)
		test.change(&r)
		again, err := s.Register(t.Context(), r)
		if category(t, err) != test.want || err == nil && again != first {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
		if len(store.accounts) != 1 || len(news.all) != told {
			t.Errorf("%s: %d accounts, %d more announcements", name, len(store.accounts), len(news.all)-told)
		}
	}
}

// TestManyAtOnce: one request id sent many times at the same moment is one
// account, one receipt and one announcement.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s, store, news := service(t)
	r := request()
	r.RequestID = "2026-0001"
	const n = 24
	receipts := make([]registration.Receipt, n)
	var callers sync.WaitGroup
	for i := range n {
		callers.Go(func() {
			var err error
			if receipts[i], err = s.Register(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	for _, receipt := range receipts {
		if receipt != receipts[0] || receipt.ID.IsZero() {
			t.Errorf("got %+v and %+v", receipts[0], receipt)
		}
	}
	if len(store.accounts) != 1 || len(news.all) != 2 {
		t.Errorf("%d accounts, %d announcements", len(store.accounts), len(news.all))
	}
}
