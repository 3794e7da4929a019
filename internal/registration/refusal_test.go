package registration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
)

// TestRefusalsAreEvents: what the domain turns down is told to other systems,
// by keys alone; what failed is not.
func TestRefusalsAreEvents(t *testing.T) {
	t.Parallel()
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	first := func(r *registration.Request) { r.RequestID, r.TraceParent = "first", trace }
	for _, tt := range []struct {
		name       string
		change     func(*registration.Request)
		failing    error
		want       registration.Code // "" for no event
		externalID string
	}{
		{"the same again", first, nil, "", ""},
		{"a weak password", func(r *registration.Request) { r.Password = "password1" }, nil, registration.PasswordRejected, "4711"},
		{"a field", func(r *registration.Request) { r.Email = "nobody" }, nil, registration.ValidationFailed, "4711"},
		{"an external id with control characters", func(r *registration.Request) { r.ExternalID = "a\x07" }, nil, registration.ValidationFailed, ""},
		{"an external id that is not UTF-8", func(r *registration.Request) { r.ExternalID = "a\xff" }, nil, registration.ValidationFailed, ""},
		{"an external id that is too long", func(r *registration.Request) { r.Email, r.ExternalID = "nobody", strings.Repeat("ä", 65) }, nil, registration.ValidationFailed, ""},
		{"a user name", func(r *registration.Request) { r.Email, r.ExternalID = "other@example.com", "4712" }, nil, registration.UsernameTaken, "4712"},
		{"an e-mail address", func(r *registration.Request) { r.Username, r.ExternalID = "other", "4712" }, nil, registration.EmailTaken, "4712"},
		{"an external id", func(r *registration.Request) { r.Username, r.Email = "other", "other@example.com" }, nil, registration.ExternalIDTaken, "4711"},
		{"a request id", func(r *registration.Request) { r.RequestID, r.LastName = "first", "Other" }, nil, registration.RequestIDReused, "4711"},
		{"no database", func(r *registration.Request) { r.Username = "other" }, registration.ErrUnavailable, "", ""},
		{"a database that fails", func(r *registration.Request) { r.Username = "other" }, errors.New("broken"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, store, _ := service(t)
			s.RecordEvents = true
			s.Unrecorded = func(_ context.Context, err error) { t.Errorf("not recorded: %v", err) }
			r := request()
			first(&r)
			if _, err := s.Register(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			r.RequestID = ""
			r.Call.ID, r.Call.At = registration.ID{1, 2, 3}, now
			tt.change(&r)
			store.failing = on("create", tt.failing)
			_, err := s.Register(t.Context(), r)
			if tt.want == "" {
				if len(store.events) > 0 {
					t.Errorf("recorded %+v of %v", store.events, err)
				}
				return
			}
			if got := category(t, err); got != tt.want {
				t.Errorf("the fault is %s", got)
			}
			if len(store.events) != 1 {
				t.Fatalf("%d events", len(store.events))
			}
			want := registration.Event{
				ID: r.Call.ID, Type: registration.EventRegistrationRefused, At: now.UTC().Truncate(time.Microsecond), TraceParent: trace,
				Caller: "monolith", ExternalID: tt.externalID, Refusal: tt.want,
			}
			if got := store.events[0]; got != want || got.ID.IsZero() {
				t.Errorf("recorded %+v, want %+v", got, want)
			}
		})
	}
}

// TestARefusalThatIsNotRecorded is told to whoever counts, not to the caller;
// and one whose caller has gone is recorded all the same.
func TestARefusalThatIsNotRecorded(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	r := request()
	r.Email = "nobody"
	if _, err := s.Register(t.Context(), r); err == nil || len(store.events) > 0 || len(store.audit) != 1 {
		t.Errorf("where no events are kept: %v, %d events, %d entries", err, len(store.events), len(store.audit))
	}
	s.RecordEvents = true
	store.failing = on("record", registration.ErrUnavailable)
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.ValidationFailed {
		t.Errorf("the caller is told %v", err)
	}
	var told error
	s.Unrecorded = func(_ context.Context, err error) { told = err }
	if _, err := s.Register(t.Context(), r); category(t, err) != registration.ValidationFailed || !errors.Is(told, registration.ErrUnavailable) {
		t.Errorf("the caller is told %v, the log %v", err, told)
	}
	store.failing, told = nil, nil
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Register(gone, r); category(t, err) != registration.ValidationFailed || len(store.events) != 1 || told != nil {
		t.Errorf("the caller is told %v, %d events, %v", err, len(store.events), told)
	}
}
