package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// TestTheWriterIsLost under load, at handles that know the nodes in different
// orders: all go on at one of the others, and stay there when it is back.
func TestTheWriterIsLost(t *testing.T) {
	g := sharedCluster(t)
	for _, c := range []struct {
		name string
		lose func(*devstack.MariaDB) error
	}{
		{"killed", func(m *devstack.MariaDB) error { m.Kill(); return nil }},
		{"paused", (*devstack.MariaDB).Pause},
		{"cut off", (*devstack.MariaDB).Partition},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Cleanup(func() { g.mend(t) })
			o := g.database(t)
			var handles []*store.DB
			for i := range o.Addresses {
				own := o
				own.Addresses = slices.Concat(o.Addresses[i:], o.Addresses[:i])
				handles = append(handles, open(t, own))
			}
			before := settled(t, handles)
			l := startLoad(t, handles)
			time.Sleep(500 * time.Millisecond)
			if err := c.lose(g.named(t, before)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2500 * time.Millisecond)
			after := settled(t, handles)
			if after == before {
				t.Errorf("%s is still written to", after)
			}
			g.mend(t)
			time.Sleep(500 * time.Millisecond) // until it is probed
			if now := settled(t, handles); now != after {
				t.Errorf("%s is written to since %s is back, and was %s", now, before, after)
			}
			g.check(t, o, l.end())
		})
	}
}

// TestOneThatNobodyWritesToIsLost: nobody moves.
func TestOneThatNobodyWritesToIsLost(t *testing.T) {
	g := sharedCluster(t)
	t.Cleanup(func() { g.mend(t) })
	o := g.database(t)
	handles := []*store.DB{open(t, o), open(t, o)}
	before := settled(t, handles)
	l := startLoad(t, handles)
	time.Sleep(300 * time.Millisecond)
	lost := slices.IndexFunc(g.Nodes, func(m *devstack.MariaDB) bool { return m.About().Name != before })
	g.Nodes[lost].Kill()
	time.Sleep(2 * time.Second)
	if after := settled(t, handles); after != before {
		t.Errorf("%s is written to, and was %s", after, before)
	}
	results := l.end()
	g.mend(t)
	g.check(t, o, results)
}

// TestTheFirstNodeIsPaused when a process starts: it takes connections and never
// answers.
func TestTheFirstNodeIsPaused(t *testing.T) {
	g := sharedCluster(t)
	t.Cleanup(func() { g.mend(t) })
	o := g.database(t)
	o.ReadTimeout = time.Minute // so that it does not help
	if err := g.Nodes[0].Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(ctx); err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	db, err := store.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if !whole(t, db, create(t, db, person())) {
		t.Error("is not there")
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestHandlesThatDisagree write to different nodes, since each knows one only,
// and register the same address at once: one of them does.
func TestHandlesThatDisagree(t *testing.T) {
	g := sharedCluster(t)
	o := g.database(t)
	handles := []*store.DB{open(t, g.at(o, 0)), open(t, g.at(o, 1))}
	var results []result
	for range 100 {
		first := person()
		second := person(func(r *registration.Registration) { r.Account.Email = first.Account.Email })
		both := []registration.Registration{first, second}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, db := range handles {
			wg.Go(func() { _, errs[i] = db.Accounts().Create(t.Context(), both[i]) })
		}
		wg.Wait()
		winner := slices.Index(errs, nil)
		if winner < 0 || !errors.Is(errs[1-winner], registration.ErrEmailTaken) {
			t.Fatalf("answered %v", errs)
		}
		results = append(results, result{r: both[winner]})
	}
	g.check(t, o, results)
	var fence int
	if err := handles[0].Raw().GetContext(t.Context(), &fence, "SELECT fence FROM leases WHERE name = 'writer'"); err != nil || fence != 1 {
		t.Errorf("the row of the writer was changed %d times, %v", fence, err)
	}
}

// TestQuorumIsLostInMidTransaction: two of three nodes are gone, and neither the
// next statement nor ROLLBACK is taken any more. The server keeps what it has,
// and the next START TRANSACTION on that connection, when the others are back,
// would commit it.
func TestQuorumIsLostInMidTransaction(t *testing.T) {
	g := sharedCluster(t)
	for _, at := range []string{"INSERT INTO outbox", "COMMIT"} {
		t.Run(at, func(t *testing.T) {
			t.Cleanup(func() { g.mend(t) })
			o := g.at(g.database(t), 0) // one that knows no other node, so that nothing but the answers tells it
			o.MaxConnections = 1        // the next attempt is on the same connection, if it was kept
			i := &injector{}
			db := open(t, i.through(o))
			create(t, db, person())
			lost := once(at, 1, fault{run: true, before: func() {
				for _, m := range g.Nodes[1:] {
					if err := m.Partition(); err != nil {
						t.Error(err)
					}
				}
				g.await(t.Context(), t, g.Nodes[0], "wsrep_cluster_status", "non-Primary", "Disconnected")
				time.AfterFunc(300*time.Millisecond, func() { // the answers come at once
					for _, m := range g.Nodes[1:] {
						_ = m.Heal()
					}
				})
			}})
			back := once("START TRANSACTION", 2, fault{run: true, before: func() { g.mend(t) }})
			i.set(func(statement string) *fault {
				if f := lost(statement); f != nil {
					return f
				}
				return back(statement)
			})
			r := person()
			_, err := db.Accounts().Create(t.Context(), r)
			if err != nil && !errors.Is(err, registration.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			g.mend(t)
			i.set(nil)
			create(t, db, person())
			if !whole(t, db, r) && err == nil {
				t.Error("what was told as done is not there")
			}
		})
	}
}
