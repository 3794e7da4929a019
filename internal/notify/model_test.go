package notify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// world is a ledger, a provider and what the provider has seen. Instances of
// the service live and die in it.
type world struct {
	t       *testing.T
	ledger  *model
	mutex   sync.Mutex
	random  *rand.Rand
	taken   map[registration.ID]int  // messages that the provider took over
	refused map[registration.ID]bool // for good
	running map[registration.ID]bool // Sends by living instances
	resends int                      // how often the lane sends again after no answer
}

func (w *world) roll(n int) int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.random.IntN(n)
}

var errDead = errors.New("this instance is dead")

// instance is a ledger and a sender that die at a step: from then on nothing
// that the instance does has an effect, and it learns no answer.
type instance struct {
	*world
	mutex sync.Mutex
	steps int // left to live
	held  map[registration.ID]bool
	dead  bool
	stop  context.CancelFunc // of its Run
}

// second is the same bad provider under another name, for when the first one
// fails as a whole.
type second struct{ *instance }

func (second) Name() string { return "second" }

// step passes one point where the instance may die.
func (i *instance) step() error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.steps--; i.steps <= 0 && !i.dead {
		i.dead = true
		i.world.mutex.Lock()
		for id := range i.held { // its connections die with it
			delete(i.running, id)
		}
		i.world.mutex.Unlock()
	}
	if i.dead {
		return errDead
	}
	return nil
}

func (i *instance) Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, until time.Time) ([]notify.Claim, error) {
	if err := i.step(); err != nil {
		return nil, err
	}
	claims, err := i.ledger.Claim(ctx, owner, provider, ids, now, until)
	if dead := i.step(); dead != nil {
		return nil, dead
	}
	return claims, err
}

func (i *instance) MarkSending(ctx context.Context, owner, provider string, attempts []notify.Attempt, now time.Time) ([]registration.ID, error) {
	if err := i.step(); err != nil {
		return nil, err
	}
	ids, err := i.ledger.MarkSending(ctx, owner, provider, attempts, now)
	if dead := i.step(); dead != nil {
		return nil, dead
	}
	return ids, err
}

func (i *instance) Settle(ctx context.Context, owner string, outcomes []notify.Outcome, now time.Time) error {
	if err := i.step(); err != nil {
		return err
	}
	if i.roll(8) == 0 {
		return errDown
	}
	err := i.ledger.Settle(ctx, owner, outcomes, now)
	if dead := i.step(); dead != nil {
		return dead
	}
	if i.roll(8) == 0 {
		return errDown // done, but the answer is lost
	}
	return err
}

func (i *instance) Name() string     { return "provider" }
func (i *instance) Repeatable() bool { return false }
func (i *instance) Close() error     { return nil }

// Send is a provider in a bad week, with the checks that hold at every Send.
func (i *instance) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	if err := i.step(); err != nil {
		return notify.Receipt{}, err
	}
	id := m.NotificationID
	r := i.ledger.read(id)
	if !time.Now().Before(r.claim.Notification.Deadline) {
		i.t.Error("sent after its deadline")
	}
	i.mutex.Lock()
	if i.dead { // between the step and here
		i.mutex.Unlock()
		return notify.Receipt{}, errDead
	}
	i.world.mutex.Lock()
	if i.running[id] {
		i.t.Error("sent by two at the same time")
	}
	if i.taken[id] > 0 && r.ambiguous == 0 {
		i.t.Error("sent again although no attempt was ambiguous")
	}
	if r.ambiguous > i.resends {
		i.t.Errorf("sent after %d ambiguous attempts", r.ambiguous)
	}
	if i.refused[id] && r.ambiguous == 0 {
		i.t.Error("sent after a refusal")
	}
	i.running[id], i.held[id] = true, true
	i.world.mutex.Unlock()
	i.mutex.Unlock()
	defer func() {
		i.mutex.Lock()
		defer i.mutex.Unlock()
		if !i.dead {
			i.world.mutex.Lock()
			delete(i.running, id)
			i.world.mutex.Unlock()
		}
		delete(i.held, id)
	}()
	select {
	case <-time.After(time.Duration(i.roll(12000)) * time.Millisecond):
	case <-ctx.Done():
		return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Status: "TIMEOUT"} // known not to have been taken
	}
	kind := i.roll(10)
	if err := i.step(); err != nil {
		return notify.Receipt{}, err
	}
	i.world.mutex.Lock()
	switch {
	case kind < 6:
		i.taken[id]++
	case kind == 6:
		i.refused[id] = true
	}
	i.world.mutex.Unlock()
	if err := i.step(); err != nil {
		return notify.Receipt{}, err
	}
	switch {
	case kind < 5:
		return notify.Receipt{Ref: "ref", State: registration.Accepted}, nil
	case kind == 5, kind == 7: // taken, and not taken: the answer is lost
		return notify.Receipt{}, failure(notify.Ambiguous)
	case kind == 6:
		return notify.Receipt{}, failure(notify.Permanent)
	case kind == 8:
		return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Status: "X", Provider: true}
	default:
		return notify.Receipt{}, failure(notify.Transient)
	}
}

// TestCrashes lets instances die between any two steps while a relay publishes
// what is due, and looks at what became of each notification, in lanes of each
// priority.
func TestCrashes(t *testing.T) {
	for l, resends := range map[lane.Lane]int{lane.EmailOTP: 1 << 30, lane.EmailTransactional: 1, lane.EmailMarketing: 0} {
		for seed := range uint64(80) {
			t.Run(fmt.Sprint(l, " seed ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { crashes(t, l, resends, seed) })
			})
		}
	}
}

func crashes(t *testing.T, l lane.Lane, resends int, seed uint64) {
	const notifications = 12
	w := &world{t: t, ledger: newModel(), random: rand.New(rand.NewPCG(seed, 1)),
		taken: make(map[registration.ID]int), refused: make(map[registration.ID]bool), running: make(map[registration.ID]bool), resends: resends}
	for i := range notifications {
		c := claimOf(i, time.Duration(1+w.roll(60))*time.Minute)
		w.ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
	}
	var handling sync.WaitGroup
	started := 0
	var running sync.WaitGroup
	start := func() (*instance, *notify.Notifier) {
		started++
		i := &instance{world: w, steps: 1 + w.roll(60), held: make(map[registration.ID]bool)}
		n := newNotifier(t, i, i, func(c *notify.Config) {
			c.Owner, c.Window = fmt.Sprint("instance ", started), 1+w.roll(8)
			c.Lane, c.RetryCap = l, time.Minute
			c.Routes = append(c.Routes, notify.Route{Sender: second{i}, Gate: &gate{}})
		})
		ctx, stop := context.WithCancel(t.Context())
		i.stop = stop
		running.Go(func() { _ = n.Run(ctx) })
		return i, n
	}
	alive := make([]*instance, 3)
	notifiers := make([]*notify.Notifier, 3)
	for range 3 * 3600 { // seconds
		for k := range alive {
			if alive[k] == nil || alive[k].isDead() {
				if alive[k] != nil {
					alive[k].stop()
				}
				alive[k], notifiers[k] = start()
			}
		}
		if ids := w.ledger.due(time.Now()); len(ids) > 0 {
			// The queue repeats itself now and then: two instances get the same.
			for range 1 + w.roll(2) {
				n := notifiers[w.roll(3)]
				handling.Go(func() { _ = n.Handle(t.Context(), batchOf(ids...)) })
			}
		}
		time.Sleep(time.Second)
	}
	handling.Wait()
	for _, i := range alive {
		i.stop()
	}
	running.Wait()
	for i := range notifications {
		r, taken, refused := w.ledger.read(idOf(i)), w.taken[idOf(i)], w.refused[idOf(i)]
		switch {
		case !r.state.Settled() || r.outbox:
			t.Errorf("%d is lost in state %s", i, r.state)
		case taken > resends+1, taken > 1 && r.ambiguous == 0:
			t.Errorf("%d was taken %d times after %d ambiguous attempts", i, taken, r.ambiguous)
		case r.state == registration.Accepted && taken == 0:
			t.Errorf("%d is ACCEPTED, but nobody took it", i)
		case r.state == registration.Failed && !refused:
			t.Errorf("%d is FAILED, but nobody refused it", i)
		case r.state == registration.Expired && taken > 0:
			t.Errorf("%d is EXPIRED, but was taken", i)
		case r.state == registration.Unknown && r.ambiguous == 0:
			t.Errorf("%d is UNKNOWN without an ambiguous attempt", i)
		}
	}
}

func (i *instance) isDead() bool {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return i.dead
}
