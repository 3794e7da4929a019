package migration_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// living is somebody who registers in phase 5.
type living struct {
	id           int
	requestID    string
	registration string
	email        string
	verified     bool
	row          bool // the application has written its own
	person       fields
}

// called are names of which a full name does not say where the first one ends.
var called = map[int]fields{
	3: {"firstName": "Maria Anna", "lastName": "Noor"}, 7: {"firstName": "Maria Anna", "lastName": "Noor"}, 8: {"firstName": " Maria", "lastName": "bint  Noor"}, 13: {"firstName": "", "lastName": "Noor"},
}

// live: Registrar registers, whatever breaks in between, and sends the codes.
func (s *story) live(t *testing.T) {
	s.registrar(t, "caller", "update", "monolith", "--shadow=false", "--operations", "Register,GetRegistration,VerifyPassword,VerifyContact,ResendCode")
	harness.Eventually(t, 10*time.Second, func(context.Context) error {
		var at registered
		err := s.app.ask("verify", fields{"registration": "01936f09-11aa-7c02-8f4e-2b6d0c9e7a55", "code": "123456"}, &at)
		if err == nil && at.Fault != "NOT_FOUND" {
			err = fmt.Errorf("the fault is %s", at.Fault)
		}
		return err
	})
	s.notLate(t)
	s.startFeed(t)
	before := s.accounts(t, "monolith")
	messages := s.messages(t)
	for n := range 20 {
		p := &living{email: fmt.Sprintf("live%d@example.net", n), row: n%5 != 2}
		p.person = someone("ليلى Noor", p.email)
		maps.Copy(p.person, called[n])
		var kept struct {
			ID        int
			RequestID string
		}
		s.app.must(t, "reserve", fields{"email": p.email}, &kept)
		p.id, p.requestID = kept.ID, kept.RequestID
		request := fields{"id": p.id, "requestId": p.requestID, "person": p.person, "row": p.row}
		register := func() string {
			var at registered
			s.app.must(t, "register", request, &at)
			if at.Registration == "" {
				t.Fatalf("%s: %+v", p.email, at)
			}
			return at.Registration
		}
		if n%5 == 1 {
			s.balancer.lose.Store(2) // it is done, and nobody is told
		}
		p.registration = register()
		if n%5 == 3 {
			if again := register(); again != p.registration {
				t.Errorf("the same again is %s, not %s", again, p.registration)
			}
		}
		if left := s.balancer.lose.Load(); left > 0 {
			t.Errorf("%d answers were not lost", left)
		}
		if n == 10 { // in the middle of what it does
			s.feed.kill(t)
			s.feed.start(t)
		}
		s.tell(p.email)
		s.living = append(s.living, p)
	}
	if n := s.accounts(t, "monolith"); n != before+len(s.living) {
		t.Errorf("%d accounts more, not %d", n-before, len(s.living))
	}
	for _, tt := range []struct {
		name, email, password, fault, field string
	}{
		{"Amina Noor", "PERSON1@example.com", "velvet-anchor-tuesday", "EMAIL_TAKEN", "email"},
		{"Amina Noor", "live100@example.net", "password1", "PASSWORD_REJECTED", "password"},
		{"Amina Noor", "not-an-address", "velvet-anchor-tuesday", "VALIDATION_FAILED", "email"},
	} {
		var at registered
		s.app.must(t, "register", fields{"id": 1_500_000_000, "requestId": "refused-" + tt.fault, "person": fields{"name": tt.name, "email": tt.email, "password": tt.password}}, &at)
		if at.Fault != tt.fault || at.Message == "" || at.Fields[tt.field] == "" || len(at.Fields) != 1 {
			t.Errorf("%s: %+v", tt.fault, at)
		}
	}

	s.awaitTold(t, messages+len(s.living)) // a code each, also of those whose answer was lost
	for n, p := range s.living {
		if n%10 == 9 {
			continue // some never come back
		}
		codes, err := s.service.Codes(t.Context(), p.email)
		if err != nil || len(codes) != 1 {
			t.Fatalf("%s has %d codes, %v", p.email, len(codes), err)
		}
		var at struct{ Status, Fault string }
		s.app.must(t, "verify", fields{"registration": p.registration, "code": codes[0]}, &at)
		if at.Status != "ACTIVE" {
			t.Errorf("%s: %+v", p.email, at)
		}
		p.verified = true
		messages++
	}
	s.awaitTold(t, messages+len(s.living)) // and the news that the registration is complete
}

// notLate: what was still in the queue of phase 3 registers nobody.
func (s *story) notLate(t *testing.T) {
	var at string
	err := s.app.ask("late", fields{"id": 1_400_000_000, "requestId": "late", "person": someone("Amina Noor", "late@example.net")}, &at)
	if err == nil || !strings.Contains(err.Error(), "Misconfigured: FORBIDDEN") {
		t.Errorf("a late shadow: %v, %q", err, at)
	}
	if n := number(t, s.node, "SELECT COUNT(*) FROM registrar.accounts WHERE email = 'late@example.net'"); n != 0 {
		t.Error("a late shadow has registered somebody")
	}
}

// onceTold: whoever was told something was told it once, and nobody else was.
func (s *story) onceTold(t *testing.T) {
	inbox, err := s.service.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, m := range inbox {
		if len(m.To) != 1 || !s.told[m.To[0].Address] {
			t.Errorf("%q went to %v", m.Subject, m.To)
			continue
		}
		told[m.To[0].Address+" "+m.Subject]++
	}
	for what, n := range told {
		if n != 1 {
			t.Errorf("%s was sent %d times", what, n)
		}
	}
	verified := 0
	for _, p := range s.living {
		if p.verified {
			verified++
		}
	}
	if want := len(s.told) + verified; len(inbox) != want {
		t.Errorf("%d messages, not %d", len(inbox), want)
	}
}
