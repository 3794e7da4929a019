package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

func nodeQuery(t *testing.T, sql string) {
	t.Helper()
	if _, err := sharedNode(t).Query(context.WithoutCancel(t.Context()), sql); err != nil {
		t.Error(err)
	}
}

// TestHalfATransactionIsNeverCommitted: the node stops taking statements in
// mid-transaction, so that ROLLBACK fails too. A connection kept after that
// would commit the half that it holds by its next START TRANSACTION.
func TestHalfATransactionIsNeverCommitted(t *testing.T) {
	for _, at := range createStatements[1:] {
		t.Run(at, func(t *testing.T) {
			o := onNode(t, sharedNode(t))
			migrate(t, o)
			o.MaxConnections = 1 // the next transaction is on the same connection, if it was kept
			i := &injector{}
			db := open(t, i.through(o))
			create(t, db, person())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			i.set(once(at, 1, fault{run: true, before: func() {
				nodeQuery(t, "SET GLOBAL wsrep_reject_queries=ALL")
				time.AfterFunc(200*time.Millisecond, cancel)
			}}))
			half := person()
			_, err := db.Accounts().Create(ctx, half)
			nodeQuery(t, "SET GLOBAL wsrep_reject_queries=NONE")
			if !errors.Is(err, registration.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			if i.times("ROLLBACK") > 0 {
				t.Error("a connection that answered 1047 was used again")
			}
			create(t, db, person())
			if whole(t, db, half) {
				t.Error("what was told as not done is there")
			}
		})
	}
}

// TestNotReady: a node that answers pings and refuses statements is not ready.
func TestNotReady(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	db := open(t, o)
	nodeQuery(t, "SET GLOBAL wsrep_reject_queries=ALL")
	err := db.Ready(t.Context())
	nodeQuery(t, "SET GLOBAL wsrep_reject_queries=NONE")
	if !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("ready: %v", err)
	}
	if err := db.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestKillInMidLoad: the node dies under load and comes back. What was
// acknowledged is there, whole; what was not is there whole or not at all, and
// can be brought to its end by the same request.
func TestKillInMidLoad(t *testing.T) {
	m := sharedNode(t)
	o := onNode(t, m)
	migrate(t, o)
	db := open(t, o)
	type result struct {
		r   registration.Registration
		err error
	}
	var (
		mu      sync.Mutex
		results []result
		wg      sync.WaitGroup
	)
	stop := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r := person()
				ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 200*time.Millisecond)
				began := time.Now()
				_, err := db.Accounts().Create(ctx, r)
				took := time.Since(began)
				cancel()
				if err != nil && !errors.Is(err, registration.ErrUnavailable) || took > 10*time.Second {
					t.Errorf("after %s: %v", took, err)
				}
				mu.Lock()
				results = append(results, result{r, err})
				mu.Unlock()
			}
		})
	}
	for range 2 {
		time.Sleep(300*time.Millisecond + rand.N(200*time.Millisecond))
		m.Kill()
		time.Sleep(300 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := m.Restart(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
	close(stop)
	wg.Wait()
	acknowledged, failed, there := 0, 0, 0
	for _, x := range results {
		w := whole(t, db, x.r)
		switch {
		case x.err == nil && !w:
			t.Errorf("%s was acknowledged and is lost", x.r.Account.ID)
		case x.err == nil:
			acknowledged++
		default:
			failed++
			if w {
				there++
			}
			if _, err := db.Accounts().Create(t.Context(), x.r); err != nil && (!w || !errors.Is(err, registration.ErrRequestIDReused)) {
				t.Errorf("the same again: %v", err)
			}
			if !whole(t, db, x.r) {
				t.Error("is not there after the same again")
			}
		}
	}
	if acknowledged == 0 || failed == 0 {
		t.Errorf("the load met no fault: %d acknowledged, %d failed", acknowledged, failed)
	}
	t.Logf("%d acknowledged, %d failed, of which %d are there", acknowledged, failed, there)
}

// TestPausedNode: a node that answers nothing costs a caller no more than its
// deadline, and the store recovers by itself.
func TestPausedNode(t *testing.T) {
	m := sharedNode(t)
	o := onNode(t, m)
	migrate(t, o)
	o.ConnectTimeout, o.ReadTimeout = 200*time.Millisecond, 30*time.Second
	i := &injector{}
	db := open(t, i.through(o))
	create(t, db, person())
	i.set(once("COMMIT", 1, fault{run: true, before: func() {
		if err := m.Pause(); err != nil {
			t.Error(err)
		}
	}}))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r := person()
	began := time.Now()
	_, err := db.Accounts().Create(ctx, r)
	took := time.Since(began)
	readCtx, cancelRead := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelRead()
	_, readErr := db.Accounts().Details(readCtx, registration.Key{ID: r.Account.ID})
	ready := db.Ready(readCtx)
	if err := m.Resume(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, registration.ErrUnavailable) || !errors.Is(readErr, registration.ErrUnavailable) || ready == nil {
		t.Errorf("got %v, reading %v, ready %v", err, readErr, ready)
	}
	if took > 10*time.Second {
		t.Errorf("a caller with 300 ms waited %s", took)
	}
	was := whole(t, db, r)
	if _, err := db.Accounts().Create(t.Context(), r); err != nil && (!was || !errors.Is(err, registration.ErrRequestIDReused)) {
		t.Errorf("the same again: %v", err)
	}
	if !whole(t, db, r) {
		t.Error("is not there")
	}
}

// TestSeveralAddresses: the first that is ready is taken, and kept.
func TestSeveralAddresses(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	o.Addresses = append([]string{"127.0.0.1:1"}, o.Addresses...)
	create(t, open(t, o), person())
}

func TestOpenRefuses(t *testing.T) {
	o := onNode(t, sharedNode(t))
	with := func(change func(*store.Options)) store.Options {
		c := o
		change(&c)
		return c
	}
	cases := map[string]struct {
		o           store.Options
		unavailable bool
	}{
		"nothing":             {store.Options{}, false},
		"both":                {with(func(o *store.Options) { o.Path = "x" }), false},
		"no user":             {with(func(o *store.Options) { o.User = "" }), false},
		"a negative timeout":  {with(func(o *store.Options) { o.ReadTimeout = -1 }), false},
		"a wrong password":    {with(func(o *store.Options) { o.Password = "wrong" }), false},
		"an unknown database": {with(func(o *store.Options) { o.Database = "nowhere" }), false},
		"nobody there":        {with(func(o *store.Options) { o.Addresses = []string{"127.0.0.1:1"} }), true},
		"no directory":        {store.Options{Path: filepath.Join(t.TempDir(), "a", "b")}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			if !c.unavailable { // refused for good, not because of the time
				ctx = t.Context()
			}
			db, err := store.Open(ctx, c.o)
			if err == nil {
				t.Fatal("is opened", db.Close())
			}
			if errors.Is(err, registration.ErrUnavailable) != c.unavailable {
				t.Error(err)
			}
		})
	}
	t.Run("no database at all", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "registrar.db")
		if err := os.WriteFile(path, []byte("this is no database, and long enough to be seen as none by its header"), 0o600); err != nil {
			t.Fatal(err)
		}
		if db, err := store.Open(t.Context(), store.Options{Path: path}); err == nil {
			t.Error("is opened", db.Close())
		}
	})
}

// TestReadyAsksForTheSchema: a database without its tables is not ready.
func TestReadyAsksForTheSchema(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			o := b.new(t)
			db := open(t, o)
			if err := db.Ready(t.Context()); err == nil {
				t.Error("ready without a schema")
			}
			migrate(t, o)
			if err := db.Ready(t.Context()); err != nil {
				t.Error(err)
			}
			create(t, db, person())
		})
	}
}
