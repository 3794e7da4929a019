package notify_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// named is a sender with a name of its own.
type named struct {
	*sender
	name string
}

func (n named) Name() string { return n.name }

// marks is a ledger that keeps by whom attempts were marked to leave.
type marks struct {
	*model
	by   []string
	fail error
	lost bool
}

func (m *marks) Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, until time.Time) ([]notify.Claim, error) {
	m.by = append(m.by, provider)
	return m.model.Claim(ctx, owner, provider, ids, now, until)
}

func (m *marks) MarkSending(ctx context.Context, owner, provider string, attempts []notify.Attempt, now time.Time) ([]registration.ID, error) {
	if m.fail != nil || m.lost {
		return nil, m.fail
	}
	m.by = append(m.by, provider)
	return m.model.MarkSending(ctx, owner, provider, attempts, now)
}

// TestFailOver: the next provider is asked when the failure is the provider's
// and the message surely was not taken, and the ledger knows it first.
func TestFailOver(t *testing.T) {
	accepted := func() error { return nil }
	fails := func(class notify.Class, provider bool) func() error {
		return func() error { return &notify.SendError{Class: class, Status: "X", Provider: provider} }
	}
	for _, c := range []struct {
		name          string
		first, second func() error
		shut          [2]bool
		ledger        func(*marks)
		marked        []string // by provider, in order
		sent          [2]int64
		state         registration.State
		reason        string
	}{
		{name: "the first works", first: accepted, second: accepted, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Accepted},
		{name: "the first has no connection", first: fails(notify.Transient, true), second: accepted, marked: []string{"a", "b"}, sent: [2]int64{1, 1}, state: registration.Accepted},
		{name: "the first is overloaded", first: fails(notify.Throttled, true), second: accepted, marked: []string{"a", "b"}, sent: [2]int64{1, 1}, state: registration.Accepted},
		{name: "the first is shut", shut: [2]bool{true, false}, first: accepted, second: accepted, marked: []string{"b"}, sent: [2]int64{0, 1}, state: registration.Accepted},
		{name: "both fail", first: fails(notify.Transient, true), second: fails(notify.Transient, true), marked: []string{"a", "b"}, sent: [2]int64{1, 1}, state: registration.Queued, reason: "TRANSIENT X"},
		{name: "the second is shut", shut: [2]bool{false, true}, first: fails(notify.Transient, true), marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Queued, reason: "TRANSIENT X"},
		{name: "the failure is the message's", first: fails(notify.Transient, false), second: accepted, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Queued, reason: "TRANSIENT X"},
		{name: "it may have been taken", first: fails(notify.Ambiguous, true), second: accepted, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Queued, reason: "AMBIGUOUS X"},
		{name: "it was refused", first: fails(notify.Permanent, true), second: accepted, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Failed, reason: "PERMANENT X"},
		{name: "the ledger cannot be told", first: fails(notify.Transient, true), second: accepted, ledger: func(m *marks) { m.fail = errDown }, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Queued, reason: "LEDGER"},
		{name: "another notifier has it", first: fails(notify.Transient, true), second: accepted, ledger: func(m *marks) { m.lost = true }, marked: []string{"a"}, sent: [2]int64{1, 0}, state: registration.Sending},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger := &marks{model: newModel(claimOf(1, time.Hour))}
				if c.ledger != nil {
					c.ledger(ledger)
				}
				by := func(answer func() error) *sender {
					return &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, answer() }}
				}
				senders, gates := [2]*sender{by(c.first), by(c.second)}, [2]*gate{{}, {}}
				for i, shut := range c.shut {
					gates[i].shut.Store(shut)
				}
				n := newNotifier(t, ledger, nil, func(config *notify.Config) {
					config.Routes = []notify.Route{{Sender: named{senders[0], "a"}, Gate: gates[0]}, {Sender: named{senders[1], "b"}, Gate: gates[1]}}
				})
				if err := handle(t.Context(), n, batchOf(idOf(1))); err != nil {
					t.Fatal(err)
				}
				r := ledger.read(idOf(1))
				if r.state != c.state || r.reason != c.reason || senders[0].sent.Load() != c.sent[0] || senders[1].sent.Load() != c.sent[1] {
					t.Errorf("%s %q, sent %d and %d", r.state, r.reason, senders[0].sent.Load(), senders[1].sent.Load())
				}
				if len(ledger.by) != len(c.marked) || ledger.by[0] != c.marked[0] || ledger.by[len(ledger.by)-1] != c.marked[len(c.marked)-1] {
					t.Errorf("marked by %v, want %v", ledger.by, c.marked)
				}
				if gates[0].inside.Load() != 0 || gates[1].inside.Load() != 0 {
					t.Error("a gate was not told of the end")
				}
			})
		})
	}
}

// TestAnotherProviderAfterNoAnswer: what had no answer at a provider is sent again
// by the next one that works, and so is a code that was not taken for now.
func TestAnotherProviderAfterNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		lane   lane.Lane
		before func(*notify.Claim)
		marked []string
	}{
		{"news without an answer", lane.EmailTransactional, func(c *notify.Claim) { c.Provider, c.Ambiguous = "a", 1 }, []string{"a", "b"}},
		{"a code without an answer", lane.EmailOTP, func(c *notify.Claim) { c.Provider, c.Ambiguous = "a", 3 }, []string{"a", "b"}},
		{"a code that was not taken", lane.EmailOTP, func(c *notify.Claim) { c.Provider = "a" }, []string{"a", "b"}},
		{"a code that the other had", lane.EmailOTP, func(c *notify.Claim) { c.Provider = "b" }, []string{"a"}},
		{"news that was not taken", lane.EmailTransactional, func(c *notify.Claim) { c.Provider = "a" }, []string{"a"}},
		{"a first attempt", lane.EmailOTP, func(*notify.Claim) {}, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				claim := claimOf(1, time.Hour)
				c.before(&claim)
				ledger := &marks{model: newModel(claim)}
				s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, nil }}
				gates := [2]*gate{{}, {}}
				n := newNotifier(t, ledger, s, func(config *notify.Config) {
					config.Lane = c.lane
					config.Routes = []notify.Route{{Sender: named{s, "a"}, Gate: gates[0]}, {Sender: named{s, "b"}, Gate: gates[1]}}
				})
				if err := handle(t.Context(), n, batchOf(idOf(1))); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(ledger.by, c.marked) || s.sent.Load() != 1 {
					t.Errorf("marked by %v, sent %d", ledger.by, s.sent.Load())
				}
				if gates[0].inside.Load() != 0 || gates[1].inside.Load() != 0 {
					t.Error("a gate was not told of the end")
				}
			})
		})
	}
}

// TestNothingIsClaimedWithoutAProvider: while none works, messages stay in the
// queue; codes are left to the sweep, so that nothing behind them waits.
func TestNothingIsClaimedWithoutAProvider(t *testing.T) {
	for _, l := range []lane.Lane{lane.EmailTransactional, lane.EmailOTP} {
		synctest.Test(t, func(t *testing.T) {
			ledger, g := newModel(claimOf(1, time.Hour), claimOf(2, time.Hour)), &gate{}
			g.shut.Store(true)
			s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, nil }}
			n := newNotifier(t, ledger, s, func(c *notify.Config) {
				c.Lane, c.Routes = l, []notify.Route{{Sender: s, Gate: g}}
				if l.Priority() == lane.OneTimeCode {
					c.Sweeper = ledger
				}
			})
			batch := batchOf(idOf(1), idOf(2))
			batch[1].Deadline = time.Now() // is told its end without any provider
			err := handle(t.Context(), n, batch)
			if want := l == lane.EmailTransactional; errors.Is(err, notify.ErrShut) != want {
				t.Errorf("%s: %v", l, err)
			}
			if r := ledger.read(idOf(1)); r.state != registration.Queued || r.attempts != 0 {
				t.Errorf("%s: %s after %d attempts", l, r.state, r.attempts)
			}
			if r := ledger.read(idOf(2)); r.attempts != 1 {
				t.Errorf("%s: what is too late was not looked at", l)
			}
		})
	}
}

// TestTheSweepFindsWhatNoBrokerBrings, what a dead notifier held, and what is to
// be tried again.
func TestTheSweepFindsWhatNoBrokerBrings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel(claimOf(1, time.Hour), claimOf(2, time.Hour), claimOf(3, time.Hour))
		for i := range 3 {
			ledger.rows[idOf(i+1)].dueAt = time.Now().Add(time.Second)
		}
		if _, err := ledger.Claim(t.Context(), "dead", "", []registration.ID{idOf(2)}, time.Now(), time.Now().Add(10*time.Second)); err != nil {
			t.Fatal(err)
		}
		ledger.rows[idOf(2)].dueAt = time.Now().Add(10 * time.Second)
		tries := 0
		s := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
			if m.NotificationID == idOf(3) {
				if tries++; tries < 3 {
					return notify.Receipt{}, failure(notify.Transient)
				}
			}
			return notify.Receipt{}, nil
		}}
		seen := &observer{}
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.Lane, c.Sweeper, c.Observer = lane.EmailOTP, ledger, seen })
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = n.Run(ctx) })
		time.Sleep(990 * time.Millisecond)
		if s.sent.Load() != 0 {
			t.Error("swept before its time")
		}
		time.Sleep(500 * time.Millisecond)
		if r := ledger.read(idOf(1)); r.state != registration.Accepted {
			t.Errorf("a code that no broker has brought is %s after 1.5 s", r.state)
		}
		time.Sleep(20 * time.Second)
		for i := range 3 {
			if r := ledger.read(idOf(i + 1)); r.state != registration.Accepted {
				t.Errorf("%d is %s", i+1, r.state)
			}
		}
		if seen.swept < 5 {
			t.Errorf("observed %d", seen.swept)
		}
		stop()
		running.Wait()
	})
}
