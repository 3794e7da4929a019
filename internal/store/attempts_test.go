package store_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/registration"
	"registrar/internal/store"
)

var (
	noon  = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	rules = registration.AttemptRules{
		Login:      registration.Allowance{Burst: 3, Every: 30 * time.Second},
		Origin:     registration.Allowance{Burst: 2, Every: 10 * time.Second},
		Caller:     registration.Allowance{Burst: 5, Every: time.Second},
		OriginLife: time.Hour,
	}
)

// try is one of a login by a caller, from an origin or from "".
func try(caller, login, origin string, at time.Time) registration.Attempt {
	a := registration.Attempt{ID: newID(), At: at, Rules: rules, Login: sha256.Sum256([]byte("login " + login)), Caller: sha256.Sum256([]byte("caller " + caller))}
	if origin != "" {
		a.Origin = sha256.Sum256([]byte("origin " + caller + login + origin))
	}
	return a
}

// waits takes a try; -1 is an error.
func waits(t *testing.T, db *store.DB, a registration.Attempt) (known bool, wait time.Duration) {
	t.Helper()
	known, err := db.Attempts().Take(t.Context(), a)
	if err == nil {
		return known, 0
	}
	if e, ok := errors.AsType[*registration.Error](err); ok && e.Code == registration.RateLimited {
		return known, e.RetryAfter
	}
	t.Error(err)
	return known, -1
}

func give(t *testing.T, db *store.DB, a registration.Attempt, known, succeeded bool) {
	t.Helper()
	if err := db.Attempts().GiveBack(t.Context(), a, known, succeeded); err != nil {
		t.Error(err)
	}
}

// TestTake: what is given, step by step, after how long.
func TestTake(t *testing.T) {
	const s = time.Second
	type step struct {
		at                    time.Duration // since noon
		caller, login, origin string
		right                 bool // the try is given back, and its origin known
		known                 bool
		wait                  time.Duration
	}
	cases := map[string][]step{
		"the burst, then one by one": {
			{0, "a", "x", "", false, false, 0}, {0, "a", "x", "", false, false, 0}, {s, "a", "x", "", false, false, 0},
			{s, "a", "x", "", false, false, 29 * s}, {30*s - 1000, "a", "x", "", false, false, 1000}, {30 * s, "a", "x", "", false, false, 0},
			{30 * s, "a", "x", "", false, false, 30 * s}, {200 * s, "a", "x", "", false, false, 0},
		},
		"a right one is given back": {
			{0, "b", "x2", "", true, false, 0}, {0, "b", "x2", "", true, false, 0}, {0, "b", "x2", "", true, false, 0}, {0, "b", "x2", "", true, false, 0},
			{0, "b", "x2", "", false, false, 0}, {0, "b", "x2", "", true, false, 0}, {0, "b", "x2", "", false, false, 0}, {0, "b", "x2", "", false, false, 0},
			{0, "b", "x2", "", true, false, 30 * s},
		},
		"all callers try one login": {
			{0, "c", "x3", "", false, false, 0}, {0, "d", "x3", "", false, false, 0}, {0, "e", "x3", "", false, false, 0}, {0, "f", "x3", "", false, false, 30 * s},
		},
		"a caller tries all logins": {
			{0, "g", "1", "", false, false, 0}, {0, "g", "2", "", false, false, 0}, {0, "g", "3", "", false, false, 0}, {0, "g", "4", "", false, false, 0}, {0, "g", "5", "", false, false, 0},
			{0, "g", "6", "", false, false, s}, {s, "g", "6", "", false, false, 0}, {s, "g", "7", "", false, false, s}, {s, "h", "7", "", false, false, 0},
		},
		"the longer wait is told, and nothing is taken": {
			{0, "i", "x4", "", false, false, 0}, {0, "i", "x4", "", false, false, 0}, {0, "i", "x4", "", false, false, 0}, {0, "i", "x4", "", false, false, 30 * s}, {0, "i", "x4", "", false, false, 30 * s},
			{0, "i", "y4", "", false, false, 0}, {0, "i", "y4", "", false, false, 0}, {0, "i", "y4", "", false, false, s}, {s, "i", "y4", "", false, false, 0},
		},
		"an origin is known after a right password": {
			{0, "k", "x5", "phone", false, false, 0}, {0, "k", "x5", "phone", true, false, 0}, {0, "k", "x5", "phone", false, true, 0},
			{0, "k", "x5", "tablet", false, false, 0}, {0, "k", "x5", "", false, false, 0}, {0, "k", "x5", "tablet", false, false, 30 * s},
			{0, "k", "x5", "phone", true, true, 0}, {0, "k", "x5", "phone", false, true, 0}, {0, "k", "x5", "phone", false, true, 10 * s}, {10 * s, "k", "x5", "phone", false, true, 0},
			{10 * s, "l", "x5", "phone", false, false, 20 * s}, {3599 * s, "k", "x5", "phone", false, true, 0}, {3600 * s, "k", "x5", "phone", false, false, 0},
		},
		"each right password makes it longer": {
			{0, "m", "x6", "phone", true, false, 0}, {3000 * s, "m", "x6", "phone", true, true, 0}, {6599 * s, "m", "x6", "phone", false, true, 0}, {6600 * s, "m", "x6", "phone", false, false, 0},
		},
		"a clock that was wrong by hours": {
			{5 * 3600 * s, "n", "x7", "", false, false, 0}, {0, "n", "x7", "", false, false, 30 * s}, {30 * s, "n", "x7", "", false, false, 0},
		},
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, steps := range cases {
			for n, s := range steps {
				a := try(s.caller, s.login, s.origin, noon.Add(s.at))
				known, wait := waits(t, db, a)
				if known != s.known || wait != s.wait {
					t.Errorf("%s, step %d: known %t, wait %v, want %t, %v", name, n+1, known, wait, s.known, s.wait)
				}
				if s.right && wait == 0 {
					give(t, db, a, known, true)
				}
			}
		}
	})
}

// TestTakeWithoutLimitOfCallers takes nothing of it.
func TestTakeWithoutLimitOfCallers(t *testing.T) {
	o := backends[0].new(t)
	migrate(t, o)
	db := open(t, o)
	for n := range 100 {
		a := try("a", fmt.Sprint(n), "", noon)
		a.Rules.Caller = registration.Allowance{}
		if _, wait := waits(t, db, a); wait != 0 {
			t.Errorf("login %d: wait %v", n, wait)
		}
		if n%2 == 0 {
			give(t, db, a, false, true)
		}
	}
}

// TestTakeTogether: of many tries at once at two servers, with right ones among
// them, as many are taken as there are, neither more nor less.
func TestTakeTogether(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		handles := []*store.DB{open(t, o), open(t, o)}
		a := try("erp", "known", "phone", noon)
		if _, err := handles[0].Attempts().Take(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		give(t, handles[0], a, false, true)
		const burst = 20
		for name, tt := range map[string]struct {
			of   func(n int) registration.Attempt
			want int64
		}{
			"one login":        {func(int) registration.Attempt { return try("erp", "one", "", noon) }, burst},
			"a known origin":   {func(int) registration.Attempt { return try("erp", "known", "phone", noon) }, burst},
			"many logins":      {func(n int) registration.Attempt { return try("spray", fmt.Sprint("of many ", n), "", noon) }, burst},
			"origins made up":  {func(n int) registration.Attempt { return try("erp2", "two", fmt.Sprint("device ", n), noon) }, burst},
			"callers together": {func(n int) registration.Attempt { return try(fmt.Sprint("caller ", n%2), "three", "", noon) }, burst},
		} {
			var taken, right atomic.Int64
			var wg sync.WaitGroup
			for server, db := range handles {
				for worker := range 6 {
					wg.Go(func() {
						for n := range 8 {
							a := tt.of(server*100 + worker*10 + n)
							a.Rules.Login.Burst, a.Rules.Origin.Burst, a.Rules.Caller.Burst = burst, burst, burst
							known, err := db.Attempts().Take(t.Context(), a)
							switch {
							case err != nil:
								if !errors.Is(err, &registration.Error{Code: registration.RateLimited}) {
									t.Error(err)
								}
							case worker == 0: // it was right
								give(t, db, a, known, false)
								right.Add(1)
							default:
								taken.Add(1)
							}
						}
					})
				}
			}
			wg.Wait()
			for range 2 * burst { // what was given back while others were refused
				a := tt.of(1000 + rand.IntN(1000))
				a.Rules.Login.Burst, a.Rules.Origin.Burst, a.Rules.Caller.Burst = burst, burst, burst
				if _, err := handles[1].Attempts().Take(t.Context(), a); err == nil {
					taken.Add(1)
				}
			}
			if got := taken.Load(); got != tt.want {
				t.Errorf("%s: %d were taken, want %d; %d were right", name, got, tt.want, right.Load())
			}
		}
	})
}

// TestTakeAgain: a call that is made again, at another server or at the same time, takes once.
func TestTakeAgain(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		handles := []*store.DB{open(t, o), open(t, o)}
		for n := range 3 {
			a := try("a", "x", "", noon)
			var wg sync.WaitGroup
			for range 3 {
				for _, db := range handles {
					wg.Go(func() {
						if known, wait := waits(t, db, a); known || wait != 0 {
							t.Errorf("known %t, wait %v", known, wait)
						}
					})
				}
			}
			wg.Wait()
			if n == 2 { // the last one: nothing is left, but for the same call
				if _, wait := waits(t, handles[1], try("a", "x", "", noon)); wait != 30*time.Second {
					t.Errorf("wait %v", wait)
				}
				if _, wait := waits(t, handles[1], a); wait != 0 {
					t.Errorf("the same call: wait %v", wait)
				}
				give(t, handles[1], a, false, false)
				give(t, handles[0], a, false, false)
			}
		}
		if _, wait := waits(t, handles[0], try("a", "x", "", noon)); wait != 0 {
			t.Errorf("after one was given back: wait %v", wait)
		}
		if _, wait := waits(t, handles[0], try("a", "x", "", noon)); wait != 30*time.Second {
			t.Errorf("it was given back more than once: wait %v", wait)
		}
		// What it was taken of does not change with what becomes known meanwhile.
		before, right := try("a", "y", "phone", noon), try("a", "y", "phone", noon)
		if known, _ := waits(t, handles[0], before); known {
			t.Error("known too early")
		}
		waits(t, handles[0], right)
		give(t, handles[0], right, false, true)
		if known, _ := waits(t, handles[1], before); known {
			t.Error("taken of another allowance than at first")
		}
	})
}

// TestTakeByChance: over any span no more wrong passwords are tried than the
// burst and the time allow, whatever right ones come in between, but for what
// one verification lets time run on; when a refusal is over there is a try.
func TestTakeByChance(t *testing.T) {
	o := backends[0].new(t)
	migrate(t, o)
	db := open(t, o)
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 1))
		rule := registration.Allowance{Burst: 1 + random.IntN(6), Every: time.Duration(1+random.IntN(2000)) * time.Millisecond}
		another := func(at time.Time) registration.Attempt {
			a := try("a", fmt.Sprint(seed), "", at)
			a.Rules.Login, a.Rules.Caller = rule, registration.Allowance{}
			return a
		}
		longest := rule.Every / 2
		var wrong []time.Time
		var right []registration.Attempt
		at := noon
		for range 80 {
			a := another(at)
			_, wait := waits(t, db, a)
			switch {
			case wait > 0:
				if _, early := waits(t, db, another(at.Add(wait-time.Microsecond))); early == 0 {
					t.Fatalf("seed %d: a try before %v", seed, wait)
				}
				at = at.Add(wait)
				if _, still := waits(t, db, another(at)); still != 0 {
					t.Fatalf("seed %d: no try in time, but after %v", seed, still)
				}
				wrong = append(wrong, at)
			case random.IntN(3) == 0:
				right = append(right, a)
			default:
				wrong = append(wrong, at)
			}
			at = at.Add(time.Duration(random.Int64N(int64(longest))))
			for len(right) > 0 && at.Sub(right[0].At) > longest/2 {
				give(t, db, right[0], false, false)
				right = right[1:]
			}
		}
		for i := range wrong {
			for j := i; j < len(wrong); j++ {
				span := wrong[j].Sub(wrong[i]) + longest
				if tried, allowed := j-i+1, float64(rule.Burst)+float64(span)/float64(rule.Every); float64(tried) > allowed {
					t.Fatalf("seed %d: %d in %v under %+v", seed, tried, span, rule)
				}
			}
		}
	}
}

// TestTakeUnknownOutcome: a lost answer to COMMIT costs no second try, and gives
// none back twice.
func TestTakeUnknownOutcome(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	for _, committed := range []bool{true, false} {
		lost := fault{run: committed, sever: true, err: mysql.ErrInvalidConn}
		login := fmt.Sprint(committed)
		var last registration.Attempt
		for n := range rules.Login.Burst {
			last = try("a", login, "phone", noon)
			i.set(once("COMMIT", 1, lost))
			if _, wait := waits(t, db, last); wait != 0 {
				t.Errorf("committed: %t: try %d: wait %v", committed, n+1, wait)
			}
		}
		i.set(once("COMMIT", 1, lost))
		give(t, db, last, false, true)
		i.set(nil)
		if _, wait := waits(t, db, try("b", login, "", noon)); wait != 0 {
			t.Errorf("committed: %t: nothing was given back: wait %v", committed, wait)
		}
		if _, wait := waits(t, db, try("b", login, "", noon)); wait != 30*time.Second {
			t.Errorf("committed: %t: wait %v", committed, wait)
		}
		if known, wait := waits(t, db, try("a", login, "phone", noon)); !known || wait != 0 {
			t.Errorf("committed: %t: known %t, wait %v", committed, known, wait)
		}
	}
	i.set(func(statement string) *fault {
		if statement == "COMMIT" {
			return &fault{err: serverError(1213)}
		}
		return nil
	})
	ctx, cancel := contextWithin(t, 100*time.Millisecond)
	defer cancel()
	if _, err := db.Attempts().Take(ctx, try("a", "z", "", noon)); !errors.Is(err, registration.ErrUnavailable) {
		t.Error(err)
	}
}

// TestForgetAttempts: what says nothing any more goes, and the rest stays.
func TestForgetAttempts(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for n := range 600 { // more than are deleted at a time
			a := try("many", fmt.Sprint(n), "", noon)
			a.Rules.Caller.Burst = 0
			waits(t, db, a)
		}
		a := try("a", "x", "phone", noon)
		waits(t, db, a)
		give(t, db, a, false, true)
		count := func() (allowances, attempts int) {
			t.Helper()
			if err := db.Raw().GetContext(t.Context(), &allowances, `SELECT COUNT(*) FROM password_allowances`); err != nil {
				t.Fatal(err)
			}
			if err := db.Raw().GetContext(t.Context(), &attempts, `SELECT COUNT(*) FROM password_attempts`); err != nil {
				t.Fatal(err)
			}
			return allowances, attempts
		}
		for _, tt := range []struct {
			after                time.Duration
			allowances, attempts int
		}{
			{time.Minute, 603, 600}, {2 * time.Minute, 1, 600}, {12 * time.Minute, 1, 0}, {time.Hour + time.Minute, 1, 0}, {time.Hour + 2*time.Minute, 0, 0},
		} {
			for range 2 {
				if err := db.Attempts().Forget(t.Context(), noon.Add(tt.after)); err != nil {
					t.Fatal(err)
				}
			}
			if allowances, attempts := count(); allowances != tt.allowances || attempts != tt.attempts {
				t.Errorf("after %v there are %d allowances and %d attempts, want %d and %d", tt.after, allowances, attempts, tt.allowances, tt.attempts)
			}
		}
		if known, wait := waits(t, db, try("a", "x", "phone", noon.Add(2*time.Hour))); known || wait != 0 {
			t.Errorf("known %t, wait %v", known, wait)
		}
	})
}
