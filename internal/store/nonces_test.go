package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func contextWithin(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

func nonces(t *testing.T, db *store.DB) int {
	t.Helper()
	var n int
	if err := db.Raw().GetContext(t.Context(), &n, "SELECT COUNT(*) FROM caller_nonces"); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNonces(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, ctx, t0 := open(t, o), t.Context(), now()
		nonce := random()
		spend := func(name string, nonce [32]byte, expires time.Time, want error) {
			t.Helper()
			if err := db.Nonces().Spend(ctx, registration.ID{}, name, nonce, expires); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		spend("erp", nonce, t0.Add(time.Minute), nil)
		spend("erp", nonce, t0.Add(time.Hour), caller.ErrReplayed)
		spend("portal", nonce, t0.Add(time.Minute), nil) // nonces are a caller's own
		spend("erp", random(), t0.Add(2*time.Minute), nil)

		forget := func(now time.Time, left int) {
			t.Helper()
			if err := db.Nonces().Forget(ctx, now); err != nil {
				t.Fatal(err)
			}
			if n := nonces(t, db); n != left {
				t.Errorf("%d are left, want %d", n, left)
			}
		}
		forget(t0.Add(time.Minute), 3) // what expires now is not over
		spend("erp", nonce, t0.Add(time.Hour), caller.ErrReplayed)
		forget(t0.Add(time.Minute+time.Microsecond), 1)
		spend("erp", nonce, t0.Add(time.Minute), nil)
		forget(t0.Add(time.Hour), 0)
	})
}

// TestForgetInBatches: more than one transaction's worth, of several callers
// and with the same end, from two handles at once, while others are spent.
func TestForgetInBatches(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		i := &injector{}
		handles := []*store.DB{open(t, i.through(o)), open(t, i.through(o))}
		t0 := now()
		const expired, live = 1200, 40
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for n := range expired / 8 {
					if err := handles[w%2].Nonces().Spend(t.Context(), registration.ID{}, fmt.Sprintf("caller-%d", n%3), random(), t0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		i.set(nil)
		for _, db := range handles {
			wg.Go(func() {
				if err := db.Nonces().Forget(t.Context(), t0.Add(time.Second)); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				for range live / 2 {
					if err := db.Nonces().Spend(t.Context(), registration.ID{}, "erp", random(), t0.Add(time.Minute)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := nonces(t, handles[0]); n != live {
			t.Errorf("%d are left, want %d", n, live)
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		for _, statement := range i.seen {
			if n := strings.Count(statement, "?"); n > 502 {
				t.Errorf("a statement with %d values: %.60s", n, statement)
			}
		}
	})
}

// TestForgottenAndSpentAgain: what another server has forgotten, and a caller
// then used again, is not forgotten for what it was before.
func TestForgottenAndSpentAgain(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		i := &injector{}
		db, other, t0 := open(t, i.through(o)), open(t, o), now()
		nonce := random()
		if err := db.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, t0); err != nil {
			t.Fatal(err)
		}
		var between error
		meanwhile := &fault{run: true, before: func() {
			between = errors.Join(other.Nonces().Forget(t.Context(), t0.Add(time.Second)), other.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, t0.Add(time.Hour)))
		}}
		i.set(func(statement string) *fault {
			if f := meanwhile; statement == "START TRANSACTION" || statement == "BEGIN IMMEDIATE" {
				meanwhile = nil
				return f
			}
			return nil
		})
		if err := db.Nonces().Forget(t.Context(), t0.Add(time.Second)); err != nil || between != nil {
			t.Fatal(err, between)
		}
		if err := db.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, t0.Add(time.Hour)); !errors.Is(err, caller.ErrReplayed) || meanwhile != nil {
			t.Errorf("got %v", err)
		}
	})
}

// TestOneSpendWins: of many that spend one nonce at once, at two servers, one
// is told that it was the first.
func TestOneSpendWins(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		handles := []*store.DB{open(t, o), open(t, o)}
		for range 20 {
			nonce, first := random(), atomic.Int32{}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					switch err := handles[i%2].Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, now().Add(time.Minute)); {
					case err == nil:
						first.Add(1)
					case !errors.Is(err, caller.ErrReplayed):
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if n := first.Load(); n != 1 {
				t.Errorf("%d were the first", n)
			}
		}
	})
}

// TestSpendUnknownOutcome: after a lost answer to COMMIT a good message is not
// refused for its own nonce, and a replay in between does not pass.
func TestSpendUnknownOutcome(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db, other := open(t, i.through(o)), open(t, o)
	for name, answer := range map[string]error{"1047": serverError(1047), "1180": serverError(1180), "invalid connection": mysql.ErrInvalidConn, "end of file": io.ErrUnexpectedEOF} {
		for _, committed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, committed: %t", name, committed), func(t *testing.T) {
				lost := fault{run: committed, sever: true, err: answer}
				nonce := random()
				i.set(once("COMMIT", 1, lost))
				if err := db.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, now().Add(time.Minute)); err != nil {
					t.Errorf("its own: %v", err)
				}
				for _, h := range []*store.DB{db, other} {
					if err := h.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, now().Add(time.Minute)); !errors.Is(err, caller.ErrReplayed) {
						t.Errorf("a replay: %v", err)
					}
				}
				// Another one spends it between the attempt and its repetition.
				nonce = random()
				var between error
				first := once("COMMIT", 1, lost)
				again := once("START TRANSACTION", 2, fault{run: true, before: func() {
					between = other.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, now().Add(time.Minute))
				}})
				i.set(func(statement string) *fault {
					if f := first(statement); f != nil {
						return f
					}
					return again(statement)
				})
				err := db.Nonces().Spend(t.Context(), registration.ID{}, "erp", nonce, now().Add(time.Minute))
				i.set(nil)
				winner, loser := err, between
				if !committed {
					winner, loser = between, err
				}
				if winner != nil || !errors.Is(loser, caller.ErrReplayed) {
					t.Errorf("itself: %v; the other: %v", err, between)
				}
			})
		}
	}
}
