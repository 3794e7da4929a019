package store_test

import (
	"testing"

	"registrar/internal/lane"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// TestPausedBetweenPublicationAndItsMark: the relay marks a publication after a
// notifier has put the paused campaign's messages aside. They go on with the
// campaign all the same.
func TestPausedBetweenPublicationAndItsMark(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		population(t, db, 60, nil)
		c := d.started("spring")
		f := d.feeder("a")
		d.rounds(f)
		queued := d.notifications(c.ID)
		due, err := db.Outbox().Due(t.Context(), []lane.Lane{lane.EmailMarketing}, now(), 500) // the relay reads and publishes
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		d.claim(queued, now()) // what the queue brought: put aside
		var ids []registration.ID
		for _, m := range due {
			ids = append(ids, m.NotificationID)
		}
		if err := db.Outbox().Published(t.Context(), nil, ids, now()); err != nil { // the relay marks
			t.Fatal(err)
		}
		if _, err := d.Resume(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		d.rounds(f)
		if n := d.count(`SELECT COUNT(*) FROM outbox WHERE due_at <= ?`, now().UnixMicro()); n != len(queued) {
			t.Errorf("%d of %d are due", n, len(queued))
		}
	})
}
