package notify_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// people are n notifications of different people, in a ledger.
func people(n int) (*model, []registration.ID) {
	ledger := newModel()
	var ids []registration.ID
	for i := range n {
		c := claimOf(i, time.Hour)
		c.Notification.Recipient = fmt.Sprint("person", i, "@example.com")
		ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
		ids = append(ids, c.NotificationID)
	}
	return ledger, ids
}

// TestNobodysTimeRunsBeforeTheirTurn: a sender that can do a few at once has the
// whole time for each, however many wait.
func TestNobodysTimeRunsBeforeTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, ids := people(40)
		s := &sender{send: func(ctx context.Context, _ notify.Message) (notify.Receipt, error) {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != 10*time.Second {
				t.Errorf("has %v left", time.Until(deadline))
			}
			time.Sleep(time.Second)
			return notify.Receipt{}, ctx.Err()
		}}
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.Routes[0].Parallel = 4 })
		if err := handle(t.Context(), n, batchOf(ids...)); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if r := ledger.read(id); r.state != registration.Accepted || r.ambiguous != 0 {
				t.Errorf("%s, %s", r.state, r.reason)
			}
		}
	})
}

// TestTheEndIsBounded: at the end of Run no other Send begins, those that run
// are cut off after a while, and what was claimed is put back.
func TestTheEndIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger, ids := people(30)
		s := &sender{send: func(ctx context.Context, _ notify.Message) (notify.Receipt, error) {
			<-ctx.Done()
			return notify.Receipt{}, failure(notify.Ambiguous)
		}}
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.Routes[0].Parallel, c.Drain = 4, 3*time.Second })
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = n.Run(ctx) })
		if err := n.Handle(t.Context(), batchOf(ids...)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		run.Wait()
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
		if s.sent.Load() != 4 {
			t.Errorf("%d Sends began", s.sent.Load())
		}
		for _, id := range ids {
			if r := ledger.read(id); r.state != registration.Queued {
				t.Errorf("%s, %s", r.state, r.reason)
			}
		}
	})
}

// TestAClaimIsWhole: the end of a caller's context does not break a claim off,
// which may have been made all the same.
func TestAClaimIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, ids := people(3)
		ledger := &slow{model}
		s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, nil }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = handle(ctx, newNotifier(t, ledger, s), batchOf(ids...))
		for _, id := range ids {
			if r := model.read(id); r.state != registration.Accepted {
				t.Errorf("%s", r.state)
			}
		}
	})
}

// slow is a ledger whose claims take longer than their callers wait.
type slow struct{ *model }

func (s *slow) Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, until time.Time) ([]notify.Claim, error) {
	time.Sleep(2 * time.Second)
	if err := ctx.Err(); err != nil {
		_, _ = s.model.Claim(ctx, owner, provider, ids, now, until)
		return nil, err
	}
	return s.model.Claim(ctx, owner, provider, ids, now, until)
}

// away is a ledger that settles nothing for a while.
type away struct {
	*model
	from, to time.Time
}

func (a *away) Settle(ctx context.Context, owner string, outcomes []notify.Outcome, now time.Time) error {
	if now.After(a.from) && now.Before(a.to) {
		return errDown
	}
	return a.model.Settle(ctx, owner, outcomes, now)
}

// TestEachAttemptHasItsOwnLease: what is given up with one whose lease is over
// is that one alone.
func TestEachAttemptHasItsOwnLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model, ids := people(2)
		ledger := &away{model, time.Now().Add(19 * time.Second), time.Now().Add(33 * time.Second)}
		s := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
			if m.NotificationID == ids[0] {
				time.Sleep(9900 * time.Millisecond)
			}
			return notify.Receipt{}, nil
		}}
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.SettleDelay = 15 * time.Second })
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { _ = n.Run(ctx) })
		if err := n.Handle(t.Context(), batchOf(ids[0])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		if err := n.Handle(t.Context(), batchOf(ids[1])); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		n.AwaitSends()
		stop()
		run.Wait()
		if first, second := model.read(ids[0]), model.read(ids[1]); first.state != registration.Sending || second.state != registration.Accepted {
			t.Errorf("%s and %s", first.state, second.state)
		}
	})
}
