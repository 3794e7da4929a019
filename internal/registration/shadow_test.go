package registration_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"registrar/internal/registration"
)

// comparer keeps comparisons, one for an id.
type comparer struct {
	all []registration.Comparison
}

func (c *comparer) Compare(_ context.Context, one registration.Comparison) {
	if !slices.ContainsFunc(c.all, func(o registration.Comparison) bool { return o.ID == one.ID }) {
		c.all = append(c.all, one)
	}
}

// TestShadow: a registration in shadow mode is answered as it would be, nothing
// of it is kept, and what it came to is compared with what the caller says.
func TestShadow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(*registration.Request)
		ours    string
		refused []string
	}{
		{"new", func(*registration.Request) {}, "REGISTERED", nil},
		{"contacts verified", func(r *registration.Request) { r.Verified = true }, "REGISTERED", nil},
		{"in silence", func(r *registration.Request) { r.Silent = true }, "REGISTERED", nil},
		{"a password", func(r *registration.Request) { r.Password = "password1" }, "PASSWORD_REJECTED", []string{"password BLOCKLISTED"}},
		{"two fields", func(r *registration.Request) { r.Email, r.FirstName = "nobody", "\n" }, "VALIDATION_FAILED", []string{"email FORMAT", "firstName CHARACTERS"}},
		{"a user name", func(r *registration.Request) { r.Username = "taken" }, "USERNAME_TAKEN", []string{"username TAKEN"}},
		{"an address", func(r *registration.Request) { r.Email = "TAKEN@example.com" }, "EMAIL_TAKEN", []string{"email TAKEN"}},
		{"an external id", func(r *registration.Request) { r.ExternalID = "taken" }, "EXTERNAL_ID_TAKEN", []string{"externalId TAKEN"}},
		{"a request id", func(r *registration.Request) { r.RequestID = "taken" }, "REQUEST_ID_REUSED", []string{"requestId REUSED"}},
		{"what broke the schema", func(r *registration.Request) {
			r.FirstName, r.Email = "", "nobody"
			r.Refused = []registration.FieldError{{Field: "firstName", Rule: "MAX_LENGTH"}}
		}, "VALIDATION_FAILED", []string{"firstName MAX_LENGTH", "email FORMAT"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, store, news := service(t)
			s.RecordEvents = true
			compared := &comparer{}
			s.Shadow = compared
			before := registration.Request{Caller: "monolith", RequestID: "taken", Username: "taken", Email: "taken@example.com", Password: "correct horse battery staple", ExternalID: "taken"}
			if _, err := s.Register(t.Context(), before); err != nil {
				t.Fatal(err)
			}
			accounts, announced, audit := len(store.accounts), len(news.all), len(store.audit)
			r := request()
			r.RequestID = "r"
			tt.change(&r)
			r.Shadow, r.CallerOutcome = true, "REGISTERED"
			receipt, err := s.Register(t.Context(), r)
			if got := category(t, err); string(got) != tt.ours && (got != "" || tt.ours != "REGISTERED") {
				t.Errorf("the answer is %v", err)
			}
			if err == nil && (receipt.ID.IsZero() || receipt.Locale != "ar-SA" || receipt.RegisteredAt.IsZero() || (receipt.Status == registration.Active) != r.Verified) {
				t.Errorf("the receipt is %+v", receipt)
			}
			if len(store.accounts) != accounts || len(store.records) != 1 || len(news.all) != announced || len(store.audit) != audit || len(store.events) != 0 || len(store.codes) != 1 {
				t.Error("something is kept, or sent")
			}
			if len(compared.all) != 1 {
				t.Fatalf("%d comparisons", len(compared.all))
			}
			c := compared.all[0]
			if c.Caller != "monolith" || c.RequestID != r.RequestID || c.ExternalID != r.ExternalID || c.Ours != tt.ours || c.Theirs != "REGISTERED" || c.ID.IsZero() || c.At.IsZero() || !slices.Equal(told(c.Refused), tt.refused) {
				t.Errorf("compared %+v", c)
			}
			again, err2 := s.Register(t.Context(), r)
			if again != receipt || (err == nil) != (err2 == nil) || len(compared.all) != 1 {
				t.Errorf("the same again: %+v, %v, %d comparisons", again, err2, len(compared.all))
			}
			r.RequestID = "another"
			if other, err := s.Register(t.Context(), r); err == nil && other.ID == receipt.ID || len(compared.all) != 2 {
				t.Errorf("under another request id: %+v, %v, %d comparisons", other, err, len(compared.all))
			}
		})
	}
}

// TestShadowWithoutRequestIDs: each is one of its own.
func TestShadowWithoutRequestIDs(t *testing.T) {
	t.Parallel()
	s, _, _ := service(t)
	compared := &comparer{}
	s.Shadow = compared
	r := request()
	r.Shadow = true
	one, err := s.Register(t.Context(), r)
	two, err2 := s.Register(t.Context(), r)
	if err != nil || err2 != nil || one.ID == two.ID || len(compared.all) != 2 || compared.all[0].Theirs != "" {
		t.Errorf("%+v, %+v, %v, %v, %+v", one, two, err, err2, compared.all)
	}
}

// TestShadowThatCannotDecide: what the service could not do is no outcome.
func TestShadowThatCannotDecide(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	compared := &comparer{}
	s.Shadow = compared
	r := request()
	r.Shadow = true
	store.failing = on("rehearse", registration.ErrUnavailable)
	if _, err := s.Register(t.Context(), r); !errors.Is(err, registration.ErrUnavailable) || len(compared.all) != 0 {
		t.Errorf("%v, %+v", err, compared.all)
	}
}

// TestALateShadowRegistersNobody: what was sent for comparison, and comes when the
// caller has gone live, is refused, also where the same was registered before.
func TestALateShadowRegistersNobody(t *testing.T) {
	t.Parallel()
	s, store, _ := service(t)
	compared := &comparer{}
	s.Shadow = compared
	r := request()
	r.RequestID = "once"
	for range 2 {
		late := r
		late.CallerOutcome = "REGISTERED"
		if _, err := s.Register(t.Context(), late); !errors.Is(err, &registration.Error{Code: registration.Forbidden}) {
			t.Errorf("it is told %v", err)
		}
		if len(store.audit) > 1 || len(store.events) != 0 || len(compared.all) != 0 {
			t.Errorf("%d entries, %d events, %+v", len(store.audit), len(store.events), compared.all)
		}
		if _, err := s.Register(t.Context(), r); err != nil || len(store.accounts) != 1 {
			t.Errorf("the registration itself: %v", err)
		}
	}
}
