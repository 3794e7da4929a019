package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/audit"
	rightsof "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
)

// moving is an import in the making.
type moving struct {
	t       *testing.T
	db      *store.DB
	people  *store.People
	at      transfer.Import
	batch   transfer.Batch     // the last one
	settled []transfer.Outcome // of the last one
	calls   int                // of Settle
	news    bool               // people have a notification and an event each
}

func beginImport(t *testing.T, db *store.DB) *moving {
	t.Helper()
	first := transfer.Import{Caller: "monolith", Source: "users", State: transfer.Open, StartedAt: now(), UpdatedAt: now(), Revision: newID(), Tally: transfer.Tally{}}
	copy(first.ID[:], t.Name())
	people := movers(db)
	at, err := people.Begin(t.Context(), first, false)
	if err != nil {
		t.Fatal(err)
	}
	return &moving{t: t, db: db, people: people, at: at}
}

// movers are those of a database who come from elsewhere.
func movers(db *store.DB) *store.People {
	keys, err := rightsof.NewKeys(make([]byte, rightsof.KeySize))
	if err != nil {
		panic(err) // not of a key of this size
	}
	return db.People(keys)
}

// mover is somebody of the monolith. Where their address or name is taken they are
// stored without it, or as "user-" and their id.
func mover(externalID, name, address string) transfer.Candidate {
	a := registration.Account{
		ID: newID(), Caller: "monolith", ExternalID: externalID, Username: registration.Username{Text: name, Key: strings.ToLower(name)},
		PasswordHash: "$2y$10$x", Status: registration.Active, RegisteredAt: now(), EmailVerifiedAt: now(),
	}
	if address != "" {
		a.Email = registration.Email{Text: address, Key: strings.ToLower(address)}
	}
	return transfer.Candidate{Mapped: transfer.Mapped{Person: transfer.Person{Account: a, Profile: registration.Profile{FirstName: "Nadia", Locale: "ar"}}}}
}

func yield(m transfer.Mapped, taken transfer.Taken) transfer.Mapped {
	m.Findings = slices.Clone(m.Findings)
	a := &m.Person.Account
	if taken.Email {
		a.Email = registration.Email{}
		m.Findings = append(m.Findings, transfer.Finding{Rule: transfer.EmailTaken, Action: transfer.Drop})
	}
	if taken.Username {
		action := transfer.ExternalID
		if a.Username.Key == "user-"+a.ExternalID {
			action = transfer.Refuse
		}
		a.Username = registration.Username{Text: "user-" + a.ExternalID, Key: "user-" + a.ExternalID}
		m.Findings = append(m.Findings, transfer.Finding{Rule: transfer.UsernameTaken, Action: action})
	}
	return m
}

// prepare makes the next batch of people.
func (m *moving) prepare(people ...transfer.Candidate) {
	m.calls = 0
	revision := newID()
	m.batch = transfer.Batch{
		Import: m.at, Revision: revision, People: people, Yield: yield,
		Compose: func(mapped transfer.Mapped) (registration.Registration, error) {
			r := registration.Registration{Account: mapped.Person.Account, Profile: mapped.Person.Profile}
			r.Account.Email.Key = transfer.EmailKey(r.Account)
			if m.news {
				n := registration.Notification{ID: newID(), AccountID: r.Account.ID, Kind: registration.RegistrationCompleted, Channel: registration.EmailChannel, Recipient: r.Account.Email.Text, Locale: "ar", CreatedAt: now(), Deadline: now().Add(time.Hour), State: registration.Queued}
				n.UpdatedAt = n.CreatedAt
				r.Notifications = []registration.Notification{n}
				r.Events = []registration.Event{{ID: newID(), Type: registration.EventRegistrationCreated, AccountID: r.Account.ID, At: now(), Caller: "monolith", ExternalID: r.Account.ExternalID, Status: r.Account.Status}}
			}
			return r, nil
		},
		Settle: func(outcomes []transfer.Outcome) (transfer.Import, error) {
			m.calls++
			m.settled = slices.Clone(outcomes)
			after := m.batch.Import
			after.Revision, after.Read, after.Position = revision, after.Read+int64(len(people)), transfer.Position(fmt.Sprint(after.Read+int64(len(people))))
			after.Tally = transfer.Tally{"email_taken/refuse": {Rows: after.Read, Places: []string{"line 1"}}}
			return after, nil
		},
	}
}

func (m *moving) save(people ...transfer.Candidate) error {
	m.t.Helper()
	m.prepare(people...)
	err := m.people.Save(m.t.Context(), m.batch)
	if err == nil {
		m.at = m.stored()
	}
	return err
}

func (m *moving) must(people ...transfer.Candidate) {
	m.t.Helper()
	if err := m.save(people...); err != nil {
		m.t.Fatal(err)
	}
}

// stored is the import as the store has it.
func (m *moving) stored() transfer.Import {
	m.t.Helper()
	all, err := movers(m.db).Imports(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, i := range all {
		if i.ID == m.at.ID {
			return i
		}
	}
	m.t.Fatal("the import is not there")
	return transfer.Import{}
}

// outcomes are what became of the last batch: STATUS and findings.
func (m *moving) outcomes() (texts []string) {
	for _, o := range m.settled {
		text := []string{"stored", "present", "refused"}[o.Status]
		for _, f := range o.Findings {
			text += " " + string(f.Rule)
		}
		texts = append(texts, text)
	}
	return texts
}

// there are the external ids that the store has of the monolith, with name and address.
func there(t *testing.T, db *store.DB) []string {
	t.Helper()
	var found []string
	if err := db.Raw().SelectContext(t.Context(), &found, `SELECT external_id FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE caller = 'monolith'`); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, id := range found {
		d, err := db.Accounts().Details(t.Context(), registration.Key{Caller: "monolith", ExternalID: id})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join([]string{id, d.Account.Username.Key, d.Account.Email.Text}, " "))
	}
	slices.Sort(all)
	return all
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPeopleComeBackAsTheyWent: an imported account is one like any other.
func TestPeopleComeBackAsTheyWent(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.news = true
		c, bare := mover("1", "Layla", "Layla@example.com"), mover("2", "amir", "")
		if at, err := db.Passwords().Imported(t.Context()); err != nil || !at.Equal(m.at.UpdatedAt) {
			t.Errorf("last imported at %v, %v", at, err)
		}
		m.must(c, bare)
		expect(t, "outcomes", m.outcomes(), []string{"stored", "stored"})
		for _, c := range []transfer.Candidate{c, bare} {
			want := c.Person.Account
			want.PasswordHash = ""
			want.Email.Key = transfer.EmailKey(want)
			d, err := db.Accounts().Details(t.Context(), registration.Key{Caller: "monolith", ExternalID: want.ExternalID})
			if err != nil {
				t.Fatal(err)
			}
			if d.Account != want || d.Profile != c.Person.Profile || len(d.Notifications) != 1 || d.Notifications[0].State != registration.Queued {
				t.Errorf("%+v\n%+v", d, want)
			}
		}
		if rows, _, err := db.Outbox().Depth(t.Context()); err != nil || rows != 2 {
			t.Errorf("%d rows in the outbox, %v", rows, err)
		}
		events, err := db.Events().Waiting(t.Context(), 10)
		if err != nil || len(events) != 2 {
			t.Errorf("%d events, %v", len(events), err)
		}
		want := m.at
		want.Position, want.Read, want.Tally = "2", 2, transfer.Tally{"email_taken/refuse": {Rows: 2, Places: []string{"line 1"}}}
		if got := m.stored(); !reflect.DeepEqual(got, want) {
			t.Errorf("the import is %+v, not %+v", got, want)
		}
	})
}

// TestPeopleWhoseKeysAreTaken: by somebody there, by a row before, by several rows.
func TestPeopleWhoseKeysAreTaken(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		live := create(t, db, person(func(r *registration.Registration) {
			r.Account.Username, r.Account.Email = registration.Username{Text: "taken", Key: "taken"}, registration.Email{Text: "taken@example.com", Key: "taken@example.com"}
		}))
		m := beginImport(t, db)
		m.must(
			mover("1", "Layla", "layla@example.com"),
			mover("2", "layla", "LAYLA@example.com"),
			mover("3", "Taken", "three@example.com"),
			mover("4", "four", "Taken@example.com"),
			mover("5", "user-6", "five@example.com"),
			mover("6", "taken", "six@example.com"), // its other name is the one before's
			mover("1", "again", "again@example.com"),
		)
		expect(t, "outcomes", m.outcomes(), []string{
			"stored", "stored email_taken username_taken", "stored username_taken", "stored email_taken", "stored", "refused username_taken username_taken", "present",
		})
		want := []string{"1 layla layla@example.com", "2 user-2 ", "3 user-3 three@example.com", "4 four ", "5 user-6 five@example.com"}
		expect(t, "people", there(t, db), want)
		if d, err := db.Accounts().Details(t.Context(), registration.Key{ID: live.Account.ID}); err != nil || d.Account.Email.Text != "taken@example.com" {
			t.Errorf("who was there is %+v, %v", d.Account, err)
		}
		// Once more, as after a restart: nothing is there twice.
		m.must(mover("1", "Layla", "layla@example.com"), mover("2", "layla", "LAYLA@example.com"), mover("3", "other", "other@example.com"))
		expect(t, "outcomes", m.outcomes(), []string{"present", "present", "present"})
		expect(t, "people", there(t, db), want)
		// The external ids of another caller are its own.
		c := mover("1", "others", "others@example.com")
		c.Person.Account.Caller = "portal"
		m.must(c)
		expect(t, "outcomes", m.outcomes(), []string{"stored"})
	})
}

// TestErasedPeopleStayErased: who had their data erased is not brought back.
func TestErasedPeopleStayErased(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.must(mover("1", "one", ""), mover("2", "two", "two@example.com"), mover("3", "three", ""))
		for id, keep := range map[string]bool{"2": false, "3": true} {
			if _, err := rights(t, db).Erase(t.Context(), rightsof.Erasure{Key: registration.Key{Caller: "monolith", ExternalID: id}, KeepExternalID: keep}); err != nil {
				t.Fatal(err)
			}
		}
		m.must(mover("1", "one", ""), mover("2", "two", "two@example.com"), mover("3", "three", ""), mover("4", "two", "two@example.com"))
		expect(t, "outcomes", m.outcomes(), []string{"present", "refused erased", "refused erased", "stored"})
		// Also where nothing else of them is taken, and nobody of the batch before.
		m.must(mover("5", "five", ""))
		m.must(mover("6", "six", ""), mover("2", "second", "second@example.com"), mover("3", "third", ""))
		expect(t, "outcomes", m.outcomes(), []string{"stored", "refused erased", "refused erased"})
		expect(t, "people", there(t, db), []string{"1 one ", "4 two two@example.com", "5 five ", "6 six "})
	})
}

// TestImportsAreOneProcessAtATime: what another process has changed is not gone on with.
func TestImportsAreOneProcessAtATime(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.must(mover("1", "one", ""))
		other := *m
		other.must(mover("2", "two", ""))
		if err := m.save(mover("3", "three", "")); !errors.Is(err, transfer.ErrOvertaken) || m.calls != 0 {
			t.Errorf("the error is %v", err)
		}
		expect(t, "people", there(t, db), []string{"1 one ", "2 two "})
		// The same batch again, of which nobody knows whether it was saved.
		if err := movers(db).Save(t.Context(), other.batch); err != nil {
			t.Error(err)
		}
		if other.calls != 1 || other.stored().Read != 2 {
			t.Errorf("it was saved twice: %+v", other.stored())
		}
	})
}

// TestBegin: an interrupted import is gone on with unless it is begun anew or
// something has changed; one that is over begins anew.
func TestBegin(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.must(mover("1", "one", ""))
		first := transfer.Import{ID: m.at.ID, Caller: "monolith", State: transfer.Open, StartedAt: now(), UpdatedAt: now(), Tally: transfer.Tally{}}
		begin := func(change func(*transfer.Import), restart bool) (transfer.Import, error) {
			i := first
			i.Revision = newID()
			change(&i)
			return movers(db).Begin(t.Context(), i, restart)
		}
		same := func(*transfer.Import) {}
		changed := func(i *transfer.Import) { i.Fingerprint = [32]byte{1} }
		if at, err := begin(same, false); err != nil || at.Position != "1" || at.Read != 1 || at.Source != "users" {
			t.Errorf("gone on with it is %+v, %v", at, err)
		}
		if _, err := begin(changed, false); !errors.Is(err, transfer.ErrChanged) {
			t.Errorf("with another mapping: %v", err)
		}
		if at, err := begin(changed, true); err != nil || at.Position != "" || at.Read != 0 {
			t.Errorf("begun anew it is %+v, %v", at, err)
		}
		m.at = m.stored()
		m.prepare()
		settle := m.batch.Settle
		m.batch.Settle = func(o []transfer.Outcome) (transfer.Import, error) {
			i, err := settle(o)
			i.State = transfer.Done
			return i, err
		}
		if err := movers(db).Save(t.Context(), m.batch); err != nil {
			t.Fatal(err)
		}
		if at, err := begin(same, false); err != nil || at.Position != "" || at.State != transfer.Open {
			t.Errorf("over, and begun again, it is %+v, %v", at, err)
		}
	})
}

// TestABatchIsAllOrNothing: a fault at any statement leaves neither people nor a
// position, and the batch can be saved again.
func TestABatchIsAllOrNothing(t *testing.T) {
	for _, b := range backends {
		for _, at := range []string{"INSERT INTO accounts", "INSERT INTO profiles", "INSERT INTO notifications", "INSERT INTO outbox", "INSERT INTO events", "INSERT INTO audit_pending", "UPDATE imports", "COMMIT"} {
			t.Run(b.name+"/"+at, func(t *testing.T) {
				o := b.new(t)
				migrate(t, o)
				i := &injector{}
				db := open(t, i.through(o))
				m := beginImport(t, db)
				m.news = true
				i.set(once(at, 1, fault{err: errors.New("someone@example.org")}))
				err := m.save(mover("1", "one", "one@example.org"))
				if err == nil || strings.Contains(err.Error(), "example.org") {
					t.Errorf("got %v", err)
				}
				expect(t, "people", there(t, db), nil)
				if m.stored().Read != 0 {
					t.Errorf("the import is %+v", m.stored())
				}
				if err := movers(db).Save(t.Context(), m.batch); err != nil {
					t.Error(err)
				}
				expect(t, "people", there(t, db), []string{"1 one one@example.org"})
			})
		}
	}
}

// TestBatchesAreAudited: each has an entry, in its transaction.
func TestBatchesAreAudited(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.must(mover("1", "one", ""), mover("2", "two", ""))
		m.must(mover("3", "three", ""))
		again := m.batch // as after an outcome that was not known
		if err := movers(db).Save(t.Context(), again); err != nil {
			t.Fatal(err)
		}
		all := entries(t, db, audit.Filter{Action: audit.Import})
		if len(all) != 2 || all[1].ID != again.Revision || all[1].Caller != "monolith" || !strings.Contains(all[0].Detail, " read=2 ") || !strings.Contains(all[1].Detail, " read=1 ") {
			t.Errorf("the entries are %+v", all)
		}
	})
}

// TestASettlementThatFails rolls the batch back, and its error is given as it is.
func TestASettlementThatFails(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		m.prepare(mover("1", "one", ""))
		full := errors.New("the disk is full")
		m.batch.Settle = func([]transfer.Outcome) (transfer.Import, error) { return transfer.Import{}, full }
		if err := movers(db).Save(t.Context(), m.batch); !errors.Is(err, full) {
			t.Errorf("the error is %v", err)
		}
		expect(t, "people", there(t, db), nil)
	})
}

// TestUnknownOutcomesOfABatch: a connection that is lost at COMMIT, before or after
// it was executed, and the transactions that a node takes back, change nothing of
// what is there in the end.
func TestUnknownOutcomesOfABatch(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	m := beginImport(t, db)
	n := 0
	for name, f := range map[string]fault{
		"executed, and the connection lost":     {run: true, sever: true, err: mysql.ErrInvalidConn},
		"not executed, and the connection lost": {sever: true, err: mysql.ErrInvalidConn},
		"1213":                                  {err: serverError(1213)},
		"1180, and executed":                    {run: true, err: serverError(1180)},
	} {
		t.Run(name, func(t *testing.T) {
			n++
			i.set(once("COMMIT", 1, f))
			m.must(mover(fmt.Sprint("a", n), fmt.Sprint("a", n), ""), mover(fmt.Sprint("b", n), fmt.Sprint("a", n), ""))
			if m.stored().Read != int64(2*n) {
				t.Errorf("the import is %+v", m.stored())
			}
			expect(t, "outcomes", m.outcomes(), []string{"stored", "stored username_taken"})
			if len(there(t, db)) != 2*n {
				t.Errorf("there are %v", there(t, db))
			}
		})
	}
}

// TestTakenMeanwhile: people register with an import's names and addresses between
// its look and its INSERT, again and again. The database tells, and only those rows
// give way.
func TestTakenMeanwhile(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db, live := open(t, i.through(o)), open(t, o)
	m := beginImport(t, db)
	left := []string{"one", "two", "three", "four"}
	insert := func(name string) func() {
		return func() {
			_, err := live.Accounts().Create(context.WithoutCancel(t.Context()), person(func(r *registration.Registration) {
				r.Account.Username = registration.Username{Text: name, Key: name}
				r.Account.Email = registration.Email{Text: name + "@example.com", Key: name + "@example.com"}
			}))
			if err != nil {
				t.Error(err)
			}
		}
	}
	i.set(func(statement string) *fault {
		if len(left) == 0 || !strings.HasPrefix(statement, "INSERT INTO accounts") {
			return nil
		}
		name := left[0]
		left = left[1:]
		return &fault{run: true, before: insert(name)}
	})
	var people []transfer.Candidate
	for _, name := range []string{"zero", "one", "two", "three", "four", "five"} {
		people = append(people, mover(name, name, name+"@example.com"))
	}
	m.must(people...)
	if len(left) > 0 {
		t.Errorf("%v did not register", left)
	}
	expect(t, "people", there(t, db), []string{"five five five@example.com", "four user-four ", "one user-one ", "three user-three ", "two user-two ", "zero zero zero@example.com"})
}

// TestImportBesideRegistrations: both go on, and every name and address is there once.
func TestImportBesideRegistrations(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		m := beginImport(t, db)
		const n = 300
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan map[string]bool)
		go func() {
			registered := map[string]bool{}
			for k := 0; k < n && ctx.Err() == nil; k += 3 {
				name := fmt.Sprint("p", k)
				_, err := db.Accounts().Create(ctx, person(func(r *registration.Registration) {
					r.Account.Username = registration.Username{Text: name, Key: name}
					r.Account.Email = registration.Email{Text: name + "@example.com", Key: name + "@example.com"}
				}))
				switch {
				case err == nil:
					registered[name] = true
				case !errors.Is(err, registration.ErrUsernameTaken):
					t.Error(err)
				}
			}
			done <- registered
		}()
		imported := map[string]bool{}
		for from := 0; from < n; from += 30 {
			var people []transfer.Candidate
			for k := from; k < from+30; k++ {
				people = append(people, mover(fmt.Sprint(k), fmt.Sprint("p", k), fmt.Sprint("p", k, "@example.com")))
			}
			m.must(people...)
			for _, o := range m.settled {
				if o.Status != transfer.StatusStored {
					t.Errorf("%s is not stored", o.Person.Account.ExternalID)
				}
				imported[o.Person.Account.Username.Key] = true
			}
		}
		registered := <-done
		cancel()
		if both := maps.Clone(registered); len(registered) == 0 {
			t.Error("nobody has registered")
		} else {
			maps.DeleteFunc(both, func(name string, _ bool) bool { return !imported[name] })
			if len(both) > 0 {
				t.Errorf("both have %v", both)
			}
		}
		if got := len(there(t, db)); got != n {
			t.Errorf("%d people of the monolith are there", got)
		}
	})
}
