package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// TestOneLeads: of two relays one looks at the outbox; the other takes over.
func TestOneLeads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		var leads [2]atomic.Bool
		var relays [2]*relay
		for i := range relays {
			relays[i] = newRelay(outbox.Settings{Owner: fmt.Sprint("owner", i)}, d, b, outbox.Observer{Leading: leads[i].Store}).run(t)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		if !leads[0].Load() || leads[1].Load() {
			t.Fatalf("leading: %v, %v", leads[0].Load(), leads[1].Load())
		}
		relays[0].stop()
		if leads[0].Load() {
			t.Error("leads after its end")
		}
		time.Sleep(4 * time.Second) // the lease was given up: no need to wait for its end
		if !leads[1].Load() {
			t.Error("nobody leads")
		}
		all := notifications(0, 1200)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(3 * time.Second)
		each(t, "published", all, b.times(), 1)
	})
}

// TestLeaseLost: who was paused for longer than its lease learns of it at the
// mark, and stops leading.
func TestLeaseLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		var leads atomic.Bool
		newRelay(outbox.Settings{Owner: "mine", LeaseTTL: time.Minute}, d, b, outbox.Observer{Leading: leads.Store}).run(t)
		time.Sleep(time.Second)
		d.mu.Lock()
		stolen := d.leases["outbox-relay"]
		stolen.Owner, stolen.Fence, stolen.Expires = "theirs", stolen.Fence+1, time.Now().Add(time.Minute)
		d.leases["outbox-relay"] = stolen
		d.mu.Unlock()
		all := notifications(0, 10)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(10 * time.Second)
		if leads.Load() {
			t.Error("still leads")
		}
		each(t, "marked", all, d.published(), 0)
		time.Sleep(2 * time.Minute) // the other does nothing and its lease ends
		if !leads.Load() {
			t.Error("does not lead again")
		}
		each(t, "marked", all, d.published(), 1)
	})
}

// TestLeaseHeldThroughSlowBatches: a broker that takes its time does not cost
// the lease, nor is a batch published after it.
func TestLeaseHeldThroughSlowBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.set(func(context.Context, []lane.Message) (bool, error) {
			time.Sleep(2500 * time.Millisecond)
			return true, nil
		})
		var changes atomic.Int64
		first := newRelay(outbox.Settings{Owner: "first", Batch: 10}, d, b, outbox.Observer{Leading: func(bool) { changes.Add(1) }}).run(t)
		time.Sleep(time.Second)
		newRelay(outbox.Settings{Owner: "second", Batch: 10}, d, b, outbox.Observer{}).run(t)
		all := notifications(0, 200)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(90 * time.Second)
		each(t, "published", all, b.times(), 1)
		if changes.Load() != 1 {
			t.Errorf("leadership changed %d times, want once", changes.Load())
		}
		first.stop()
	})
}

func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		r := newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		time.Sleep(time.Second)
		d.set(errors.New("database is down"))
		all := notifications(0, 10)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(10 * time.Minute)
		if n := r.log.count(); n > 12 {
			t.Errorf("%d lines in 10 minutes", n)
		}
		if ok, _ := r.Health(); !ok {
			t.Error("the queue is said to be ill")
		}
		d.set(nil)
		time.Sleep(30 * time.Second)
		each(t, "published", all, b.times(), 1)
	})
}

// mortal is one process's way to the database and the broker: once it is dead
// nothing goes through any more, at whatever point the process was.
type mortal struct {
	*database
	*broker
	mu    sync.Mutex
	fuse  int // calls until death
	dead  bool
	after bool // the last call has its effect, and the process does not learn of it
}

var errDead = errors.New("this process is dead")

func (m *mortal) call(do func() error) error {
	m.mu.Lock()
	if m.dead {
		m.mu.Unlock()
		return errDead
	}
	m.fuse--
	dies := m.fuse <= 0
	m.dead = dies
	m.mu.Unlock()
	if dies && !m.after {
		return errDead
	}
	err := do()
	if dies {
		return errDead
	}
	return err
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) Publish(ctx context.Context, all []lane.Message) error {
	return m.call(func() error { return m.broker.Publish(ctx, all) })
}

func (m *mortal) Ping(ctx context.Context) error {
	return m.call(func() error { return m.broker.Ping(ctx) })
}

func (m *mortal) Published(ctx context.Context, under *lease.Lease, ids []registration.ID, now time.Time) error {
	return m.call(func() error { return m.database.Published(ctx, under, ids, now) })
}

func (m *mortal) Due(ctx context.Context, lanes []lane.Lane, now time.Time, limit int) (due []lane.Message, err error) {
	err = m.call(func() error {
		due, err = m.database.Due(ctx, lanes, now, limit)
		return err
	})
	return due, err
}

func (m *mortal) Acquire(ctx context.Context, name, owner string, now time.Time, ttl time.Duration) (taken lease.Lease, held bool, err error) {
	err = m.call(func() error {
		taken, held, err = m.database.Acquire(ctx, name, owner, now, ttl)
		return err
	})
	return taken, held, err
}

func (m *mortal) Release(ctx context.Context, under lease.Lease) error {
	return m.call(func() error { return m.database.Release(ctx, under) })
}

// TestNothingIsLost is a model of a cluster: relays die at any call, before or
// after its effect, and others come; the broker fails now and then, having
// taken the messages or not; registrations go on. In the end every committed
// notification has reached the broker, and none more often than its deaths and
// failures explain.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { model(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func model(t *testing.T, random *rand.Rand) {
	d, b := newDatabase(), &broker{}
	var mu sync.Mutex // of random and failures
	failures := 0
	b.set(func(_ context.Context, _ []lane.Message) (bool, error) {
		mu.Lock()
		takes, fails, taken := time.Duration(random.IntN(20))*time.Millisecond, random.IntN(10) == 0, random.IntN(2) == 0
		if fails {
			failures++
		}
		mu.Unlock()
		time.Sleep(takes) // not under the lock: the bubble's clock would stand still
		if fails {
			return taken, errDown
		}
		return true, nil
	})
	deaths := 0
	born := 0
	spawn := func() (*relay, *mortal) {
		mu.Lock()
		defer mu.Unlock()
		born++
		m := &mortal{database: d, broker: b, fuse: 1 + random.IntN(60), after: random.IntN(2) == 0}
		return newRelay(outbox.Settings{Owner: fmt.Sprint("owner", born), Batch: 20}, m, m, outbox.Observer{}).run(t), m
	}
	var relays [3]*relay
	var lives [3]*mortal
	for i := range relays {
		relays[i], lives[i] = spawn()
	}
	var all []registration.Notification
	for step := range 300 {
		n := notifications(step*3, step*3+1+step%3)
		d.insert(time.Now().Add(firstDue), messagesOf(t, n)...)
		all = append(all, n...)
		relays[step%3].Announce(n) // whether it is alive or not
		time.Sleep(100 * time.Millisecond)
		for i := range relays {
			if lives[i].isDead() {
				deaths++
				relays[i].stop()
				relays[i], lives[i] = spawn()
			}
		}
	}
	b.set(nil)
	for i := range relays {
		relays[i].stop()
	}
	last := newRelay(outbox.Settings{Owner: "last"}, d, b, outbox.Observer{}).run(t)
	time.Sleep(30 * time.Second)
	last.stop()
	if deaths < 10 || failures < 10 {
		t.Fatalf("%d deaths and %d failures: not much of a test", deaths, failures)
	}
	times, total := b.times(), 0
	for _, n := range all {
		total += times[n.ID]
		if times[n.ID] == 0 {
			t.Errorf("%s is lost", n.ID)
		}
	}
	marked := d.published()
	for _, n := range all {
		if marked[n.ID] == 0 {
			t.Errorf("%s is not marked", n.ID)
		}
	}
	if extra := total - len(all); extra > 20*3*(deaths+failures) {
		t.Errorf("%d publications too many for %d deaths and %d failures", extra, deaths, failures)
	}
}
