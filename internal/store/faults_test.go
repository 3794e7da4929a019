package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func serverError(number uint16) error {
	return &mysql.MySQLError{Number: number, SQLState: [5]byte{'H', 'Y', '0', '0', '0'}, Message: "of someone@example.org"}
}

// whole says whether r is there with all that belongs to it; half of one fails
// the test.
func whole(t *testing.T, db *store.DB, r registration.Registration) bool {
	t.Helper()
	counts := map[string]string{
		"accounts":      "SELECT COUNT(*) FROM accounts WHERE id = ?",
		"profiles":      "SELECT COUNT(*) FROM profiles WHERE account_id = ?",
		"idempotency":   "SELECT COUNT(*) FROM idempotency WHERE account_id = ?",
		"notifications": "SELECT COUNT(*) FROM notifications WHERE account_id = ?",
		"outbox":        "SELECT COUNT(*) FROM outbox WHERE notification_id IN (SELECT id FROM notifications WHERE account_id = ?)",
	}
	got := make(map[string]int)
	for table, query := range counts {
		var n int
		if err := db.Raw().GetContext(t.Context(), &n, query, r.Account.ID[:]); err != nil {
			t.Fatal(err)
		}
		got[table] = n
	}
	all := map[string]int{"accounts": 1, "profiles": 1, "idempotency": 1, "notifications": len(r.Notifications), "outbox": len(r.Notifications)}
	none := map[string]int{"accounts": 0, "profiles": 0, "idempotency": 0, "notifications": 0, "outbox": 0}
	switch {
	case reflect.DeepEqual(got, all):
		return true
	case !reflect.DeepEqual(got, none):
		t.Errorf("half of %s is there: %v", r.Account.ID, got)
	}
	return false
}

var createStatements = []string{"INSERT INTO idempotency", "INSERT INTO accounts", "INSERT INTO profiles", "INSERT INTO notifications", "INSERT INTO outbox", "COMMIT"}

// TestAllOrNothing: a fault that nobody knows, at any statement, leaves nothing.
func TestAllOrNothing(t *testing.T) {
	for _, b := range backends {
		for _, at := range createStatements {
			t.Run(b.name+"/"+at, func(t *testing.T) {
				o := b.new(t)
				migrate(t, o)
				i := &injector{}
				db := open(t, i.through(o))
				i.set(once(at, 1, fault{err: errors.New("someone@example.org")}))
				r := person()
				_, err := db.Accounts().Create(t.Context(), r)
				if err == nil || errors.Is(err, registration.ErrUnavailable) || strings.Contains(err.Error(), "example.org") {
					t.Errorf("got %v", err)
				}
				if whole(t, db, r) {
					t.Error("is there")
				}
				create(t, db, r)
				if !whole(t, db, r) {
					t.Error("is not there")
				}
			})
		}
	}
}

// TestAbortedIsRepeated: a definite abort at any statement, and at COMMIT, is
// repeated and not told.
func TestAbortedIsRepeated(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	for _, at := range append([]string{"START TRANSACTION"}, createStatements...) {
		for _, number := range []uint16{1205, 1213} {
			t.Run(fmt.Sprintf("%d at %s", number, at), func(t *testing.T) {
				left := 3
				i.set(func(statement string) *fault {
					if !strings.HasPrefix(statement, at) || left == 0 {
						return nil
					}
					left--
					return &fault{err: serverError(number)}
				})
				r := create(t, db, person())
				if !whole(t, db, r) || left != 0 || i.times("START") != 4 {
					t.Errorf("left %d, tried %d times", left, i.times("START"))
				}
			})
		}
	}
	t.Run("until the deadline", func(t *testing.T) {
		i.set(func(statement string) *fault {
			if statement == "COMMIT" {
				return &fault{err: serverError(1213)}
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		r := person()
		_, err := db.Accounts().Create(ctx, r)
		if !errors.Is(err, registration.ErrUnavailable) || !strings.Contains(err.Error(), "1213") || strings.Contains(err.Error(), "example.org") {
			t.Errorf("got %v", err)
		}
		i.set(nil)
		if whole(t, db, r) {
			t.Error("is there")
		}
	})
}

// TestUnknownOutcome: an answer to COMMIT that does not tell the outcome is
// found out, whichever it was.
func TestUnknownOutcome(t *testing.T) {
	answers := map[string]error{
		"1047": serverError(1047), "1180": serverError(1180), "invalid connection": mysql.ErrInvalidConn,
		"end of file": io.ErrUnexpectedEOF, "broken": &net.OpError{Op: "read", Err: errors.New("i/o timeout")},
	}
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	for name, answer := range answers {
		for _, committed := range []bool{true, false} {
			f := fault{run: committed, sever: true, err: answer}
			t.Run(fmt.Sprintf("%s, committed: %t", name, committed), func(t *testing.T) {
				i.set(once("COMMIT", 1, f))
				r := create(t, db, person())
				if !whole(t, db, r) {
					t.Error("is not there")
				}
				if inserts := i.times("INSERT INTO accounts"); inserts != map[bool]int{true: 1, false: 2}[committed] {
					t.Errorf("inserted %d times", inserts)
				}

				i.set(once("COMMIT", 1, f))
				claims, err := db.Ledger().Claim(t.Context(), "a", "", []registration.ID{r.Notifications[0].ID}, now(), now().Add(time.Minute))
				if err != nil || len(claims) != 1 || claims[0].Number != 1 {
					t.Fatalf("claimed %+v, %v", claims, err)
				}
				i.set(once("COMMIT", 1, f))
				held, err := db.Ledger().MarkSending(t.Context(), "a", "smtp", []notify.Attempt{claims[0].Attempt}, now())
				if err != nil || len(held) != 1 {
					t.Fatalf("holds %v, %v", held, err)
				}
				i.set(once("COMMIT", 1, f))
				if err := db.Ledger().Settle(t.Context(), "a", []notify.Outcome{{Attempt: claims[0].Attempt, State: registration.Accepted}}, now()); err != nil {
					t.Fatal(err)
				}
				d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
				if err != nil || d.Notifications[0].State != registration.Accepted || d.Notifications[0].Attempts != 1 {
					t.Errorf("%+v, %v", d.Notifications, err)
				}
			})
		}
	}
	t.Run("and somebody else was faster", func(t *testing.T) {
		first, second := person(), person()
		second.Account.Email = first.Account.Email
		other := open(t, o)
		lost := once("COMMIT", 1, fault{sever: true, err: mysql.ErrInvalidConn})
		retried := once("START TRANSACTION", 2, fault{run: true, before: func() { create(t, other, first) }})
		i.set(func(statement string) *fault {
			if f := lost(statement); f != nil {
				return f
			}
			return retried(statement)
		})
		if _, err := db.Accounts().Create(t.Context(), second); !errors.Is(err, registration.ErrEmailTaken) {
			t.Errorf("got %v", err)
		}
		if whole(t, db, second) || !whole(t, db, first) {
			t.Error("the wrong one is there")
		}
	})
}

// TestRealDeadlock: another session holds what the transaction wants, and
// wants what it holds; the transaction, which has changed less, is the victim.
func TestRealDeadlock(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	other, err := open(t, o).Raw().BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback() }()
	r := person()
	for n := range 50 { // the heavier one survives
		if _, err := other.ExecContext(t.Context(), `INSERT INTO leases (name, owner, fence, expires_at, writes) VALUES (?, '', 0, 0, 0)`, fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	const profile = `INSERT INTO profiles (account_id, first_name, last_name, locale, marketing_consent) VALUES (?, '', '', '', 0)`
	if _, err := other.ExecContext(t.Context(), profile, r.Account.ID[:]); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	i.set(once("INSERT INTO profiles", 1, fault{run: true, before: func() {
		go func() {
			_, err := other.ExecContext(t.Context(), `DELETE FROM accounts WHERE id = ?`, r.Account.ID[:])
			waiting <- errors.Join(err, other.Rollback())
		}()
		time.Sleep(100 * time.Millisecond) // until it waits for our row
	}}))
	create(t, db, r)
	if err := <-waiting; err != nil {
		t.Errorf("the other session: %v", err)
	}
	if !whole(t, db, r) || i.times("START TRANSACTION") < 2 {
		t.Errorf("tried %d times", i.times("START TRANSACTION"))
	}
}
