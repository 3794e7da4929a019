package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/event"
	"registrar/internal/lease"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// eventOf makes an event of an account.
func eventOf(a registration.Account, what registration.EventType, at time.Time) registration.Event {
	return registration.Event{ID: newID(), Type: what, AccountID: a.ID, At: at, Caller: a.Caller, ExternalID: a.ExternalID, Status: a.Status, Channel: registration.EmailChannel}
}

// tell changes an account's contact with no effect but events.
func tell(t *testing.T, db *store.DB, r registration.Registration, events ...registration.Event) {
	t.Helper()
	err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.EmailChannel, newID(), func(c registration.Contact) (registration.ContactChange, error) {
		return registration.ContactChange{Code: c.Code, At: now(), Events: events}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func waiting(t *testing.T, db *store.DB, limit int) []event.Event {
	t.Helper()
	all, err := db.Events().Waiting(t.Context(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func idsOf(events []event.Event) []registration.ID {
	var ids []registration.ID
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// TestEventsComeBackAsTheyHappened: all attributes, and those of one
// registration in order, whatever the clock of the server said that stored them
// and whatever their ids are.
func TestEventsComeBackAsTheyHappened(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys, at := open(t, o), codeKeys(t), now()
		r := pending(keys)
		created := eventOf(r.Account, registration.EventRegistrationCreated, at)
		created.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		r.Events = []registration.Event{created}
		create(t, db, r)
		// The next server's clock is an hour behind, and its ids with it.
		verified := eventOf(r.Account, registration.EventContactVerified, at.Add(-time.Hour))
		completed := eventOf(r.Account, registration.EventRegistrationCompleted, at.Add(-time.Hour))
		verified.ID[0], completed.ID[0] = 0, 0
		verified.ID, completed.ID = completed.ID, verified.ID
		tell(t, db, r, verified, completed)
		other := create(t, db, pending(keys))
		later := eventOf(other.Account, registration.EventContactVerified, at.Add(time.Minute))
		tell(t, db, other, later)
		refused := registration.Event{ID: newID(), Type: registration.EventRegistrationRefused, At: at.Add(time.Second), Refusal: registration.EmailTaken}
		for range 2 { // the same call, at another server
			if err := db.Accounts().Record(t.Context(), registration.AuditEntry{}, []registration.Event{refused}); err != nil {
				t.Fatal(err)
			}
		}

		all := waiting(t, db, 10)
		if got := idsOf(all); !slices.Equal(got, []registration.ID{created.ID, verified.ID, completed.ID, refused.ID, later.ID}) {
			t.Fatalf("the order is %v", all)
		}
		for i, e := range []registration.Event{created, verified, completed, refused, later} {
			want, err := event.Of(e)
			if err != nil {
				t.Fatal(err)
			}
			got := all[i]
			if string(got.Data) != string(want.Data) || !json.Valid(got.Data) {
				t.Errorf("the data is %s, want %s", got.Data, want.Data)
			}
			got.Data, want.Data = nil, nil
			if !got.At.Equal(want.At) || got.ID != want.ID || got.Subject != want.Subject || got.Type != want.Type || got.TraceParent != want.TraceParent {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
		if got := waiting(t, db, 2); !slices.Equal(idsOf(got), idsOf(all[:2])) {
			t.Errorf("the first two are %v", got)
		}
		if rows, oldest, err := db.Events().Depth(t.Context()); err != nil || rows != 5 || !oldest.Equal(at) {
			t.Errorf("depth %d, oldest %v, %v", rows, oldest, err)
		}
	})
}

// TestEventsGoOnlyUnderTheLease: what another has published meanwhile is not
// taken away by whoever has lost the lease.
func TestEventsGoOnlyUnderTheLease(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		for range 3 {
			e := registration.Event{ID: newID(), Type: registration.EventRegistrationRefused, At: at, Refusal: registration.EmailTaken}
			if err := db.Accounts().Record(t.Context(), registration.AuditEntry{}, []registration.Event{e}); err != nil {
				t.Fatal(err)
			}
		}
		taken, held, err := db.Leases().Acquire(t.Context(), "events-relay", "a", at, time.Minute)
		if err != nil || !held {
			t.Fatal(held, err)
		}
		all := idsOf(waiting(t, db, 10))
		if err := db.Events().Delete(t.Context(), taken, append(all[:2:2], newID())); err != nil {
			t.Fatal(err)
		}
		if got := idsOf(waiting(t, db, 10)); !slices.Equal(got, all[2:]) {
			t.Errorf("left are %v", got)
		}
		if _, held, err = db.Leases().Acquire(t.Context(), "events-relay", "b", at.Add(2*time.Minute), time.Minute); err != nil || !held {
			t.Fatal(held, err)
		}
		if err := db.Events().Delete(t.Context(), taken, all); !errors.Is(err, lease.ErrLost) {
			t.Errorf("without the lease: %v", err)
		}
		if got := waiting(t, db, 10); len(got) != 1 {
			t.Errorf("left are %v", got)
		}
		if err := db.Events().Delete(t.Context(), taken, nil); err != nil {
			t.Errorf("nothing to delete: %v", err)
		}
	})
}

// TestNoEventWithoutItsRegistration: one that is taken leaves none behind.
func TestNoEventWithoutItsRegistration(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		r := person(func(r *registration.Registration) {
			r.Events = []registration.Event{eventOf(r.Account, registration.EventRegistrationCreated, now())}
		})
		create(t, db, r)
		again := person(func(other *registration.Registration) {
			other.Account.Email = r.Account.Email
			other.Events = []registration.Event{eventOf(other.Account, registration.EventRegistrationCreated, now())}
		})
		if _, err := db.Accounts().Create(t.Context(), again); !errors.Is(err, registration.ErrEmailTaken) {
			t.Fatal(err)
		}
		if got := idsOf(waiting(t, db, 10)); !slices.Equal(got, []registration.ID{r.Events[0].ID}) {
			t.Errorf("the events are %v", got)
		}
	})
}

// TestEventsOfManyAtOnce: registrations and verifications beside each other
// neither wait for each other for ever nor lose or turn an event.
func TestEventsOfManyAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		var all sync.WaitGroup
		var mu sync.Mutex
		want := map[registration.ID][]registration.ID{}
		for range 8 {
			all.Go(func() {
				for range 10 {
					r := pending(keys)
					events := []registration.Event{
						eventOf(r.Account, registration.EventRegistrationCreated, now()),
						eventOf(r.Account, registration.EventContactVerified, now().Add(-time.Second)),
						eventOf(r.Account, registration.EventRegistrationCompleted, now().Add(-time.Second)),
					}
					r.Events = events[:1]
					if _, err := db.Accounts().Create(t.Context(), r); err != nil {
						t.Error(err)
						return
					}
					tell(t, db, r, events[1:]...)
					mu.Lock()
					want[r.Account.ID] = []registration.ID{events[0].ID, events[1].ID, events[2].ID}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		got := map[registration.ID][]registration.ID{}
		for _, e := range waiting(t, db, 1000) {
			got[e.Subject] = append(got[e.Subject], e.ID)
		}
		for id, events := range want {
			if !slices.Equal(got[id], events) {
				t.Errorf("of %v came %v, want %v", id, got[id], events)
			}
		}
	})
}
