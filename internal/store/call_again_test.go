package store_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// atTwoServers runs a test at two handles of one database: of an SQLite file, and
// of a cluster at two of its nodes.
func atTwoServers(t *testing.T, test func(t *testing.T, first, second *store.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
		migrate(t, o)
		test(t, open(t, o), open(t, o))
	})
	t.Run("galera", func(t *testing.T) {
		g := sharedCluster(t)
		o := g.database(t)
		test(t, open(t, g.at(o, 0)), open(t, g.at(o, 1)))
	})
}

// TestARegistrationThatIsMadeAgain at another server, which does not know of the
// first, is done, and nothing is queued twice.
func TestARegistrationThatIsMadeAgain(t *testing.T) {
	anonymous := func(r *registration.Registration) { r.RequestID = "" }
	// again is what another server makes of the same call: its own hash, and its
	// own ids of all but the account.
	again := func(r registration.Registration) registration.Registration {
		r.Account.PasswordHash = "$argon2id$v=19$m=19456,t=2,p=1$b3RoZXJzYWx0b3RoZXI$RdescudvJCsgt3ub+b4dWRWJTmaaJObG4KCmUaYUGAs"
		r.Notifications = append([]registration.Notification(nil), r.Notifications...)
		for i := range r.Notifications {
			r.Notifications[i].ID = newID()
		}
		return r
	}
	atTwoServers(t, func(t *testing.T, first, second *store.DB) {
		t.Run("after the first", func(t *testing.T) {
			r := create(t, first, person(anonymous))
			for _, made := range []registration.Registration{r, again(r)} {
				queued, err := second.Accounts().Create(t.Context(), made)
				if err != nil || len(queued) > 0 {
					t.Errorf("queued %d, %v", len(queued), err)
				}
			}
			onceOnly(t, second, r)
		})
		t.Run("at the same time", func(t *testing.T) {
			for range 20 {
				r := person(anonymous)
				var wg sync.WaitGroup
				queued := make([]int, 2)
				for i, db := range []*store.DB{first, second} {
					made := r
					if i > 0 {
						made = again(r)
					}
					wg.Go(func() {
						n, err := db.Accounts().Create(t.Context(), made)
						if err != nil {
							t.Error(err)
						}
						queued[i] = len(n)
					})
				}
				wg.Wait()
				if queued[0]+queued[1] != len(r.Notifications) {
					t.Errorf("queued %v", queued)
				}
				onceOnly(t, first, r)
			}
		})
		t.Run("somebody else's address", func(t *testing.T) {
			r := create(t, first, person(anonymous))
			other := person(anonymous, func(o *registration.Registration) { o.Account.Email = r.Account.Email })
			if _, err := second.Accounts().Create(t.Context(), other); !errors.Is(err, registration.ErrEmailTaken) {
				t.Errorf("got %v", err)
			}
		})
	})
}

// onceOnly says that a registration without a request id is there once.
func onceOnly(t *testing.T, db *store.DB, r registration.Registration) {
	t.Helper()
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM accounts WHERE id = ?":                                                            1,
		"SELECT COUNT(*) FROM profiles WHERE account_id = ?":                                                    1,
		"SELECT COUNT(*) FROM notifications WHERE account_id = ?":                                               len(r.Notifications),
		"SELECT COUNT(*) FROM outbox o JOIN notifications n ON n.id = o.notification_id WHERE n.account_id = ?": len(r.Notifications),
	} {
		var n int
		if err := db.Raw().GetContext(t.Context(), &n, query, r.Account.ID[:]); err != nil || n != want {
			t.Errorf("%s: %d, %v; want %d", query, n, err, want)
		}
	}
}

// TestAChangeOfAContactThatIsMadeAgain is given a contact that is done, and
// changes nothing.
func TestAChangeOfAContactThatIsMadeAgain(t *testing.T) {
	atTwoServers(t, func(t *testing.T, first, second *store.DB) {
		keys := codeKeys(t)
		r := create(t, first, pending(keys))
		revision := newID()
		tried := func(db *store.DB, revision registration.ID) (seen registration.Contact) {
			t.Helper()
			err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.EmailChannel, revision, func(c registration.Contact) (registration.ContactChange, error) {
				seen = c
				c.Code.Attempts++
				return registration.ContactChange{Code: c.Code, At: now()}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return seen
		}
		for i, db := range []*store.DB{first, second, first} {
			if c := tried(db, revision); c.Done != (i > 0) || c.Code.Attempts != min(i, 1) {
				t.Errorf("call %d: done %t, with %d tries", i+1, c.Done, c.Code.Attempts)
			}
		}
		if c := tried(second, newID()); c.Done || c.Code.Attempts != 1 {
			t.Errorf("another call: done %t, with %d tries", c.Done, c.Code.Attempts)
		}
		if c := contact(t, first, r.Account.ID, registration.EmailChannel); c.Done || c.Code.Attempts != 2 {
			t.Errorf("at the end: %d tries", c.Code.Attempts)
		}
		refused := errors.New("refused")
		last := newID()
		tried(first, last)
		err := second.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.EmailChannel, last, func(registration.Contact) (registration.ContactChange, error) {
			return registration.ContactChange{}, refused
		})
		if err != refused { //nolint:errorlint // as it is
			t.Errorf("got %v", err)
		}
		// Both at once: one of them does it, and the other one sees that it is done.
		for range 20 {
			before := contact(t, first, r.Account.ID, registration.EmailChannel).Code
			revision, done := newID(), make([]bool, 2)
			var wg sync.WaitGroup
			for i, db := range []*store.DB{first, second} {
				wg.Go(func() { done[i] = tried(db, revision).Done })
			}
			wg.Wait()
			before.Attempts++
			if after := contact(t, second, r.Account.ID, registration.EmailChannel).Code; done[0] == done[1] || !reflect.DeepEqual(after, before) {
				t.Errorf("done %v, %d tries, want %d", done, after.Attempts, before.Attempts)
			}
		}
	})
}

// TestANonceThatIsSpentAgain by the call that spent it is no replay.
func TestANonceThatIsSpentAgain(t *testing.T) {
	atTwoServers(t, func(t *testing.T, first, second *store.DB) {
		call, nonce := newID(), random()
		for i, c := range []struct {
			db   *store.DB
			call registration.ID
			want error
		}{
			{first, call, nil}, {second, call, nil}, {first, call, nil},
			{first, newID(), caller.ErrReplayed}, {second, newID(), caller.ErrReplayed},
			{second, registration.ID{}, caller.ErrReplayed},
			{second, call, nil},
		} {
			if err := c.db.Nonces().Spend(t.Context(), c.call, "erp", nonce, now().Add(time.Minute)); !errors.Is(err, c.want) {
				t.Errorf("%d: got %v, want %v", i+1, err, c.want)
			}
		}
	})
}
