package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// Unpublish implements outbox.Unpublisher.
func (d *database) Unpublish(_ context.Context, lanes []lane.Lane, after registration.ID, before, now time.Time, limit int) (int, registration.ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return 0, after, d.down
	}
	var found []*row
	for id, r := range d.rows {
		if slices.Compare(id[:], after[:]) > 0 && r.publications > 0 && !r.created.After(before) && slices.Contains(lanes, r.message.Lane) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *row) int { return slices.Compare(a.message.NotificationID[:], b.message.NotificationID[:]) })
	found = found[:min(limit, len(found))]
	for _, r := range found {
		r.due, after = now, r.message.NotificationID
	}
	return len(found), after, nil
}

// losses is a running Losses.
func losses(t *testing.T, d *database) (*outbox.Losses, *lines) {
	t.Helper()
	log := &lines{}
	l := outbox.NewLosses(d, time.Now, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := l.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return l, log
}

// TestWhatTheQueueLostIsPublishedAgain within seconds, once for all that is told
// of a loss, and not what is published afterwards.
func TestWhatTheQueueLostIsPublishedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		l, log := losses(t, d)
		l.Tell(lane.All()) // the topic was made for the first time
		time.Sleep(time.Millisecond)
		all, settled := notifications(0, 1234), notifications(2000, 2100)
		d.insert(time.Now(), messagesOf(t, all)...)
		d.insert(time.Now(), messagesOf(t, settled)...)
		time.Sleep(10 * time.Second)
		each(t, "published", all, b.times(), 1)
		for _, n := range settled {
			d.settle(n.ID)
		}

		l.Tell(lane.All())
		for range 4 { // readers find it one by one
			l.Tell([]lane.Lane{lane.EmailTransactional})
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(8 * time.Second)
		each(t, "published after the loss", all, b.times(), 2)
		each(t, "settled, and published", settled, b.times(), 1)
		time.Sleep(time.Minute)
		each(t, "published", all, b.times(), 2)

		l.Tell([]lane.Lane{lane.SMSTransactional, lane.EmailOTP})
		time.Sleep(time.Minute)
		each(t, "published when other lanes were lost", all, b.times(), 2)
		if log.count() != 1 {
			t.Errorf("%d lines, want one: %v", log.count(), log.all)
		}
	})
}

// TestLossIsMendedOnceTheDatabaseIsBack: what was told is not forgotten.
func TestLossIsMendedOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, b := newDatabase(), &broker{}
		newRelay(outbox.Settings{}, d, b, outbox.Observer{}).run(t)
		l, log := losses(t, d)
		all := notifications(0, 250)
		d.insert(time.Now(), messagesOf(t, all)...)
		time.Sleep(5 * time.Second)
		d.set(errors.New("database is down"))
		l.Tell(lane.All())
		time.Sleep(3 * time.Minute)
		if n := log.count(); n < 2 || n > 5 {
			t.Errorf("%d lines in 3 minutes", n)
		}
		d.set(nil)
		time.Sleep(time.Minute)
		each(t, "published", all, b.times(), 2)
	})
}
