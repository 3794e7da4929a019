package migration_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// verify: hashes of every kind are verified, and made anew.
func (s *story) verify(t *testing.T) {
	for n, kind := range slices.Sorted(maps.Keys(kinds(s.hashes))) {
		for _, id := range ofKind(s.hashes, kind, s.people, 1+s.people/50_000) {
			login, right := fmt.Sprintf("Person%d@example.com", id), s.hashes[id%len(s.hashes)].Password
			try := func(login, password string, valid bool) {
				t.Helper()
				var at verdict
				s.app.must(t, "verifyPassword", fields{"login": login, "password": password, "origin": fmt.Sprintf("browser-%d", id)}, &at)
				if at.Valid != valid {
					t.Errorf("%s, person %d: %+v", kind, id, at)
				}
			}
			try(login, right+"x", false)
			if s.hash(t, id) != s.hashes[id%len(s.hashes)].Hash {
				t.Errorf("%s, person %d: a wrong password has changed the hash to %.12s", kind, id, s.hash(t, id))
			}
			try(login, right, true)
			s.loggedIn[id] = true
			if !s.anew(t, id) {
				t.Errorf("%s, person %d: the hash is %.30s still", kind, id, s.hash(t, id))
			}
			try(fmt.Sprintf("user-%d", id), right, true)
			try(login, right+"x", false)
			if n%4 == 0 {
				try("nobody-"+login, right, false)
			}
		}
	}
	const id = 49
	var taken []string
	s.app.must(t, "oddLogins", fields{"login": fmt.Sprintf("person%d@example.com", id), "password": s.hashes[id%len(s.hashes)].Password}, &taken)
	if len(taken) > 0 || s.anew(t, id) {
		t.Errorf("these are somebody's: %v", taken)
	}
	if d := s.alike(t); d.summary.Rehashed != len(s.loggedIn) {
		t.Errorf("%d people have logged in: %+v", len(s.loggedIn), d.summary)
	}
}

// hash is that of somebody who was imported, at Registrar.
func (s *story) hash(t *testing.T, id int) string {
	t.Helper()
	return sql(t, s.node, fmt.Sprintf("SELECT password_hash FROM registrar.accounts WHERE caller = 'monolith' AND external_id = '%d'", id))
}

// anew says whether Registrar has made it itself: it was asked, and said yes.
func (s *story) anew(t *testing.T, id int) bool {
	t.Helper()
	return strings.HasPrefix(s.hash(t, id), "$argon2id$v=19$m=7168,t=1,p=1$")
}

// learn tells the application who is at Registrar, as the guide has it.
func (s *story) learn(t *testing.T) {
	t.Helper()
	file := filepath.Join(s.dir, "people.jsonl")
	if err := os.WriteFile(file, []byte(s.registrar(t, "export", "--mapping", s.mapping, "--format", "jsonl")), 0o600); err != nil {
		t.Fatal(err)
	}
	var done []string
	s.app.must(t, "learn", fields{"file": file}, &done)
}

// logIn: whoever could log in at the application still can, and nobody else, whether
// they are at Registrar or not, and whether it answers or not.
func (s *story) logIn(t *testing.T) {
	sql(t, s.node, "ALTER TABLE laravel.users ADD registrar_hash VARCHAR(255) NULL")
	try := func(what string, app *monolith, email, password string, id int) {
		t.Helper()
		var at verdict
		app.must(t, "logIn", fields{"email": email, "password": password, "origin": "browser-" + email}, &at)
		if want := (verdict{Valid: id != 0, ID: id}); at != want {
			t.Errorf("%s: %+v, not %+v", what, at, want)
		}
	}
	right := func(id int) string { return s.hashes[id%len(s.hashes)].Password }
	address := func(id int) string { return fmt.Sprintf("person%d@example.com", id) }
	bcrypts := slices.DeleteFunc(ofKind(s.hashes, "bcrypt-5", s.people, 20), func(id int) bool { return s.loggedIn[id] })
	known, changed, moved, away, hung, mute := bcrypts[0], bcrypts[1], bcrypts[2], bcrypts[3], bcrypts[4], bcrypts[5]

	try("not learned", s.app, address(known), right(known), known)
	if s.anew(t, known) {
		t.Error("Registrar was asked for somebody of whom nobody knows whether they are there")
	}
	s.learn(t)
	if n, verified := number(t, s.node, "SELECT COUNT(*) FROM laravel.users WHERE registrar_hash = password AND password <> ''"), len(s.loggedIn); n < s.users(t)*9/10-verified {
		t.Errorf("%d of %d are known", n, s.users(t))
	}
	try("learned, a wrong password", s.app, address(known), right(known)+"x", 0)
	try("learned", s.app, address(known), right(known), known)
	if s.loggedIn[known] = true; !s.anew(t, known) {
		t.Error("Registrar was not asked")
	}
	try("once more", s.app, address(known), right(known), known)
	s.learn(t)
	try("learned again, when Registrar has a newer hash", s.app, address(known), right(known), known)
	try("nobody's address", s.app, "nobody@example.com", right(known), 0)

	// Who is not there: since yesterday, and for good.
	var new, refused signedUp
	s.app.must(t, "signUp", fields{"person": someone("Amina Noor", "today@example.net")}, &new)
	s.app.must(t, "signUp", fields{"person": someone("Shop First", address(takenAtShop))}, &refused)
	try("not imported yet", s.app, "today@example.net", "velvet-anchor-tuesday", new.ID)
	try("not imported yet, a wrong password", s.app, "today@example.net", "velvet-anchor-monday", 0)
	try("never to be imported", s.app, address(takenAtShop), "velvet-anchor-tuesday", refused.ID)

	// Who has changed something at the application.
	sql(t, s.node, fmt.Sprintf("UPDATE laravel.users SET password = (SELECT password FROM (SELECT password FROM laravel.users WHERE id = %d) AS other) WHERE id = %d", known, changed))
	try("the password changed, the new one", s.app, address(changed), right(known), changed)
	try("the password changed, the old one", s.app, address(changed), right(changed), 0)
	s.learn(t)
	try("and learned again, the old one", s.app, address(changed), right(changed), 0)
	sql(t, s.node, fmt.Sprintf("UPDATE laravel.users SET email = 'moved@example.net' WHERE id = %d", moved))
	try("the address changed, the new one", s.app, "moved@example.net", right(moved), moved)
	try("the address changed, a wrong password", s.app, "moved@example.net", right(moved)+"x", 0)
	try("the address changed, the old one", s.app, address(moved), right(moved), 0)
	if s.loggedIn[moved] = true; !s.anew(t, moved) {
		t.Error("Registrar was not asked for somebody with another address")
	}

	// Registrar does not answer, or not to the application.
	s.balancer.lose.Store(1000)
	try("Registrar is away", s.app, address(away), right(away), away)
	try("Registrar is away, a wrong password", s.app, address(mute), right(mute)+"x", 0)
	if asked := 1000 - s.balancer.lose.Swap(0); asked != 2 {
		t.Errorf("it was asked %d times for two logins", asked)
	}
	s.loggedIn[away] = true // Registrar has answered, and was not heard
	s.balancer.hang.Store(1000)
	began := time.Now()
	var in verdict
	s.app.must(t, "logIn", fields{"email": address(hung), "password": right(hung), "hurried": true}, &in)
	if took := time.Since(began); in != (verdict{Valid: true, ID: hung}) || took > 8*time.Second {
		t.Errorf("Registrar hangs: %+v after %v", in, took)
	}
	if asked := 1000 - s.balancer.hang.Swap(0); asked != 1 {
		t.Errorf("it was asked %d times for a login", asked)
	}
	stranger := s.other("AAAAAAAAAAAAAAAAAAAAAAAAAA")
	try("a wrong secret", stranger, address(mute), right(mute), mute)
	var at registered
	if err := stranger.ask("register", fields{"id": 1, "requestId": "stranger", "person": someone("Amina Noor", "stranger@example.net")}, &at); err == nil || !strings.Contains(err.Error(), "Misconfigured: UNAUTHENTICATED") {
		t.Errorf("registering with a wrong secret: %v, %+v", err, at)
	}

	sql(t, s.node, fmt.Sprintf("DELETE FROM laravel.users WHERE id IN (%d, %d); UPDATE laravel.users SET email = '%s' WHERE id = %d; UPDATE laravel.users SET password = '%s' WHERE id = %d",
		new.ID, refused.ID, address(moved), moved, s.hashes[changed%len(s.hashes)].Hash, changed))
	if d := s.alike(t); d.summary.Rehashed != len(s.loggedIn) {
		t.Errorf("%d people have logged in: %+v", len(s.loggedIn), d.summary)
	}
	// Guessing ends, also for the right password, and the own table does not help.
	limited := verdict{}
	for n := 0; n < 50 && limited.Fault == ""; n++ {
		s.app.must(t, "logIn", fields{"email": address(mute), "password": fmt.Sprint("velvet-", n)}, &limited)
	}
	s.app.must(t, "logIn", fields{"email": address(mute), "password": right(mute)}, &limited)
	if limited != (verdict{Fault: "RATE_LIMITED"}) {
		t.Errorf("after fifty guesses: %+v", limited)
	}
}
