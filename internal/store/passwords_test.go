package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"registrar/internal/registration"
	"registrar/internal/store"
)

func TestCredential(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		servers := []*store.DB{open(t, o), open(t, o)}
		r := create(t, servers[0], person())
		other := create(t, servers[0], person(func(r *registration.Registration) {
			r.Account.PasswordHash, r.Account.Status = "$2y$10$other", registration.Active
		}))
		named := func(text string) registration.Login {
			return registration.Login{Username: text, Email: text, Key: text}
		}
		for name, tt := range map[string]struct {
			login registration.Login
			want  *registration.Registration
		}{
			"user name":               {named(r.Account.Username.Key), &r},
			"address":                 {named(other.Account.Email.Key), &other},
			"both":                    {registration.Login{Username: r.Account.Username.Key, Email: r.Account.Email.Key}, &r},
			"an address before names": {registration.Login{Username: r.Account.Username.Key, Email: other.Account.Email.Key}, &other},
			"nobody":                  {named("nobody"), nil},
			"nothing":                 {named(""), nil},
			"no login":                {named("\x00no\nlogin"), nil},
			"of another case":         {named("U" + r.Account.Username.Key[1:]), nil},
		} {
			for _, db := range servers {
				c, err := db.Passwords().Credential(t.Context(), tt.login)
				if tt.want == nil {
					if !errors.Is(err, registration.ErrNotFound) || c != (registration.Credential{}) {
						t.Errorf("%s: got %+v, %v", name, c, err)
					}
					continue
				}
				a := tt.want.Account
				if want := (registration.Credential{AccountID: a.ID, Status: a.Status, PasswordHash: a.PasswordHash}); err != nil || c != want {
					t.Errorf("%s: got %+v, %v, want %+v", name, c, err, want)
				}
			}
		}
	})
}

// TestRehash puts a hash in the place of the one that was read, and of no other.
func TestRehash(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		servers := []*store.DB{open(t, o), open(t, o)}
		r, other := create(t, servers[0], person()), create(t, servers[0], person())
		hash := func(r registration.Registration) string {
			t.Helper()
			c, err := servers[1].Passwords().Credential(t.Context(), registration.Login{Username: r.Account.Username.Key})
			if err != nil {
				t.Fatal(err)
			}
			return c.PasswordHash
		}
		rehash := func(db *store.DB, old, hash string) {
			t.Helper()
			if err := db.Passwords().Rehash(t.Context(), r.Account.ID, old, hash); err != nil {
				t.Error(err)
			}
		}
		rehash(servers[0], "$another$", "new")
		if got := hash(r); got != r.Account.PasswordHash {
			t.Errorf("in the place of another one: %s", got)
		}
		rehash(servers[0], r.Account.PasswordHash, "first")
		rehash(servers[1], r.Account.PasswordHash, "second")
		if got := hash(r); got != "first" {
			t.Errorf("the later one of two: %s", got)
		}
		var wg sync.WaitGroup
		for n := range 10 {
			wg.Go(func() { rehash(servers[n%2], "first", fmt.Sprint("at once ", n)) })
		}
		wg.Wait()
		if got := hash(r); got == "first" {
			t.Error("none of many at once")
		}
		if got := hash(other); got != other.Account.PasswordHash {
			t.Errorf("somebody else has %s", got)
		}
		if err := servers[0].Passwords().Rehash(t.Context(), newID(), "old", "new"); err != nil {
			t.Errorf("of nobody: %v", err)
		}
	})
}

func TestEachHash(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		counts := func() map[string]int {
			t.Helper()
			found := map[string]int{}
			if err := db.Passwords().EachHashBy(t.Context(), 3, func(hash string) { found[hash]++ }); err != nil {
				t.Fatal(err)
			}
			return found
		}
		if found := counts(); len(found) != 0 {
			t.Errorf("of nobody: %v", found)
		}
		if at, err := db.Passwords().Imported(t.Context()); err != nil || !at.IsZero() {
			t.Errorf("nothing was imported at %v, %v", at, err)
		}
		for n := range 9 {
			create(t, db, person(func(r *registration.Registration) {
				r.Account.PasswordHash = []string{"a", "b", ""}[n%3]
			}))
			want := map[string]int{"a": n/3 + 1, "b": (n + 2) / 3}
			if found := counts(); found["a"] != want["a"] || found["b"] != want["b"] || found[""] != 0 {
				t.Errorf("of %d: %v", n+1, found)
			}
		}
	})
}
