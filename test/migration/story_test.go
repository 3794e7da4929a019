// Package migration_test is the whole of docs/migrating-from-a-monolith.md with real
// parts: a Laravel application's table on MariaDB, PHP with the guide's own class as
// the application, and the commands that the guide names, in its order.
package migration_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/test/harness"
)

// story is what the steps have come to.
type story struct {
	*rig
	people    int
	hashes    []hash
	app       *monolith       // as the caller monolith
	shop      *monolith       // another caller
	told      map[string]bool // addresses whose owners are to be told something
	mu        sync.Mutex
	living    []*living
	loggedIn  map[int]bool // by their ids: those whose hash was made anew
	erased    int
	feed      *feed
	startFeed func(*testing.T)
	other     func(secret string) *monolith // the application with another secret
}

func (s *story) tell(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[address] = true
}

// TestMigration is the guide from its first phase to its last, and the way back.
func TestMigration(t *testing.T) {
	t.Parallel()
	s := &story{rig: newRig(t), people: people(t), told: map[string]bool{}, loggedIn: map[int]bool{}}
	secret := callerSecret(t, s.registrar(t, "caller", "add", "monolith", "--operations", "Register,GetRegistration,VerifyPassword", "--shadow"))
	shopSecret := callerSecret(t, s.registrar(t, "caller", "add", "shop"))
	s.service.Start(t)
	wsdl := s.balancer.URL + "/registration?wsdl"
	s.app = startMonolith(t, s.node, s.classes, wsdl, "monolith", secret)
	s.shop = startMonolith(t, s.node, s.classes, wsdl, "shop", shopSecret)
	s.app.must(t, "hashes", fields{"each": 8}, &s.hashes)
	s.other = func(secret string) *monolith { return startMonolith(t, s.node, s.classes, wsdl, "monolith", secret) }
	s.startFeed = func(t *testing.T) {
		s.feed = newFeed(t, s.rig, wsdl, "monolith", secret)
		s.feed.start(t)
	}
	t.Cleanup(func() {
		if s.feed != nil {
			s.feed.kill(t)
		}
	})
	fillTable(t, s.node, s.people, s.hashes)

	for _, step := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"rehearsal", s.rehearse},
		{"import", s.bringIn},
		{"comparison", s.compare},
		{"shadow", s.shadow},
		{"passwords", s.verify},
		{"logins", s.logIn},
		{"live", s.live},
		{"feed", s.feedBack},
		{"erasure", s.erase},
		{"way back", s.goBack},
		{"notifications", s.onceTold},
	} {
		began := time.Now()
		if !t.Run(step.name, step.do) {
			t.FailNow()
		}
		t.Logf("%s: %v", step.name, time.Since(began).Round(time.Millisecond))
	}
}

// takenAtShop is somebody of the table who has registered at the shop before.
const takenAtShop = 50 // not one of those who log in: see whole

// rehearse: the dry run tells each broken row, and stores nothing.
func (s *story) rehearse(t *testing.T) {
	address := fmt.Sprintf("person%d@example.com", takenAtShop)
	var at registered
	s.shop.must(t, "register", fields{"id": 2_000_000_000, "requestId": "shop-first", "person": someone("Shop First", address), "row": false}, &at)
	if at.Registration == "" {
		t.Fatalf("the shop has %+v", at)
	}
	s.tell(address)

	rejects := filepath.Join(s.dir, "try.jsonl")
	got := decode[report](t, s.registrar(t, "import", "--mapping", s.mapping, "--dry-run", "--rejects", rejects, "--json"))
	want := expected(s.people)
	want["email_taken refuse"]++
	if !maps.Equal(got.counts(), want) {
		t.Errorf("the report has %v, not %v", got.counts(), want)
	}
	refused := refusedInThousand*s.people/1000 + 1
	if got.Read != s.people || got.Refused != refused || got.Stored != s.people-refused || got.Present != 0 {
		t.Errorf("the report is %+v", got)
	}
	if n := s.accounts(t, "monolith"); n != 0 {
		t.Errorf("a dry run has stored %d people", n)
	}
}

// bringIn: people register at both sides while everybody is imported, and the import
// is killed on its way.
func (s *story) bringIn(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var signups, shops int
	problems := make(chan error, 2)
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ctx.Err() == nil && signups < 3000; signups++ {
			var at signedUp
			if err := s.app.ask("signUp", fields{"person": someone("Amina Noor", fmt.Sprintf("new%d@example.net", signups))}, &at); err != nil || at.Outcome != "REGISTERED" {
				problems <- fmt.Errorf("signing up: %w, %+v", err, at)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	wg.Go(func() {
		for ; ctx.Err() == nil && shops < 1000; shops++ {
			address := fmt.Sprintf("shop%d@example.org", shops)
			var at registered
			if err := s.shop.ask("register", fields{"id": 2_000_000_001 + shops, "requestId": fmt.Sprintf("shop-%d", shops), "person": someone("Sami Shop", address), "row": false}, &at); err != nil || at.Registration == "" {
				problems <- fmt.Errorf("registering at the shop: %w, %+v", err, at)
				return
			}
			s.tell(address)
			time.Sleep(20 * time.Millisecond)
		}
	})
	args := []string{"import", "--mapping", s.mapping, "--rejects", filepath.Join(s.dir, "rejects.jsonl"), "--batch", "100", "--json"}
	s.killedImport(t, s.people/10, args...)
	if open := decode[[]report](t, s.registrar(t, "import", "status", "--json")); len(open) != 1 || open[0].State != "OPEN" || open[0].Stored >= s.people {
		t.Errorf("after the kill: %+v", open)
	}
	got := decode[report](t, s.registrar(t, args...))
	stop()
	wg.Wait()
	close(problems)
	for err := range problems {
		t.Error(err)
	}
	if signups < 10 || shops < 10 {
		t.Errorf("%d signed up and %d registered at the shop meanwhile: that proves nothing", signups, shops)
	}
	t.Logf("%d signed up at the application, %d registered at the shop", signups, shops)

	want := expected(s.people)
	want["email_taken refuse"]++
	if !maps.Equal(got.counts(), want) {
		t.Errorf("the report has %v, not %v", got.counts(), want)
	}
	refused := refusedInThousand*s.people/1000 + 1
	if got.Read < s.people || got.Read > s.users(t) || got.Refused != refused || got.Stored != got.Read-refused || got.Present != 0 || s.accounts(t, "monolith") != got.Stored {
		t.Errorf("the report is %+v", got)
	}
	if n := s.accounts(t, "shop"); n != shops+1 {
		t.Errorf("%d people of the shop, not %d", n, shops+1)
	}
	s.awaitTold(t, len(s.told)) // a code each, and nobody else
}

// shadow: the application registers by itself and sends each registration along.
func (s *story) shadow(t *testing.T) {
	before, messages := s.accounts(t, "monolith"), s.messages(t)
	person := func(name, email, password string) fields {
		return fields{"name": name, "email": email, "password": password}
	}
	const good = "velvet-anchor-tuesday"
	for i, tt := range []struct {
		person       fields
		theirs, ours string
	}{
		{person("Amina Noor", "shadow1@example.net", good), "REGISTERED", "REGISTERED"},
		{person("نورة الحداد", "shadow2@example.net", good), "REGISTERED", "REGISTERED"},
		{person("Amina Noor", "shadow3@example.net", "password1"), "REGISTERED", "PASSWORD_REJECTED"},
		{person("Umm "+strings.Repeat("Kulthum ", 5), "shadow4@example.net", good), "REGISTERED", "VALIDATION_FAILED"},
		{person("Amina Noor", "person1@example.com", good), "EMAIL_TAKEN", "EMAIL_TAKEN"},
		{person("Amina Noor", "Person1@Example.com", good), "REGISTERED", "EMAIL_TAKEN"},
		{person("Amina Noor", "shadow5@example.net", "short"), "PASSWORD_REJECTED", "VALIDATION_FAILED"},
	} {
		var at struct {
			Outcome, Ours, Registration string
			ID                          int
		}
		for range 2 { // what is posted again is counted once
			s.app.must(t, "shadow", fields{"requestId": fmt.Sprintf("shadow-%d", i), "person": tt.person}, &at)
			if tt.theirs == "REGISTERED" {
				break // it cannot sign up again
			}
		}
		if at.Outcome != tt.theirs || at.Ours != tt.ours {
			t.Errorf("%v: %+v", tt.person, at)
		}
	}
	// The application has let somebody in twice, but for the letter case.
	sql(t, s.node, "DELETE FROM laravel.users WHERE email = 'Person1@Example.com'")

	type tally struct {
		Ours, Theirs string
		N            int
	}
	got := map[string]int{}
	for _, one := range decode[[]tally](t, s.registrar(t, "shadow", "summary", "--caller", "monolith", "--since", "24h", "--json")) {
		got[one.Ours+" "+one.Theirs] = one.N
	}
	want := map[string]int{
		"REGISTERED REGISTERED": 2, "PASSWORD_REJECTED REGISTERED": 1, "VALIDATION_FAILED REGISTERED": 1, "EMAIL_TAKEN EMAIL_TAKEN": 1, "EMAIL_TAKEN REGISTERED": 1,
		"VALIDATION_FAILED PASSWORD_REJECTED": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("the summary has %v, not %v", got, want)
	}
	if list := s.registrar(t, "shadow", "list", "--theirs", "REGISTERED"); !strings.Contains(list, "firstName:TOO_LONG") && !strings.Contains(list, "lastName:TOO_LONG") || !strings.Contains(list, "password:BLOCKLISTED") {
		t.Errorf("the list is\n%s", list)
	}
	if after := s.accounts(t, "monolith"); after != before || s.messages(t) != messages {
		t.Errorf("shadow mode has kept or sent something: %d and %d accounts", before, after)
	}
	s.diff(t, "--repair") // those four come by the table
	s.alike(t)
}

func (s *story) messages(t *testing.T) int {
	t.Helper()
	n, err := s.service.InboxCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitTold waits until everybody is told who has to be.
func (s *story) awaitTold(t *testing.T, want int) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		if n, err := s.service.InboxCount(ctx); err != nil || n != want {
			return fmt.Errorf("%d messages in the inbox, not %d: %w", n, want, err)
		}
		return nil
	})
}
