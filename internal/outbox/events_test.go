package outbox_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/event"
	"registrar/internal/lease"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// eventTable is the events' table, as the contract of EventStore describes it.
type eventTable struct {
	*database // for its leases, and to be down
	rows      []event.Event
	made      map[registration.ID][]registration.ID // all that ever were, by subject
	n         uint64
}

func newEventTable() *eventTable {
	return &eventTable{database: newDatabase(), made: map[registration.ID][]registration.ID{}}
}

// happen adds events of subjects, one each.
func (e *eventTable) happen(subjects ...int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range subjects {
		e.n++
		var one event.Event
		binary.BigEndian.PutUint64(one.ID[8:], e.n)
		binary.BigEndian.PutUint64(one.Subject[8:], uint64(s)+1)
		one.At = time.Now()
		e.rows = append(e.rows, one)
		e.made[one.Subject] = append(e.made[one.Subject], one.ID)
	}
}

func (e *eventTable) Waiting(_ context.Context, limit int) ([]event.Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.rows[:min(limit, len(e.rows))]), e.down
}

func (e *eventTable) Delete(_ context.Context, under lease.Lease, ids []registration.ID) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil {
		return e.down
	}
	if have := e.leases[under.Name]; have.Owner != under.Owner || have.Fence != under.Fence {
		return lease.ErrLost
	}
	e.rows = slices.DeleteFunc(e.rows, func(row event.Event) bool { return slices.Contains(ids, row.ID) })
	return nil
}

func (e *eventTable) Depth(context.Context) (int, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down != nil || len(e.rows) == 0 {
		return 0, time.Time{}, e.down
	}
	return len(e.rows), e.rows[0].At, nil
}

// topic has three partitions. fate, when set, says for each whether it takes
// what it is given, and whether it says so.
type topic struct {
	mu   sync.Mutex
	came [3][]event.Event
	fate func(partition int) (takes, says bool)
}

func partitionOf(e event.Event) int { return int(e.Subject[15]) % 3 }

func (b *topic) Publish(_ context.Context, events []event.Event) (published []registration.ID, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.came {
		takes, says := true, true
		if b.fate != nil {
			takes, says = b.fate(p)
		}
		for _, e := range events {
			if partitionOf(e) != p {
				continue
			}
			if takes {
				b.came[p] = append(b.came[p], e)
			}
			if takes && says {
				published = append(published, e.ID)
			} else {
				err = errDown
			}
		}
	}
	return published, err
}

func (b *topic) set(fate func(int) (bool, bool)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fate = fate
}

// first is the order of the first arrivals of each subject, and how often all came.
func (b *topic) first() (order map[registration.ID][]registration.ID, times map[registration.ID]int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	order, times = map[registration.ID][]registration.ID{}, map[registration.ID]int{}
	for _, p := range b.came {
		for _, e := range p {
			if times[e.ID]++; times[e.ID] == 1 {
				order[e.Subject] = append(order[e.Subject], e.ID)
			}
		}
	}
	return order, times
}

// check that all came that happened, in order, and nothing is left.
func check(t *testing.T, table *eventTable, b *topic) {
	t.Helper()
	order, _ := b.first()
	for subject, want := range table.made {
		if got := order[subject]; !slices.Equal(got, want) {
			t.Errorf("of subject %d came %v, want %v", subject[15], got, want)
		}
	}
	if n, _, _ := table.Depth(context.Background()); n != 0 {
		t.Errorf("%d events are left", n)
	}
}

// relayEvents runs Events until the test ends or stop is called.
func relayEvents(t *testing.T, s outbox.Settings, table outbox.EventStore, leases lease.Store, b outbox.EventPublisher, observe outbox.EventObserver) (stop func(), log *lines) {
	t.Helper()
	log = &lines{}
	e := outbox.NewEvents(s, table, leases, b, time.Now, slog.New(slog.NewTextHandler(log, nil)), observe)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop, log
}

// TestEventsArePublished once each where nothing goes wrong, also many.
func TestEventsArePublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, b := newEventTable(), &topic{}
		for i := range 3000 {
			table.happen(i % 40)
		}
		var published atomic.Int64
		var leads atomic.Bool
		var depth atomic.Int64
		stop, log := relayEvents(t, outbox.Settings{Owner: "a"}, table, table, b, outbox.EventObserver{
			Published: func(n int) { published.Add(int64(n)) }, Leading: leads.Store,
			Depth: func(rows int, _ time.Duration) { depth.Store(int64(rows)) },
		})
		time.Sleep(time.Second)
		table.happen(1, 2, 3)
		time.Sleep(time.Minute)
		check(t, table, b)
		if published.Load() != 3003 || !leads.Load() || depth.Load() != 0 {
			t.Errorf("published %d, leading %v, depth %d", published.Load(), leads.Load(), depth.Load())
		}
		stop()
		if have := table.leases["events-relay"]; have.Owner != "" || leads.Load() {
			t.Errorf("the lease is %+v after the end", have)
		}
		if log.count() != 0 {
			t.Errorf("it said %v", log.all)
		}
	})
}

// TestAStuckPartition holds up neither the others nor makes them come again.
func TestAStuckPartition(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, b := newEventTable(), &topic{}
		b.set(func(p int) (bool, bool) { return p != 1, true })
		_, log := relayEvents(t, outbox.Settings{Owner: "a", Batch: 50}, table, table, b, outbox.EventObserver{})
		for range 20 {
			table.happen(0, 1, 2)
			time.Sleep(5 * time.Second)
		}
		time.Sleep(time.Minute)
		_, times := b.first()
		if len(times) != 40 {
			t.Errorf("%d events came", len(times))
		}
		b.set(nil)
		time.Sleep(time.Minute)
		check(t, table, b)
		_, times = b.first()
		for id, n := range times {
			if n != 1 {
				t.Errorf("event %d came %d times", id[15], n)
			}
		}
		if log.count() > 6 {
			t.Errorf("%d lines in two minutes", log.count())
		}
	})
}

// TestEventsAfterFaults: three servers, a broker that takes what it does not
// say and says nothing of what it takes, a database that comes and goes, and
// leases that are lost. Whatever happens, everything comes, and the first time
// in its order.
func TestEventsAfterFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 1))
				table, b := newEventTable(), &topic{}
				var mu sync.Mutex
				b.set(func(int) (bool, bool) {
					mu.Lock()
					defer mu.Unlock()
					return r.IntN(3) > 0, r.IntN(3) > 0
				})
				for i := range 3 {
					relayEvents(t, outbox.Settings{Owner: fmt.Sprint("owner", i), Batch: 7}, table, table, b, outbox.EventObserver{})
				}
				for range 150 {
					mu.Lock()
					what, subject, pause := r.IntN(8), r.IntN(6), time.Duration(r.IntN(700))*time.Millisecond
					mu.Unlock()
					switch what {
					case 0:
						table.set(errors.New("database is down"))
					case 1:
						table.set(nil)
					case 2: // whoever leads is taken for dead
						table.mu.Lock()
						table.leases["events-relay"] = lease.Lease{Name: "events-relay", Fence: table.leases["events-relay"].Fence + 1}
						table.mu.Unlock()
					default:
						table.happen(subject, subject, (subject+1)%6)
					}
					time.Sleep(pause)
				}
				b.set(nil)
				table.set(nil)
				time.Sleep(2 * time.Minute)
				check(t, table, b)
			})
		})
	}
}

// TestEventsStandBack: a server without the lease reads nothing, and takes over
// from one that is gone.
func TestEventsStandBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table, b := newEventTable(), &topic{}
		var leads [2]atomic.Bool
		first, _ := relayEvents(t, outbox.Settings{Owner: "first"}, table, table, b, outbox.EventObserver{Leading: leads[0].Store})
		time.Sleep(time.Second)
		relayEvents(t, outbox.Settings{Owner: "second"}, table, table, b, outbox.EventObserver{Leading: leads[1].Store})
		time.Sleep(time.Minute)
		if !leads[0].Load() || leads[1].Load() {
			t.Fatalf("leading: %v, %v", leads[0].Load(), leads[1].Load())
		}
		first()
		time.Sleep(4 * time.Second)
		table.happen(1)
		time.Sleep(2 * time.Second)
		if !leads[1].Load() {
			t.Error("nobody leads")
		}
		check(t, table, b)
	})
}
