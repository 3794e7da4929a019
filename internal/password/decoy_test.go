package password_test

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"registrar/internal/password"
)

var (
	secret = []byte("thirty-two octets, as of a key..")
	cheap  = password.Argon2id{MemoryKiB: 64, Passes: 1}.Class()
	// census is that of a store in the middle of a migration.
	census = password.Census{
		{Format: "bcrypt", Cost: "10"}:              6000,
		{Format: "phpass", Cost: "13"}:              2500,
		{Format: "wordpress-bcrypt", Cost: "4"}:     200,
		{Format: "argon2id", Cost: "m=64,t=1,p=1"}:  1000,
		{Format: "pbkdf2-sha256", Cost: "1212"}:     300,
		{Format: "scrypt", Cost: "ln=4,r=8,p=1"}:    100,
		{Format: "sha512-crypt", Cost: "5000"}:      60,
		{Format: "md5"}:                             30,
		{Format: "md5-crypt"}:                       10,
		{Format: "argon2i", Cost: "m=256,t=2,p=2"}:  0, // gone
		{Format: "sha256-crypt", Cost: "not there"}: 0,
	}
)

func newDecoys(t testing.TB, secret []byte, census password.Census) *password.Decoys {
	t.Helper()
	d, err := password.NewDecoys(secret, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Recount(census); err != nil {
		t.Fatal(err)
	}
	return d
}

func login(i int) string { return fmt.Sprintf("person%d@example.com", i) }

func classOf(t testing.TB, hash string) password.Class {
	t.Helper()
	class, err := password.Classify(hash)
	if err != nil {
		t.Fatalf("%s: %v", hash, err)
	}
	return class
}

// TestDecoysAreALoginsOwn: the same at each server and after each start, another
// one for every login and under another secret.
func TestDecoysAreALoginsOwn(t *testing.T) {
	t.Parallel()
	here, there, foreign := newDecoys(t, secret, census), newDecoys(t, secret, census), newDecoys(t, []byte("another secret"), census)
	seen, tried := map[string]bool{}, map[password.Class]bool{}
	for i := range 500 {
		hash := here.For(login(i))
		if there.For(login(i)) != hash || here.For(login(i)) != hash {
			t.Fatalf("%s has two", login(i))
		}
		if seen[hash] || foreign.For(login(i)) == hash {
			t.Fatalf("%s has another's", login(i))
		}
		seen[hash] = true
		if err := password.Importable(hash); err != nil {
			t.Fatalf("%s: %v", hash, err)
		}
		if class := classOf(t, hash); !tried[class] {
			tried[class] = true
			if same, err := password.Verify(hash, login(i)); same || err != nil {
				t.Fatalf("%s: %v, %v", hash, same, err)
			}
		}
	}
}

// TestDecoysAreDistributedAsTheCensus: within five standard deviations.
func TestDecoysAreDistributedAsTheCensus(t *testing.T) {
	t.Parallel()
	d := newDecoys(t, secret, census)
	const logins, accounts = 20_000, 10_000
	got := map[password.Class]int{}
	for i := range logins {
		got[classOf(t, d.For(login(i)))]++
	}
	for class, count := range census {
		share := float64(count) / accounts
		want, deviation := share*logins, math.Sqrt(logins*share*(1-share))
		if math.Abs(float64(got[class])-want) > 5*deviation {
			t.Errorf("%s: %d, want %.0f ± %.0f", class, got[class], want, 5*deviation)
		}
	}
	if len(got) != len(census)-2 {
		t.Errorf("%d classes: %v", len(got), got)
	}
}

// TestDecoysMoveAsAccountsDo: where a tenth of all accounts has a new hash after
// a login, a tenth of the decoys is of its class now, and no other is another one.
func TestDecoysMoveAsAccountsDo(t *testing.T) {
	t.Parallel()
	bcrypt, argon := password.Class{Format: "bcrypt", Cost: "10"}, cheap
	d := newDecoys(t, secret, password.Census{bcrypt: 6000, argon: 4000})
	const logins = 10_000
	before := make([]string, logins)
	for i := range before {
		before[i] = d.For(login(i))
	}
	if err := d.Recount(password.Census{bcrypt: 5000, argon: 5000}); err != nil {
		t.Fatal(err)
	}
	moved := 0
	for i, hash := range before {
		now := d.For(login(i))
		if now == hash {
			continue
		}
		if moved++; classOf(t, hash) != bcrypt || classOf(t, now) != argon {
			t.Fatalf("%s: %s, then %s", login(i), hash, now)
		}
	}
	if math.Abs(float64(moved)-logins/10) > 5*30 {
		t.Errorf("%d of %d moved", moved, logins)
	}
}

func TestDecoysWithoutACensus(t *testing.T) {
	t.Parallel()
	d := newDecoys(t, secret, nil)
	hash := d.For("nobody")
	if class := classOf(t, hash); class != cheap {
		t.Errorf("%s", class)
	}
	for name, bad := range map[string]password.Census{
		"no such format":  {{Format: "rot13"}: 1},
		"no such cost":    {{Format: "bcrypt", Cost: "31"}: 1},
		"another's cost":  {{Format: "argon2id", Cost: "10"}: 1},
		"not its writing": {{Format: "bcrypt", Cost: "010"}: 1},
		"one of two":      {{Format: "bcrypt", Cost: "10"}: 5, {Format: "md5", Cost: "1"}: 1},
	} {
		if err := d.Recount(bad); !errors.Is(err, password.ErrHash) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Recount(password.Census{{Format: "bcrypt", Cost: "10"}: 0}); err != nil {
		t.Error(err)
	}
	if d.For("nobody") != hash {
		t.Error("a census that is none changed something")
	}
	if _, err := password.NewDecoys(secret, password.Class{}); !errors.Is(err, password.ErrHash) {
		t.Errorf("of no class: %v", err)
	}
}

// TestDecoysOfManyClasses: an import that has a cost of its own for everybody
// does not make each login slow; the most frequent classes stay.
func TestDecoysOfManyClasses(t *testing.T) {
	t.Parallel()
	many := password.Census{{Format: "bcrypt", Cost: "10"}: 50}
	for i := range 500 {
		many[password.Class{Format: "pbkdf2-sha1", Cost: fmt.Sprint(1000 + i)}] = 1
	}
	d, again := newDecoys(t, secret, many), newDecoys(t, secret, many)
	classes := map[password.Class]bool{}
	for i := range 2000 {
		hash := d.For(login(i))
		if i < 20 && again.For(login(i)) != hash {
			t.Fatal("two servers differ")
		}
		classes[classOf(t, hash)] = true
	}
	if len(classes) > password.MaxDecoyClasses || len(classes) < password.MaxDecoyClasses-3 || !classes[password.Class{Format: "bcrypt", Cost: "10"}] {
		t.Errorf("%d classes", len(classes))
	}
}

func TestDecoysWhileTheyAreRecounted(t *testing.T) {
	t.Parallel()
	d := newDecoys(t, secret, census)
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for i := range 200 {
				if err := password.Importable(d.For(login(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 50 {
		if err := d.Recount(password.Census{cheap: i + 1, {Format: "md5"}: 50}); err != nil {
			t.Error(err)
		}
	}
	askers.Wait()
}

func BenchmarkDecoy(b *testing.B) {
	d := newDecoys(b, secret, census)
	for b.Loop() {
		d.For("nobody@example.com")
	}
}
