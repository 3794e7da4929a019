package registration_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/attempt"
	"registrar/internal/password"
	"registrar/internal/registration"
)

// login is what VerifyPassword works with here: the accounts of a memory, and
// counts that keep registration.Attempts' promises in maps.
type login struct {
	*memory
	mu      sync.Mutex
	taken   map[registration.ID]bool // whether of a known origin's allowance
	tries   map[[32]byte][]time.Time // wrong ones, and those that nobody has told the end of
	origins map[[32]byte]time.Time   // known until
	failing map[string]error         // by operation
	asked   []string
	hashes  []string // that were verified
	untold  []error
	counted map[registration.PasswordOutcome]int
	hasher  registration.Hasher
}

func (l *login) ask(operation string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, operation)
	return l.failing[operation]
}

func (l *login) Credential(_ context.Context, named registration.Login) (registration.Credential, error) {
	if err := l.ask("credential"); err != nil {
		return registration.Credential{}, err
	}
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	for _, r := range l.accounts {
		if a := r.Account; a.Username.Key == named.Username || a.Email.Key == named.Email {
			return registration.Credential{AccountID: a.ID, Status: a.Status, PasswordHash: a.PasswordHash}, nil
		}
	}
	return registration.Credential{}, registration.ErrNotFound
}

func (l *login) Rehash(_ context.Context, id registration.ID, old, hash string) error {
	if err := l.ask("rehash"); err != nil {
		return err
	}
	l.setHash(func(a registration.Account) bool { return a.ID == id && a.PasswordHash == old }, hash)
	return nil
}

func (l *login) setHash(of func(registration.Account) bool, hash string) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	for i := range l.accounts {
		if of(l.accounts[i].Account) {
			l.accounts[i].Account.PasswordHash = hash
		}
	}
}

func (l *login) hash() string {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	return l.accounts[0].Account.PasswordHash
}

func (l *login) Take(_ context.Context, a registration.Attempt) (bool, error) {
	if err := l.ask("take"); err != nil {
		return false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, before := l.taken[a.ID]; before {
		return known, nil
	}
	known := a.HasOrigin() && l.origins[a.Origin].After(a.At)
	of := map[[32]byte]registration.Allowance{a.Login: a.Rules.Login, a.Caller: a.Rules.Caller}
	if known {
		of = map[[32]byte]registration.Allowance{a.Origin: a.Rules.Origin}
	}
	for key, allowance := range of {
		left := slices.DeleteFunc(slices.Clone(l.tries[key]), func(at time.Time) bool {
			return a.At.Sub(at) >= time.Duration(allowance.Burst)*allowance.Every
		})
		if allowance.Burst > 0 && len(left) >= allowance.Burst {
			return known, registration.TooManyPasswords(allowance.Every)
		}
	}
	for key := range of {
		l.tries[key] = append(l.tries[key], a.At)
	}
	l.taken[a.ID] = known
	return known, nil
}

func (l *login) GiveBack(_ context.Context, a registration.Attempt, known, succeeded bool) error {
	if err := l.ask("give back"); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if was, there := l.taken[a.ID]; !there || was != known {
		return nil
	}
	delete(l.taken, a.ID)
	of := [][32]byte{a.Login, a.Caller}
	if known {
		of = [][32]byte{a.Origin}
	}
	for _, key := range of {
		l.tries[key] = l.tries[key][:len(l.tries[key])-1]
	}
	if succeeded && a.HasOrigin() {
		l.origins[a.Origin] = a.At.Add(a.Rules.OriginLife)
	}
	return nil
}

// Hash implements registration.Hasher.
func (l *login) Hash(ctx context.Context, text string) (string, error) {
	if err := l.ask("hash"); err != nil {
		return "", err
	}
	return l.hasher.Hash(ctx, text)
}

// Verify implements registration.Hasher.
func (l *login) Verify(ctx context.Context, hash, text string) (bool, error) {
	if err := l.ask("verify"); err != nil {
		return false, err
	}
	l.mu.Lock()
	l.hashes = append(l.hashes, hash)
	l.mu.Unlock()
	return l.hasher.Verify(ctx, hash, text)
}

// steps are what was asked since they were asked for last.
func (l *login) steps() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := l.asked
	l.asked, l.hashes = nil, nil
	return asked
}

// cheap is the hash of today here.
var cheap = password.Argon2id{MemoryKiB: 64, Passes: 1}

// decoysAre all of one class.
type decoysAre string

func (d decoysAre) For(string) string { return string(d) }

const aDecoy = decoysAre("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG4KCmUaYUGAs")

var attemptRules = registration.AttemptRules{
	Login:      registration.Allowance{Burst: 4, Every: 30 * time.Second},
	Origin:     registration.Allowance{Burst: 3, Every: 30 * time.Second},
	Caller:     registration.Allowance{Burst: 50, Every: time.Second},
	OriginLife: 24 * time.Hour,
}

// loginService is a service with amina in it, whose password is rightPassword.
func loginService(t *testing.T) (*registration.Service, *login) {
	t.Helper()
	s, store, _ := service(t)
	keys, err := attempt.NewKeys(make([]byte, attempt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	l := &login{
		memory: store, taken: map[registration.ID]bool{}, tries: map[[32]byte][]time.Time{}, origins: map[[32]byte]time.Time{},
		failing: map[string]error{}, counted: map[registration.PasswordOutcome]int{}, hasher: s.Hasher,
	}
	if _, err := s.Register(t.Context(), registration.Request{Username: "Amina", Email: "Amina@Example.com", Password: rightPassword}); err != nil {
		t.Fatal(err)
	}
	s.Hasher, s.Credentials, s.Attempts, s.Decoys, s.AttemptKeys, s.AttemptRules = l, l, l, aDecoy, keys, attemptRules
	s.Outdated = func(hash string) bool { return password.Outdated(hash, cheap) }
	s.Unsettled = func(_ context.Context, err error) { l.untold = append(l.untold, err) }
	s.PasswordTried = func(o registration.PasswordOutcome) { l.counted[o]++ }
	return s, l
}

const rightPassword = "velvet-anchor-tuesday"
