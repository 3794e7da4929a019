package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/feed"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// happen records refusals, which belong to no registration.
func happen(t testing.TB, db *store.DB, at time.Time, n int) {
	t.Helper()
	for range n {
		e := registration.Event{ID: newID(), Type: registration.EventRegistrationRefused, At: at, Refusal: registration.EmailTaken}
		if err := db.Accounts().Record(t.Context(), registration.AuditEntry{}, []registration.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
}

// rest reads on until there is nothing more.
func rest(t testing.TB, r *feed.TableReader) (items []feed.Item) {
	t.Helper()
	for {
		some, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return items
		}
		items = append(items, some...)
	}
}

func openFeed(t testing.TB, db *store.DB, from feed.From) *feed.TableReader {
	t.Helper()
	r, err := feed.OpenTable(t.Context(), db.Feed(), from)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func itemIDs(items []feed.Item) (ids []registration.ID) {
	for _, i := range items {
		ids = append(ids, i.ID)
	}
	return ids
}

// TestFeedGoesOnBehindAPosition: from every position on come exactly the events
// behind it, in the same order, whatever came in between.
func TestFeedGoesOnBehindAPosition(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		happen(t, db, at, 3)
		happen(t, db, at.Add(-time.Hour), 2) // of a server whose clock is behind
		r := openFeed(t, db, feed.From{})
		first := rest(t, r)
		if len(first) != 5 || !r.End() {
			t.Fatalf("%d events, at the end: %v", len(first), r.End())
		}
		// What is committed late has an earlier time than what was read.
		happen(t, db, at.Add(-time.Minute), 250)
		all := append(slices.Clone(first), rest(t, r)...)
		if len(all) != 255 {
			t.Fatalf("%d events", len(all))
		}
		for _, n := range []int{0, 1, 4, 5, 100, 255} {
			from := feed.From{}
			if n > 0 {
				from.Position = all[n-1].Position
			}
			r := openFeed(t, db, from)
			if got := rest(t, r); !slices.Equal(itemIDs(got), itemIDs(all[n:])) {
				t.Errorf("behind %d come %d events", n, len(got))
			}
		}
		if got := rest(t, openFeed(t, db, feed.From{Now: true})); len(got) != 0 {
			t.Errorf("from now on come %d", len(got))
		}
		if got := rest(t, openFeed(t, db, feed.From{Time: at})); len(got) == 0 || got[0].At.Before(at) {
			t.Errorf("from a time on comes %+v", got)
		}
		if got := rest(t, openFeed(t, db, feed.From{Time: at.Add(time.Second)})); len(got) != 0 {
			t.Errorf("from the future come %d", len(got))
		}
		for _, wrong := range []feed.Position{"256", "0:1", "-1", "x"} {
			if _, err := feed.OpenTable(t.Context(), db.Feed(), feed.From{Position: wrong}); !errors.Is(err, feed.ErrPosition) {
				t.Errorf("position %s: %v", wrong, err)
			}
		}
	})
}

// TestFeedWhileItIsWritten: several readers beside several writers each get every
// event once, and those of one registration in their order.
func TestFeedWhileItIsWritten(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		const writers, each = 4, 15
		var writing, reading sync.WaitGroup
		for range writers {
			writing.Go(func() {
				for range each {
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
				}
			})
		}
		got := make([][]feed.Item, 3)
		for i := range got {
			reading.Go(func() {
				r, err := feed.OpenTable(t.Context(), db.Feed(), feed.From{})
				for err == nil && len(got[i]) < 3*writers*each {
					var items []feed.Item
					items, err = r.Next(t.Context())
					got[i] = append(got[i], items...)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		writing.Wait()
		reading.Wait()
		for i, items := range got {
			if !slices.Equal(itemIDs(items), itemIDs(got[0])) {
				t.Errorf("reader %d got another order", i)
			}
			of := map[registration.ID]string{}
			for _, item := range items {
				of[item.Subject] += item.Type + " "
			}
			for id, types := range of {
				if want := "registrar.registration.created.v1 registrar.contact.verified.v1 registrar.registration.completed.v1 "; types != want {
					t.Errorf("of %v came %s", id, types)
				}
			}
			if len(of) != writers*each {
				t.Errorf("%d registrations", len(of))
			}
		}
	})
}

// TestFeedForgets: what is old goes, and whoever has not read it is told so, also
// where nobody had read anything of it.
func TestFeedForgets(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		if n, err := db.Feed().Forget(t.Context(), at); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		happen(t, db, at.Add(-3*time.Hour), 2)
		early := rest(t, openFeed(t, db, feed.From{}))
		happen(t, db, at.Add(-2*time.Hour), 3)
		happen(t, db, at, 2)
		for n, want := range []int{5, 0} {
			if n, err := db.Feed().Forget(t.Context(), at.Add(-time.Hour)); n != want || err != nil {
				t.Fatal(n, err)
			}
			if _, err := feed.OpenTable(t.Context(), db.Feed(), feed.From{Position: early[1].Position}); !errors.Is(err, feed.ErrDropped) {
				t.Errorf("after %d: %v", n, err)
			}
		}
		got := rest(t, openFeed(t, db, feed.From{}))
		if len(got) != 2 {
			t.Fatalf("from the beginning come %d", len(got))
		}
		if n, err := db.Feed().Forget(t.Context(), at.Add(time.Hour)); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		// Nothing is there any more, and numbers go on.
		happen(t, db, at, 1)
		if next := rest(t, openFeed(t, db, feed.From{Position: got[1].Position})); len(next) != 1 || next[0].Position != feed.Position(fmt.Sprint(8)) {
			t.Errorf("then comes %+v", next)
		}
	})
}

// TestFeedFromATime: where events since then may be missing, that is an error. None
// is missing of what is younger than events are kept for, or since the oldest one.
func TestFeedFromATime(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		opens := func(from feed.From, want error, events int) {
			t.Helper()
			r, err := feed.OpenTable(t.Context(), db.Feed(), from)
			if !errors.Is(err, want) {
				t.Errorf("%+v: got %v, want %v", from, err, want)
			}
			if err == nil {
				if got := rest(t, r); len(got) != events {
					t.Errorf("%+v: %d events", from, len(got))
				}
			}
		}
		happen(t, db, at.Add(-3*time.Hour), 2)
		happen(t, db, at.Add(-time.Hour), 2)
		happen(t, db, at.Add(-time.Minute), 3)
		opens(feed.From{Time: at.Add(-4 * time.Hour)}, nil, 7)
		if _, err := db.Feed().Forget(t.Context(), at.Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		opens(feed.From{Time: at.Add(-4 * time.Hour)}, feed.ErrEarly, 0)
		opens(feed.From{Time: at.Add(-90 * time.Minute)}, feed.ErrEarly, 0)
		opens(feed.From{Time: at.Add(-90 * time.Minute), Kept: 2 * time.Hour}, nil, 5)
		opens(feed.From{Time: at.Add(-30 * time.Minute)}, nil, 3)
		opens(feed.From{}, nil, 5)
		if _, err := db.Feed().Forget(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		opens(feed.From{Time: at.Add(-time.Hour)}, feed.ErrEarly, 0)
		opens(feed.From{Time: at.Add(-time.Hour), Kept: 2 * time.Hour}, nil, 0)
		opens(feed.From{}, nil, 0)
	})
}

// TestFeedDropsUnderAReader: one that is slower than what is kept does not go on
// over a gap.
func TestFeedDropsUnderAReader(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		happen(t, db, at.Add(-2*time.Hour), 2)
		r := openFeed(t, db, feed.From{})
		if _, err := db.Feed().Forget(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if items, err := r.Next(t.Context()); !errors.Is(err, feed.ErrDropped) {
			t.Errorf("got %v, %v", items, err)
		}
	})
}
