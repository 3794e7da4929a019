package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/notify"
	"registrar/internal/outbox"
	"registrar/internal/registration"
	"registrar/internal/store"
)

var (
	_ registration.Store = (*store.Accounts)(nil)
	_ outbox.Store       = (*store.Outbox)(nil)
	_ lease.Store        = (*store.Leases)(nil)
	_ outbox.Unpublisher = (*store.Outbox)(nil)
)

func TestDueGivesMessagesInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		if rows, oldest, err := db.Outbox().Depth(t.Context()); rows != 0 || !oldest.IsZero() || err != nil {
			t.Error(rows, oldest, err)
		}
		var want []lane.Message
		start := now()
		for i := range 5 {
			r := person(func(r *registration.Registration) {
				for n := range r.Notifications {
					r.Notifications[n].CreatedAt = start.Add(-time.Duration(i) * time.Minute)
				}
			})
			create(t, db, r)
			var two []lane.Message
			for _, n := range r.Notifications {
				m, err := lane.MessageFor(n)
				if err != nil {
					t.Fatal(err)
				}
				two = append(two, m)
			}
			want = append(two, want...)
		}
		got, err := db.Outbox().Due(t.Context(), lane.All(), start.Add(time.Second), 7)
		if err != nil || !reflect.DeepEqual(got, want[:7]) {
			t.Errorf("got %v, %v\nwant %v", got, err, want[:7])
		}
		if got, err := db.Outbox().Due(t.Context(), lane.All(), start.Add(time.Second-time.Microsecond), 100); err != nil || len(got) != 8 {
			t.Errorf("%d are due before the newest may be, %v", len(got), err)
		}
		if rows, oldest, err := db.Outbox().Depth(t.Context()); rows != 10 || !oldest.Equal(start.Add(-4*time.Minute)) || err != nil {
			t.Error(rows, oldest, err)
		}
		if err := db.Outbox().Published(t.Context(), nil, []registration.ID{newID()}, now()); err != nil {
			t.Errorf("a row that is gone: %v", err)
		}
	})
}

// TestOutboxMissesNothing: rows are committed by many at once, in another
// order than that of their ids, while a relay empties the outbox.
func TestOutboxMissesNothing(t *testing.T) {
	const writers, each = 8, 25
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if _, err := db.Accounts().Create(t.Context(), person()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		seen := make(map[registration.ID]bool)
		later := now().Add(time.Hour)
		for last := false; ; {
			messages, err := db.Outbox().Due(t.Context(), lane.All(), later, 40)
			if err != nil {
				t.Fatal(err)
			}
			var ids []registration.ID
			for _, m := range messages {
				if seen[m.NotificationID] {
					t.Errorf("%s is due again", m.NotificationID)
				}
				seen[m.NotificationID] = true
				ids = append(ids, m.NotificationID)
			}
			if err := db.Outbox().Published(t.Context(), nil, ids, later); err != nil {
				t.Fatal(err)
			}
			if last && len(ids) == 0 {
				break
			}
			select {
			case <-done:
				last = true
			default:
			}
		}
		if len(seen) != 2*writers*each {
			t.Errorf("%d of %d were seen", len(seen), 2*writers*each)
		}
	})
}

// TestUnpublishMakesDueWhatWasPublished and nothing that waits for something else.
func TestUnpublishMakesDueWhatWasPublished(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		const lost = 100 // seconds after the beginning
		type row struct {
			what  string
			first *book
			due   time.Time
		}
		var rows []row
		for what, prepare := range map[string]func(b *book) (due time.Time){
			"published": func(b *book) time.Time {
				b.publish(1)
				return b.at(lost)
			},
			"published twice": func(b *book) time.Time {
				b.publish(1)
				b.publish(2)
				return b.at(lost)
			},
			"not published": func(b *book) time.Time { return b.at(1) },
			"held": func(b *book) time.Time {
				b.publish(1)
				if _, err := b.db.BulkLedger().Claim(b.Context(), "a", "", []registration.ID{b.id}, b.at(90), b.at(120)); err != nil {
					b.Fatal(err)
				}
				return b.at(121)
			},
			"held by one that is gone": func(b *book) time.Time {
				b.publish(1)
				b.claim("a", 10, 40)
				b.publish(42)
				return b.at(lost)
			},
			"to be tried again": func(b *book) time.Time {
				b.publish(1)
				n, _ := b.claim("a", 10, 40)
				b.settle("a", 12, notify.Outcome{Attempt: notify.Attempt{Number: n}, State: registration.Queued, RetryAt: b.at(300)})
				b.publish(13)
				return b.at(300)
			},
			"of a campaign that is paused": func(b *book) time.Time {
				b.publish(72*3600 - 300) // due at its deadline
				return b.at(72 * 3600)
			},
			"of another lane": func(b *book) time.Time {
				b.publish(1)
				return b.at(301)
			},
			"made since": func(b *book) time.Time {
				b.publish(1)
				return b.at(301)
			},
		} {
			b := newBook(t, db, func(r *registration.Registration) {
				switch what {
				case "of another lane":
					r.Notifications[0].Kind = registration.VerificationCode
				case "made since":
					r.Account.RegisteredAt = now().Add(time.Hour)
					r.Notifications[0].CreatedAt = r.Account.RegisteredAt
				}
			})
			rows = append(rows, row{what, b, prepare(b)})
		}
		var after registration.ID
		at := now().Add(lost * time.Second)
		found := 0
		for {
			n, last, err := db.Outbox().Unpublish(t.Context(), []lane.Lane{lane.EmailTransactional, lane.SMSMarketing}, after, now().Add(time.Minute), at, 2)
			if err != nil {
				t.Fatal(err)
			}
			found, after = found+n, last
			if n < 2 {
				break
			}
		}
		if found != 5 {
			t.Errorf("%d rows were found, want 5", found)
		}
		for _, r := range rows {
			want := r.due
			if want.Equal(r.first.at(lost)) {
				want = at
			}
			if !r.first.dueAt(want) {
				t.Errorf("%s: not due at %v", r.what, want.Sub(r.first.t0))
			}
		}
		if n, _, err := db.Outbox().Unpublish(t.Context(), nil, registration.ID{}, at, at, 10); n != 0 || err != nil {
			t.Errorf("no lanes: %d, %v", n, err)
		}
	})
}

// publish marks the row as published at a second.
func (b *book) publish(at int) {
	b.Helper()
	if err := b.db.Outbox().Published(b.Context(), nil, []registration.ID{b.id}, b.at(at)); err != nil {
		b.Fatal(err)
	}
}

// dueAt says whether the row is due from that moment on, and not before it.
func (b *book) dueAt(at time.Time) bool {
	b.Helper()
	is := func(at time.Time) bool {
		due, err := b.db.Outbox().Due(b.Context(), lane.All(), at, 1000)
		if err != nil {
			b.Fatal(err)
		}
		return slices.ContainsFunc(due, func(m lane.Message) bool { return m.NotificationID == b.id })
	}
	return is(at) && !is(at.Add(-time.Microsecond))
}

func TestLease(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		leases, ctx, t0 := db.Leases(), t.Context(), now()
		acquire := func(name, owner string, at time.Duration, want *lease.Lease) lease.Lease {
			t.Helper()
			got, held, err := leases.Acquire(ctx, name, owner, t0.Add(at), 10*time.Second)
			if err != nil || held != (want != nil) || held && got != *want || !held && got != (lease.Lease{}) {
				t.Fatalf("got %+v, %t, %v; want %+v", got, held, err, want)
			}
			return got
		}
		of := func(owner string, fence int64, expires time.Duration) *lease.Lease {
			return &lease.Lease{Name: "relay", Owner: owner, Fence: fence, Expires: t0.Add(expires)}
		}
		a := acquire("relay", "a", 0, of("a", 1, 10*time.Second))
		acquire("relay", "b", time.Second, nil)
		acquire("other", "b", time.Second, &lease.Lease{Name: "other", Owner: "b", Fence: 1, Expires: t0.Add(11 * time.Second)})
		renewed := acquire("relay", "a", 5*time.Second, of("a", 2, 15*time.Second))
		r := create(t, db, person())
		ids := []registration.ID{r.Notifications[0].ID}
		published := func(l lease.Lease, want error) {
			t.Helper()
			if err := db.Outbox().Published(ctx, &l, ids, t0); !errors.Is(err, want) {
				t.Fatalf("got %v, want %v", err, want)
			}
		}
		published(a, lease.ErrLost)
		if due, err := db.Outbox().Due(ctx, lane.All(), t0.Add(2*time.Second), 10); err != nil || len(due) != 2 {
			t.Errorf("an old leader's publication counts: %v, %v", due, err)
		}
		published(renewed, nil)
		published(renewed, nil)
		if due, err := db.Outbox().Due(ctx, lane.All(), t0.Add(2*time.Second), 10); err != nil || len(due) != 1 {
			t.Errorf("the leader's publication does not count: %v, %v", due, err)
		}
		b := acquire("relay", "b", 15*time.Second, of("b", 3, 25*time.Second))
		published(renewed, lease.ErrLost)
		if err := leases.Release(ctx, renewed); err != nil {
			t.Error(err)
		}
		acquire("relay", "a", 16*time.Second, nil)
		if err := leases.Release(ctx, b); err != nil {
			t.Error(err)
		}
		published(b, lease.ErrLost)
		acquire("relay", "a", 16*time.Second, of("a", 4, 26*time.Second))
	})
}

// TestOneLeader: of many that ask at once, for a lease that nobody has had
// before and for one that has run out, exactly one gets it.
func TestOneLeader(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		t0 := now()
		for round := range 5 {
			var wg sync.WaitGroup
			held := make([]bool, 8)
			for i := range held {
				wg.Go(func() {
					var err error
					_, held[i], err = db.Leases().Acquire(t.Context(), "relay", fmt.Sprintf("%d-%d", round, i), t0.Add(time.Duration(round)*time.Minute), time.Minute)
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			n := 0
			for _, h := range held {
				if h {
					n++
				}
			}
			if n != 1 {
				t.Errorf("round %d: %d leaders", round, n)
			}
		}
	})
}

func TestAfterReopening(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		r := create(t, db, person())
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Accounts().Create(t.Context(), person()); err == nil {
			t.Error("a closed store takes registrations")
		}
		migrate(t, o)
		db = open(t, o)
		if got, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID}); err != nil || !reflect.DeepEqual(got, details(r)) {
			t.Errorf("got %+v, %v", got, err)
		}
		if due, err := db.Outbox().Due(t.Context(), lane.All(), now().Add(time.Hour), 10); err != nil || len(due) != 2 {
			t.Errorf("%d due, %v", len(due), err)
		}
	})
}

// TestCallerGivesUp: a context that is over ends a call at once, with
// UNAVAILABLE, and the store goes on.
func TestCallerGivesUp(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := db.Accounts().Create(ctx, person()); !errors.Is(err, registration.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := db.Accounts().Details(ctx, registration.Key{ID: newID()}); !errors.Is(err, registration.ErrUnavailable) {
			t.Error(err)
		}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*50)*time.Microsecond)
				defer cancel()
				r := person()
				_, err := db.Accounts().Create(ctx, r)
				if err != nil && !errors.Is(err, registration.ErrUnavailable) {
					t.Error(err)
				}
				d, lookup := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
				switch {
				case err == nil && lookup != nil, lookup != nil && !errors.Is(lookup, registration.ErrNotFound), lookup == nil && !reflect.DeepEqual(d, details(r)):
					t.Errorf("created: %v; there: %+v, %v", err, d, lookup)
				}
			})
		}
		wg.Wait()
		create(t, db, person())
	})
}
