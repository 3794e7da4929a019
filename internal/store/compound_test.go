package store_test

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// TestWhatANodeTakesBackIsTakenBackWhole: registrations that another node's meet
// at any of their statements, all of which were sent at once. What comes after
// the one that was taken back must not be executed for itself.
func TestWhatANodeTakesBackIsTakenBackWhole(t *testing.T) {
	const pairs, callers = 400, 8
	g := sharedCluster(t)
	o, keys := g.database(t), codeKeys(t)
	handles := []*store.DB{open(t, g.at(o, 0)), open(t, g.at(o, 1))}
	meetings := []struct {
		at   string
		same func(r *registration.Registration, first registration.Registration)
		want error // of the later one
	}{
		{"the record of the request", func(r *registration.Registration, first registration.Registration) { r.RequestID = first.RequestID }, registration.ErrRequestIDReused},
		{"the username", func(r *registration.Registration, first registration.Registration) {
			r.Account.Username = first.Account.Username
		}, registration.ErrUsernameTaken},
		{"the e-mail address", func(r *registration.Registration, first registration.Registration) {
			r.Account.Email = first.Account.Email
		}, registration.ErrEmailTaken},
		{"the recipient's count of codes", func(r *registration.Registration, first registration.Registration) {
			for i := range r.Codes {
				r.Codes[i].Quota = first.Codes[i].Quota
			}
		}, nil},
	}
	before := aborts(t, g)
	var next atomic.Int64
	var created sync.Map
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= pairs; i = next.Add(1) {
				meeting := meetings[i%int64(len(meetings))]
				two := [2]registration.Registration{pending(keys), pending(keys)}
				meeting.same(&two[1], two[0])
				var errs [2]error
				var both sync.WaitGroup
				for k, db := range handles {
					both.Go(func() { _, errs[k] = db.Accounts().Create(t.Context(), two[k]) })
				}
				both.Wait()
				answered := map[error]int{}
				for k, err := range errs {
					switch {
					case err == nil:
						created.Store(two[k].Account.ID, struct{}{})
					case !errors.Is(err, meeting.want):
						t.Errorf("two that meet at %s: got %v", meeting.at, err)
						continue
					default:
						err = meeting.want
					}
					answered[err]++
				}
				if wins := answered[nil]; wins != 1 && meeting.want != nil || wins != 2 && meeting.want == nil {
					t.Errorf("two that meet at %s: %d were created", meeting.at, wins)
				}
			}
		})
	}
	all.Wait()
	if aborts(t, g) == before {
		t.Error("nothing was taken back: the test has shown nothing")
	}
	t.Logf("%d were taken back", aborts(t, g)-before)
	for i := range g.Nodes {
		codes := rowsOfAccounts(t, open(t, g.at(o, i)), "codes")
		there := g.census(t, o, i)
		for id, has := range there {
			if _, known := created.Load(id); !known {
				t.Errorf("db%d: of a registration that was refused there is %+v", i+1, has)
			} else if (has != belongings{1, 1, 1, 2, 2}) || codes[id] != 2 {
				t.Errorf("db%d: a registration has %+v and %d codes", i+1, has, codes[id])
			}
			delete(codes, id)
		}
		if len(codes) > 0 {
			t.Errorf("db%d: there are codes of %d accounts that are not there", i+1, len(codes))
		}
		created.Range(func(id, _ any) bool {
			if _, has := there[id.(registration.ID)]; !has {
				t.Errorf("db%d: a registration that was acknowledged is not there", i+1)
			}
			return true
		})
	}
}

// rowsOfAccounts counts the rows of a table by account.
func rowsOfAccounts(t *testing.T, db *store.DB, table string) map[registration.ID]int {
	t.Helper()
	var rows []struct {
		ID []byte `db:"account_id"`
		N  int    `db:"n"`
	}
	if err := db.Raw().SelectContext(t.Context(), &rows, "SELECT account_id, COUNT(*) AS n FROM "+table+" GROUP BY account_id"); err != nil {
		t.Fatal(err)
	}
	counts := map[registration.ID]int{}
	for _, r := range rows {
		counts[registration.ID(r.ID)] = r.N
	}
	return counts
}

// aborts is how many transactions the first two nodes have taken back for
// another node's.
func aborts(t *testing.T, g *galera) (sum int) {
	t.Helper()
	for _, m := range g.Nodes[:2] {
		for _, name := range []string{"wsrep_local_bf_aborts", "wsrep_local_cert_failures"} {
			text, err := m.Status(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// TestARegistrationGoesAtOnce where nobody stands in its way, and one that meets a key that is there already is told which in the
// end, over the same connection.
func TestARegistrationGoesAtOnce(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	o.MaxConnections = 1
	i := &injector{}
	db, keys := open(t, i.through(o)), codeKeys(t)
	i.set(nil)
	first := create(t, db, pending(keys))
	if i.sendings() != 1 {
		t.Errorf("it was sent in %d", i.sendings())
	}
	connected := i.connections()
	r := pending(keys)
	r.Account.Email = first.Account.Email
	if _, err := db.Accounts().Create(t.Context(), r); !errors.Is(err, registration.ErrEmailTaken) {
		t.Errorf("got %v", err)
	}
	if i.connections() != connected {
		t.Error("the connection was given up")
	}
	again := pending(keys)
	again.Codes[0].Quota, again.Codes[1].Quota = first.Codes[0].Quota, first.Codes[1].Quota
	create(t, db, again)
	var used int
	if err := db.Raw().GetContext(t.Context(), &used, "SELECT SUM(used) FROM code_quotas"); err != nil || used != 4 {
		t.Errorf("%d codes are counted, %v", used, err)
	}
}
