package outbox_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/lane"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// due of a row that its own process publishes at once: the poll comes later.
const firstDue = 5 * time.Second

func TestAnnounced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		r := newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		all := notifications(0, 10)
		d.insert(time.Now().Add(firstDue), messagesOf(t, all)...)
		begun := time.Now()
		r.Announce(all)
		synctest.Wait()
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("published after %v, want at once", waited)
		}
		each(t, "published", all, b.times(), 1)
		time.Sleep(time.Minute)
		each(t, "published within Grace", all, b.times(), 1)
		each(t, "marked", all, d.published(), 1)

		// Not settled, they are published again when Grace is over.
		time.Sleep(outbox.Grace(lane.EmailTransactional, 1))
		each(t, "published after Grace", all, b.times(), 2)
		time.Sleep(outbox.Grace(lane.EmailTransactional, 2))
		each(t, "published after the second Grace", all, b.times(), 3)
		for _, n := range all {
			d.settle(n.ID)
		}
		time.Sleep(48 * time.Hour)
		each(t, "published when settled", all, b.times(), 3)
		if ok, _ := r.Health(); !ok {
			t.Error("ill")
		}
	})
}

// TestGathered: what comes while a batch is on its way makes one batch.
func TestGathered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.behave = func(context.Context, []lane.Message) (bool, error) {
			time.Sleep(100 * time.Millisecond)
			return true, nil
		}
		r := newRelay(outbox.Settings{Batch: 50}, d, b, outbox.Observer{}).run(t)
		all := notifications(0, 120)
		d.insert(time.Now().Add(firstDue), messagesOf(t, all)...)
		for i := range all {
			r.Announce(all[i : i+1])
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		each(t, "published", all, b.times(), 1)
		each(t, "marked", all, d.published(), 1)
		if len(b.calls) > 5 || slices.Max(b.calls) != 50 || b.calls[0] != 1 {
			t.Errorf("batches of %v", b.calls)
		}
	})
}

// TestPace: a busy system makes few large batches, a code does not wait.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		r := newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		all := notifications(0, 1000)
		d.insert(time.Now().Add(firstDue), messagesOf(t, all)...)
		for i := range all {
			r.Announce(all[i : i+1])
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		each(t, "published", all, b.times(), 1)
		if n := len(b.calls); n < 40 || n > 60 {
			t.Errorf("%d batches in a second, want about 50", n)
		}
	})
}

func TestOverflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var dropped atomic.Int64
		d, b := newDatabase(), &broker{}
		r := newRelay(outbox.Settings{Buffer: 10}, d, b, outbox.Observer{Dropped: func(n int) { dropped.Add(int64(n)) }})
		all := notifications(0, 100)
		d.insert(time.Now().Add(firstDue), messagesOf(t, all)...)
		r.Announce(all) // nobody listens yet, and it returns
		if dropped.Load() != 90 {
			t.Errorf("%d dropped, want 90", dropped.Load())
		}
		r.run(t)
		time.Sleep(firstDue + 2*time.Second)
		each(t, "published", all, b.times(), 1)
	})
}

func TestBrokerDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var failed, published atomic.Int64
		d, b := newDatabase(), &broker{}
		b.set(brokerDown)
		r := newRelay(outbox.Settings{}, d, b, outbox.Observer{
			Failed: func(n int) { failed.Add(int64(n)) }, Published: func(n int) { published.Add(int64(n)) },
		}).run(t)
		begun := time.Now()
		all := notifications(0, 2000)
		for i := range 20 {
			d.insert(time.Now().Add(firstDue), messagesOf(t, all[i*100:i*100+100])...)
			r.Announce(all[i*100 : i*100+100])
			time.Sleep(30 * time.Second)
		}
		if ok, since := r.Health(); ok || !since.Equal(begun) {
			t.Errorf("healthy %v since %v, want ill since %v", ok, since, begun)
		}
		if n := r.log.count(); n > 12 {
			t.Errorf("%d lines in the log after 10 minutes, want one a minute: %v", n, r.log.all[:12])
		}
		if n := len(b.calls); n > 250 {
			t.Errorf("%d attempts in 10 minutes: no back-off", n)
		}
		each(t, "marked while the broker is down", all, d.published(), 0)
		b.set(nil)
		time.Sleep(20 * time.Second)
		each(t, "published", all, b.times(), 1)
		each(t, "marked", all, d.published(), 1)
		if ok, since := r.Health(); !ok || !since.After(begun.Add(10*time.Minute-time.Second)) {
			t.Errorf("healthy %v since %v", ok, since)
		}
		if published.Load() != 2000 || failed.Load() == 0 {
			t.Errorf("%d published, %d failed", published.Load(), failed.Load())
		}
	})
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.behave = func(context.Context, []lane.Message) (bool, error) {
			time.Sleep(50 * time.Millisecond)
			return true, nil
		}
		r := newRelay(outbox.Settings{Batch: 10}, d, b, outbox.Observer{}).run(t)
		all := notifications(0, 100)
		d.insert(time.Now().Add(firstDue), messagesOf(t, all)...)
		r.Announce(all)
		r.stop()
		each(t, "published", all, b.times(), 1)
		each(t, "marked", all, d.published(), 1)
		r.Announce(notifications(100, 101)) // after the end it still does not block
	})
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.set(hangs)
		r := newRelay(outbox.Settings{Drain: 3 * time.Second}, d, b, outbox.Observer{}).run(t)
		r.Announce(notifications(0, 5))
		synctest.Wait()
		r.Announce(notifications(5, 10))
		begun := time.Now()
		r.stop()
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("stopped after %v, want 3 s at most", took)
		}
	})
}

// TestLanesApart: a lane that cannot be published neither holds up nor repeats
// another's messages, and a lane that nobody knows holds up none.
func TestLanesApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.set(func(ctx context.Context, all []lane.Message) (bool, error) {
			if all[0].Lane == lane.EmailMarketing {
				return hangs(ctx, all)
			}
			return true, nil
		})
		stuck, well, strange := notifications(0, 50), notifications(50, 100), notifications(100, 101)
		for _, m := range messagesOf(t, stuck) {
			m.Lane = lane.EmailMarketing
			d.insert(time.Now(), m)
		}
		d.insert(time.Now(), messagesOf(t, well)...)
		for _, m := range messagesOf(t, strange) {
			m.Lane = "pigeon.otp"
			d.insert(time.Now(), m)
		}
		newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		time.Sleep(time.Minute)
		each(t, "published, lane that works", well, b.times(), 1)
		each(t, "published, lane that is stuck", stuck, b.times(), 0)
		each(t, "published, lane that nobody knows", strange, b.times(), 0)
		b.set(nil)
		time.Sleep(30 * time.Second)
		each(t, "published, lane that was stuck", stuck, b.times(), 1)
		each(t, "published, lane that works", well, b.times(), 1)
	})
}

func TestDepth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var rows atomic.Int64
		var age atomic.Int64
		d, b := newDatabase(), &broker{}
		all := notifications(0, 7)
		d.insert(time.Now(), messagesOf(t, all)...)
		newRelay(outbox.Settings{}, d, b, outbox.Observer{Depth: func(n int, oldest time.Duration) {
			rows.Store(int64(n))
			age.Store(int64(oldest))
		}}).run(t)
		time.Sleep(2 * time.Minute)
		if got := time.Duration(age.Load()); rows.Load() != 7 || got < 100*time.Second || got > 2*time.Minute {
			t.Errorf("%d rows, oldest %v", rows.Load(), got)
		}
	})
}

// TestIdle: nothing to do costs a look a second, a code that is due does not
// wait longer than that.
func TestIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		looks := &counted{database: d}
		newRelay(outbox.Settings{}, looks, b, outbox.Observer{}).run(t)
		time.Sleep(time.Minute)
		before := looks.due.Load()
		time.Sleep(10 * time.Minute)
		if n := looks.due.Load() - before; n < 800 || n > 1600 {
			t.Errorf("%d looks in 10 idle minutes, want about 1,200", n)
		}
		all := notifications(0, 1)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(1250*time.Millisecond + time.Millisecond)
		each(t, "published", all, b.times(), 1)
	})
}

type counted struct {
	*database
	due atomic.Int64
}

func (c *counted) Due(ctx context.Context, lanes []lane.Lane, now time.Time, limit int) ([]lane.Message, error) {
	c.due.Add(1)
	return c.database.Due(ctx, lanes, now, limit)
}

// TestHealthIsProbed: codes that no broker took find their way without one, so
// nothing is left to publish by which the brokers' return could be seen.
func TestHealthIsProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		b.set(func(context.Context, []lane.Message) (bool, error) { return false, errAway })
		r := newRelay(outbox.Settings{}, d, b, outbox.Observer{})
		r.run(t)
		code := notifications(0, 1)
		code[0].Kind = registration.VerificationCode
		r.Announce(code)
		time.Sleep(10 * time.Second)
		if ok, _ := r.Health(); ok {
			t.Error("well without a broker")
		}
		b.set(nil)
		time.Sleep(2 * time.Second)
		if ok, _ := r.Health(); !ok {
			t.Error("ill although the brokers are back")
		}
		if len(b.times()) != 0 {
			t.Error("the code was published late")
		}
	})
}

func TestGrace(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: 5 * time.Minute, 1: 5 * time.Minute, 2: 10 * time.Minute, 7: 320 * time.Minute, 8: 6 * time.Hour, 1000: 6 * time.Hour} {
		if got := outbox.Grace(lane.SMSTransactional, n); got != want {
			t.Errorf("Grace(%d) = %v, want %v", n, got, want)
		}
	}
}

var _ registration.Announcer = (*outbox.Relay)(nil)
