package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// sharing opens a SQLite file whose groups stay open until nobody waits.
func sharing(t *testing.T) (*store.DB, *injector) {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	db.GroupTime(time.Minute)
	return db, i
}

// job is what a test does in a transaction.
type job func(run func(statement string, args ...any) error, again bool) error

// put is the work of adding a row to a table with unique names.
func put(name string) job {
	return func(run func(string, ...any) error, _ bool) error {
		return run(`INSERT INTO leases (name, owner, fence, expires_at, writes) VALUES (?, '', 0, 0, 0)`, name)
	}
}

// names are the rows that put added, in alphabetic order.
func names(t *testing.T, db *store.DB) []string {
	t.Helper()
	var all []string
	if err := db.Raw().SelectContext(t.Context(), &all, `SELECT name FROM leases ORDER BY name`); err != nil {
		t.Fatal(err)
	}
	return all
}

// queue is callers of which the first one works until it is let go, and the
// others wait for the writer behind it.
type queue struct {
	t       *testing.T
	db      *store.DB
	letGo   chan struct{}
	running sync.WaitGroup
	errs    []*error
}

// newQueue starts the first caller, whose work is first once it is let go.
func newQueue(t *testing.T, db *store.DB, first job) *queue {
	q := &queue{t: t, db: db, letGo: make(chan struct{})}
	started := make(chan struct{})
	once := sync.OnceFunc(func() { close(started) })
	q.call(t.Context(), func(run func(string, ...any) error, again bool) error {
		once()
		<-q.letGo
		return first(run, again)
	})
	<-started
	return q
}

func (q *queue) call(ctx context.Context, w job) {
	err := new(error)
	q.errs = append(q.errs, err)
	q.running.Go(func() { *err = q.db.Transact(ctx, w) })
}

// join adds a caller and waits until it waits.
func (q *queue) join(ctx context.Context, w job) {
	q.t.Helper()
	before := q.db.Waiting()
	q.call(ctx, w)
	q.wait(before + 1)
}

// wait waits until so many wait for the writer.
func (q *queue) wait(n int) {
	q.t.Helper()
	for range 5000 {
		if q.db.Waiting() == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	q.t.Fatalf("%d wait, not %d", q.db.Waiting(), n)
}

// run lets the first go and gives what each was answered.
func (q *queue) run() []error {
	close(q.letGo)
	q.running.Wait()
	all := make([]error, len(q.errs))
	for i, err := range q.errs {
		all[i] = *err
	}
	return all
}

func TestOneCommitForAllWhoWait(t *testing.T) {
	db, i := sharing(t)
	i.set(nil)
	var order []string
	noted := func(name string) job {
		return func(run func(string, ...any) error, again bool) error {
			order = append(order, name)
			return put(name)(run, again)
		}
	}
	q := newQueue(t, db, noted("0"))
	var want []string
	for n := 1; n <= 9; n++ {
		q.join(t.Context(), noted(fmt.Sprint(n)))
	}
	for n := range 10 {
		want = append(want, fmt.Sprint(n))
	}
	if err := errors.Join(q.run()...); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, want) || !slices.Equal(names(t, db), want) {
		t.Errorf("worked in the order %v; there are %v", order, names(t, db))
	}
	if i.times("BEGIN") != 1 || i.times("COMMIT") != 1 || i.times("SAVEPOINT") != 9 {
		t.Errorf("%d BEGIN, %d COMMIT, %d SAVEPOINT", i.times("BEGIN"), i.times("COMMIT"), i.times("SAVEPOINT"))
	}
	i.set(nil)
	if err := db.Transact(t.Context(), put("alone")); err != nil || i.times("SAVEPOINT") != 0 || i.times("COMMIT") != 1 {
		t.Errorf("alone: %v, %d SAVEPOINT", err, i.times("SAVEPOINT"))
	}
}

func TestGroupsAreBounded(t *testing.T) {
	for name, c := range map[string]struct {
		time time.Duration
		want int // COMMITs of the first and 100 behind it
	}{
		"in members": {time.Minute, (101 + store.MaxMembers - 1) / store.MaxMembers},
		"in time":    {0, 101},
	} {
		t.Run(name, func(t *testing.T) {
			db, i := sharing(t)
			db.GroupTime(c.time)
			i.set(nil)
			q := newQueue(t, db, put("first"))
			for n := range 100 {
				q.join(t.Context(), put(fmt.Sprint(n)))
			}
			if err := errors.Join(q.run()...); err != nil || len(names(t, db)) != 101 || i.times("COMMIT") != c.want {
				t.Errorf("%v; %d names; %d COMMITs, not %d", err, len(names(t, db)), i.times("COMMIT"), c.want)
			}
		})
	}
}

// TestTroubleInAGroup: the one in trouble is told; the others' work is done.
func TestTroubleInAGroup(t *testing.T) {
	failing := func(run func(string, ...any) error, again bool) error {
		if err := put("half")(run, again); err != nil {
			return err
		}
		return registration.ErrNotFound
	}
	taking := func(run func(string, ...any) error, again bool) error { // what the one before it takes
		if err := put("half")(run, again); err != nil {
			return err
		}
		if put("before")(run, again) != nil {
			return registration.ErrUsernameTaken
		}
		return nil
	}
	abortingAll := func(run func(string, ...any) error, _ bool) error {
		if run(`INSERT OR ROLLBACK INTO leases (name, owner, fence, expires_at, writes) SELECT name, '', 0, 0, 0 FROM leases`) != nil {
			return registration.ErrEmailTaken
		}
		return nil
	}
	full := func(run func(string, ...any) error, again bool) error {
		if err := run(`PRAGMA max_page_count = 1`); err != nil {
			return err
		}
		var err error
		for n := 0; n < 1000 && err == nil; n++ {
			err = put(fmt.Sprintf("half %d %0500d", n, n))(run, again)
		}
		_ = run(`PRAGMA max_page_count = 1000000`)
		if err == nil {
			return errors.New("the disk was not full")
		}
		return registration.ErrExternalIDTaken
	}
	cases := map[string]struct {
		work   job
		want   error
		shared bool // the others' work need not be repeated
	}{
		"its own error":                     {failing, registration.ErrNotFound, true},
		"a key that another has just taken": {taking, registration.ErrUsernameTaken, true},
		"an error that aborts all":          {abortingAll, registration.ErrEmailTaken, false},
		"a full disk":                       {full, registration.ErrExternalIDTaken, false},
	}
	for name, c := range cases {
		for _, place := range []string{"first", "in the middle", "last"} {
			t.Run(name+", "+place, func(t *testing.T) {
				db, i := sharing(t)
				if err := db.Transact(t.Context(), put("before")); err != nil {
					t.Fatal(err)
				}
				want := []string{"a", "b", "before", "c"}
				works := []job{put("a"), put("b"), put("c")}
				at := map[string]int{"first": 0, "in the middle": 1, "last": 3}[place]
				works = slices.Insert(works, at, c.work)
				i.set(nil)
				q := newQueue(t, db, works[0])
				for _, w := range works[1:] {
					q.join(t.Context(), w)
				}
				for n, err := range q.run() {
					if n == at && !errors.Is(err, c.want) || n != at && err != nil {
						t.Errorf("%d was told %v", n, err)
					}
				}
				if got := names(t, db); !slices.Equal(got, want) {
					t.Errorf("there are %v, not %v", got, want)
				}
				// After the first one's trouble there is no group yet that it could spoil.
				if commits := i.times("COMMIT"); (commits == 1) != (c.shared || at == 0) {
					t.Errorf("%d COMMITs", commits)
				}
			})
		}
	}
}

// TestErrorsWaitForTheCommit: what a member has seen of the others' work is
// not told before they are committed, nor at all when they are not.
func TestErrorsWaitForTheCommit(t *testing.T) {
	db, i := sharing(t)
	failed := false
	q := newQueue(t, db, func(run func(string, ...any) error, again bool) error {
		if failed {
			return registration.ErrNotFound // so that the name stays free
		}
		return put("x")(run, again)
	})
	q.join(t.Context(), func(run func(string, ...any) error, again bool) error {
		if put("x")(run, again) != nil {
			return registration.ErrUsernameTaken
		}
		return nil
	})
	i.set(once("COMMIT", 1, fault{before: func() { failed = true }, err: errors.New("no")}))
	errs := q.run()
	if !errors.Is(errs[0], registration.ErrNotFound) || errs[1] != nil || !slices.Equal(names(t, db), []string{"x"}) {
		t.Errorf("told %v; there are %v", errs, names(t, db))
	}
}

// TestFailuresOfTheGroup: where the group's own statements fail, everybody's
// work is repeated alone, or looked up.
func TestFailuresOfTheGroup(t *testing.T) {
	no := errors.New("someone@example.org")
	cases := map[string]struct {
		at    string
		n     int
		fault fault
	}{
		"SAVEPOINT":           {"SAVEPOINT", 2, fault{err: no}},
		"RELEASE":             {"RELEASE", 2, fault{err: no}},
		"ROLLBACK TO":         {"ROLLBACK TO", 1, fault{err: no}},
		"COMMIT":              {"COMMIT", 1, fault{err: no}},
		"COMMIT, lost":        {"COMMIT", 1, fault{err: io.ErrUnexpectedEOF}},
		"COMMIT, answer lost": {"COMMIT", 1, fault{run: true, err: io.ErrUnexpectedEOF}},
		"a statement, lost":   {"INSERT INTO profiles", 2, fault{err: io.ErrUnexpectedEOF}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			db, i := sharing(t)
			taken := create(t, db, person())
			q := newQueue(t, db, put("x"))
			var people []registration.Registration
			errs := make([]error, 6)
			for n := range errs {
				r := person()
				if n == 3 {
					r.Account.Email = taken.Account.Email
				}
				people = append(people, r)
				q.running.Go(func() { _, errs[n] = db.Accounts().Create(t.Context(), r) })
				q.wait(n + 1)
			}
			i.set(once(c.at, c.n, c.fault))
			// After COMMIT without an answer the first one, which does not look
			// whether it is there, meets its own row.
			if err := errors.Join(q.run()...); (err != nil) != c.fault.run {
				t.Error(err)
			}
			for n, err := range errs {
				if n == 3 && !errors.Is(err, registration.ErrEmailTaken) || n != 3 && err != nil {
					t.Errorf("%d was told %v", n, err)
				}
				if whole(t, db, people[n]) != (err == nil) {
					t.Errorf("%d was told %v", n, err)
				}
			}
			if i.times(c.at) < c.n {
				t.Error("nothing failed")
			}
		})
	}
}

// TestWaiterLeaves: a waiter whose context ends leaves at once.
func TestWaiterLeaves(t *testing.T) {
	db, _ := sharing(t)
	q := newQueue(t, db, put("first"))
	ctx, cancel := context.WithCancel(t.Context())
	q.join(t.Context(), put("a"))
	left := make(chan error, 1)
	q.running.Go(func() { left <- db.Transact(ctx, put("left")) })
	q.wait(2)
	q.join(t.Context(), put("b"))
	cancel()
	if err := <-left; !errors.Is(err, registration.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	q.wait(2)
	if err := errors.Join(q.run()...); err != nil || !slices.Equal(names(t, db), []string{"a", "b", "first"}) {
		t.Errorf("%v; there are %v", err, names(t, db))
	}
}

// TestStartedRunsToItsEnd: the context's end does not stop a member that has
// begun, nor take the others with it.
func TestStartedRunsToItsEnd(t *testing.T) {
	db, i := sharing(t)
	ctx, cancel := context.WithCancel(t.Context())
	i.set(nil)
	q := newQueue(t, db, put("first"))
	q.join(ctx, func(run func(string, ...any) error, again bool) error {
		cancel()
		return put("a")(run, again)
	})
	q.join(t.Context(), put("b"))
	if err := errors.Join(q.run()...); err != nil || !slices.Equal(names(t, db), []string{"a", "b", "first"}) || i.times("COMMIT") != 1 {
		t.Errorf("%v; there are %v", err, names(t, db))
	}
}

// TestPanicsStayTheirOwn: a panic, and the end of a goroutine, surface where
// the work came from; the others' work is done.
func TestPanicsStayTheirOwn(t *testing.T) {
	for name, end := range map[string]func(){"panic": func() { panic("mine") }, "exit": runtime.Goexit} {
		for at := range 3 {
			t.Run(fmt.Sprint(name, " ", at), func(t *testing.T) {
				db, _ := sharing(t)
				ended := make(chan any, 1)
				ending := func() {
					defer func() { ended <- recover() }()
					_ = db.Transact(t.Context(), func(run func(string, ...any) error, again bool) error {
						_ = put("half")(run, again)
						end()
						return nil
					})
					t.Error("came back")
				}
				q := newQueue(t, db, put("a"))
				for n := range 3 {
					if n == at {
						q.running.Go(ending)
						q.wait(n + 1)
					} else {
						q.join(t.Context(), put(fmt.Sprint(n)))
					}
				}
				if err := errors.Join(q.run()...); err != nil || len(names(t, db)) != 3 {
					t.Errorf("%v; there are %v", err, names(t, db))
				}
				if got := <-ended; got != nil && got != "mine" || got == nil && name == "panic" {
					t.Errorf("recovered %v", got)
				}
			})
		}
	}
}

// TestReadyAndCloseAmongGroups: Ready takes its place in the queue and joins
// no group; Close turns away those who wait, and waits for the one who works.
func TestReadyAndCloseAmongGroups(t *testing.T) {
	db, i := sharing(t)
	i.set(nil)
	q := newQueue(t, db, put("a"))
	q.join(t.Context(), put("b"))
	ready := make(chan error, 1)
	q.running.Go(func() { ready <- db.Ready(t.Context()) })
	q.wait(2)
	q.join(t.Context(), put("c"))
	if err := errors.Join(append(q.run(), <-ready)...); err != nil || i.times("COMMIT") != 2 {
		t.Errorf("%v; %d COMMITs", err, i.times("COMMIT"))
	}

	q = newQueue(t, db, put("d"))
	turnedAway, closed := make(chan error, 1), make(chan error, 1)
	q.running.Go(func() { turnedAway <- db.Transact(t.Context(), put("e")) })
	q.wait(1)
	q.running.Go(func() { closed <- db.Close() })
	if err := <-turnedAway; err == nil {
		t.Error("not turned away")
	}
	select {
	case err := <-closed:
		t.Errorf("closed under the one who works: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if err := errors.Join(append(q.run(), <-closed)...); err != nil {
		t.Error(err)
	}
	if err := db.Transact(t.Context(), put("f")); err == nil {
		t.Error("still open")
	}
}
