package store_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// book is one notification in a database, looked at from all sides.
type book struct {
	*testing.T
	db *store.DB
	r  registration.Registration
	id registration.ID
	t0 time.Time
}

func newBook(t *testing.T, db *store.DB, change ...func(*registration.Registration)) *book {
	one := func(r *registration.Registration) { r.Notifications = r.Notifications[:1] }
	r := create(t, db, person(append([]func(*registration.Registration){one}, change...)...))
	return &book{t, db, r, r.Notifications[0].ID, r.Account.RegisteredAt}
}

func (b *book) at(seconds int) time.Time { return b.t0.Add(time.Duration(seconds) * time.Second) }

// claim is at a second, until another one; it gives the attempt's number and
// the ambiguous ones before it, or 0 when nothing was claimed.
func (b *book) claim(owner string, at, until int) (number, ambiguous int) {
	b.Helper()
	return b.claimBy(owner, "", at, until)
}

// claimBy is claim for a provider that the attempt is marked to leave by.
func (b *book) claimBy(owner, provider string, at, until int) (number, ambiguous int) {
	b.Helper()
	claims, err := b.db.Ledger().Claim(b.Context(), owner, provider, []registration.ID{b.id}, b.at(at), b.at(until))
	if err != nil {
		b.Fatal(err)
	}
	if len(claims) == 0 {
		return 0, 0
	}
	c := claims[0]
	want := b.r.Notifications[0]
	want.State = registration.Claimed
	if provider != "" {
		want.State = registration.Sending
	}
	want.Attempts, want.UpdatedAt = c.Number, b.at(at)
	if !reflect.DeepEqual(c.Notification, want) || c.Username != b.r.Account.Username.Text || c.FirstName != b.r.Profile.FirstName || c.LastName != b.r.Profile.LastName || c.NotificationID != b.id {
		b.Errorf("claim is %+v, want of %+v", c, want)
	}
	return c.Number, c.Ambiguous
}

func (b *book) send(owner string, number, at int) bool {
	b.Helper()
	ids, err := b.db.Ledger().MarkSending(b.Context(), owner, "smtp", []notify.Attempt{{NotificationID: b.id, Number: number}}, b.at(at))
	if err != nil {
		b.Fatal(err)
	}
	return slices.Equal(ids, []registration.ID{b.id})
}

func (b *book) settle(owner string, at int, o notify.Outcome) {
	b.Helper()
	o.NotificationID = b.id
	if err := b.db.Ledger().Settle(b.Context(), owner, []notify.Outcome{o}, b.at(at)); err != nil {
		b.Fatal(err)
	}
}

// is checks the state that a caller is shown.
func (b *book) is(state registration.State, attempts, at int) {
	b.Helper()
	d, err := b.db.Accounts().Details(b.Context(), registration.Key{ID: b.r.Account.ID})
	if err != nil {
		b.Fatal(err)
	}
	n := d.Notifications[0]
	if n.State != state || n.Attempts != attempts || !n.UpdatedAt.Equal(b.at(at)) {
		b.Errorf("is %s after %d attempts at %s, want %s, %d, %s", n.State, n.Attempts, n.UpdatedAt.Sub(b.t0), state, attempts, b.at(at).Sub(b.t0))
	}
}

// due checks from when on the outbox gives the notification; -1 is never.
func (b *book) due(second int) {
	b.Helper()
	gives := func(at time.Time) bool {
		messages, err := b.db.Outbox().Due(b.Context(), lane.All(), at, 1000)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range messages {
			if m.NotificationID == b.id {
				return true
			}
		}
		return false
	}
	if second < 0 {
		if gives(b.t0.Add(1000 * time.Hour)) {
			b.Error("is in the outbox still")
		}
		return
	}
	if gives(b.at(second).Add(-time.Microsecond)) || !gives(b.at(second)) {
		var due int64
		_ = b.db.Raw().GetContext(b.Context(), &due, "SELECT due_at FROM outbox WHERE notification_id = ?", b.id[:])
		b.Errorf("is due after %s, want %ds", time.UnixMicro(due).Sub(b.t0), second)
	}
}

// history checks what is kept of the attempts.
func (b *book) history(want ...string) {
	b.Helper()
	var got []string
	var rows []struct {
		Attempt                     int
		Owner, State, Provider, Ref string
		Reason                      string
	}
	if err := b.db.Raw().SelectContext(b.Context(), &rows, `SELECT attempt, owner, state, provider, provider_ref AS ref, reason FROM notification_attempts WHERE notification_id = ? ORDER BY attempt`, b.id[:]); err != nil {
		b.Fatal(err)
	}
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%d %s %s %s/%s %s", r.Attempt, r.Owner, r.State, r.Provider, r.Ref, r.Reason))
	}
	if !slices.Equal(got, want) {
		b.Errorf("the history is %q, want %q", got, want)
	}
}

// claimed checks what claim gives.
func (b *book) claimed(number, ambiguous int) func(gotNumber, gotAmbiguous int) {
	return func(gotNumber, gotAmbiguous int) {
		b.Helper()
		if gotNumber != number || gotAmbiguous != ambiguous {
			b.Errorf("attempt %d with %d ambiguous before it, want %d, %d", gotNumber, gotAmbiguous, number, ambiguous)
		}
	}
}

func TestLedger(t *testing.T) {
	const tolerance = 1 // seconds
	stories := map[string]func(b *book){
		"sent at once": func(b *book) {
			b.is(registration.Queued, 0, 0)
			b.due(1)
			b.claimed(1, 0)(b.claim("a", 2, 32))
			b.is(registration.Claimed, 1, 2)
			for range 2 {
				if !b.send("a", 1, 3) {
					b.Error("is not ours")
				}
			}
			b.is(registration.Sending, 1, 3)
			b.history()
			b.settle("a", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Accepted, ProviderRef: "250 2.0.0 id"})
			b.is(registration.Accepted, 1, 4)
			b.due(-1)
			b.history("1 a ACCEPTED smtp/250 2.0.0 id ")
			if n, _ := b.claim("b", 5, 35); n != 0 {
				b.Error("is claimed though settled")
			}
			b.settle("a", 6, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Failed})
			b.is(registration.Accepted, 1, 4)
		},
		"marked by its claim": func(b *book) {
			b.claimed(1, 0)(b.claimBy("a", "smpp", 2, 32))
			b.is(registration.Sending, 1, 2)
			b.due(32 + tolerance)
			if !b.send("a", 1, 3) {
				b.Error("may not go by another provider")
			}
			b.claimed(2, 1)(b.claimBy("b", "smpp", 32, 62))
			b.history("1 a UNKNOWN smtp/ NO_ANSWER")
			b.settle("b", 33, notify.Outcome{Attempt: notify.Attempt{Number: 2}, State: registration.Accepted, ProviderRef: "7f"})
			b.is(registration.Accepted, 2, 33)
			b.history("1 a UNKNOWN smtp/ NO_ANSWER", "2 b ACCEPTED smpp/7f ")
		},
		"tried, and to be tried again, before its publication is noted": func(b *book) {
			b.claim("a", 2, 32)
			b.settle("a", 3, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Queued, Reason: "TRANSIENT", RetryAt: b.at(4)})
			b.published(nil, 1) // noted after 4
			b.due(4)
			b.published(nil, 5)
			b.due(605)
		},
		"by a repeatable sender": func(b *book) {
			b.claim("a", 2, 32)
			b.settle("a", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Delivered})
			b.is(registration.Delivered, 1, 4)
			b.due(-1)
		},
		"held by another": func(b *book) {
			b.claim("a", 2, 32)
			if n, _ := b.claim("b", 3, 33); n != 0 {
				b.Error("two hold it")
			}
			b.due(32 + tolerance)
			if b.send("b", 1, 4) || b.send("a", 2, 4) {
				b.Error("another one may send it")
			}
			b.settle("b", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Failed})
			b.is(registration.Claimed, 1, 2)
			if !b.send("a", 1, 31) {
				b.Error("its holder may not send it")
			}
			if n, _ := b.claim("b", 31, 61); n != 0 {
				b.Error("two hold it while it is being sent")
			}
			b.history()
		},
		"lease runs out before sending": func(b *book) {
			b.claim("a", 2, 32)
			if b.send("a", 1, 32) {
				b.Error("may be sent without a lease")
			}
			b.claimed(2, 0)(b.claim("b", 32, 62))
			if b.send("a", 1, 33) || b.send("a", 2, 33) {
				b.Error("the old holder may send it")
			}
			b.settle("a", 34, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Accepted})
			b.is(registration.Claimed, 2, 32)
			b.due(62 + tolerance)
		},
		"lease runs out while sending": func(b *book) {
			b.claim("a", 2, 32)
			b.send("a", 1, 3)
			b.claimed(2, 1)(b.claim("b", 40, 70))
			b.history("1 a UNKNOWN smtp/ NO_ANSWER")
			b.send("b", 2, 41)
			b.claimed(3, 2)(b.claim("c", 80, 110))
			b.settle("c", 81, notify.Outcome{Attempt: notify.Attempt{Number: 3}, State: registration.Unknown, Reason: "TWICE"})
			b.is(registration.Unknown, 3, 81)
			b.history("1 a UNKNOWN smtp/ NO_ANSWER", "2 b UNKNOWN smtp/ NO_ANSWER", "3 c UNKNOWN / TWICE")
			b.due(-1)
		},
		"late but not taken over": func(b *book) {
			b.claim("a", 2, 32)
			b.send("a", 1, 3)
			b.settle("a", 40, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Accepted})
			b.is(registration.Accepted, 1, 40)
		},
		"to be tried again": func(b *book) {
			b.claim("a", 2, 32)
			b.send("a", 1, 3)
			b.settle("a", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Queued, Reason: "TRANSIENT 451", RetryAt: b.at(60)})
			b.is(registration.Queued, 1, 4)
			b.due(60)
			b.history("1 a QUEUED smtp/ TRANSIENT 451")
			if n, _ := b.claim("b", 58, 90); n != 0 {
				b.Error("is claimed before its time")
			}
			b.due(60)
			b.claimed(2, 0)(b.claim("b", 60, 90))
		},
		"an ambiguous answer": func(b *book) {
			b.claim("a", 2, 32)
			b.send("a", 1, 3)
			b.settle("a", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Queued, RetryAt: b.at(60), Ambiguous: true})
			b.claimed(2, 1)(b.claim("b", 60, 90))
		},
		"published": func(b *book) {
			b.published(nil, 2)
			b.due(2 + 300)
			b.published(nil, 302)
			b.due(302 + 600)
			for range 8 {
				b.published(nil, 1000)
			}
			b.due(1000 + 6*3600)
		},
		"published, and told so late": func(b *book) {
			b.claim("a", 2, 32)
			b.published(nil, 3)
			b.due(32 + tolerance)
			b.settle("a", 4, notify.Outcome{Attempt: notify.Attempt{Number: 1}, State: registration.Queued, RetryAt: b.at(60)})
			b.published(nil, 5)
			b.due(60)
			b.claim("a", 60, 90)
			b.settle("a", 61, notify.Outcome{Attempt: notify.Attempt{Number: 2}, State: registration.Expired})
			b.published(nil, 62)
			b.due(-1)
		},
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, story := range stories {
			t.Run(name, func(t *testing.T) { story(newBook(t, db)) })
		}
		t.Run("an outcome that is none", func(t *testing.T) {
			b := newBook(t, db)
			b.claim("a", 2, 32)
			if err := db.Ledger().Settle(t.Context(), "a", []notify.Outcome{{Attempt: notify.Attempt{NotificationID: b.id, Number: 1}, State: registration.Sending}}, b.at(3)); err == nil {
				t.Error("is recorded")
			}
			b.is(registration.Claimed, 1, 2)
		})
		t.Run("nothing", func(t *testing.T) {
			claims, err := db.Ledger().Claim(t.Context(), "a", "", []registration.ID{newID()}, now(), now().Add(time.Minute))
			if err != nil || len(claims) != 0 {
				t.Errorf("an id that does not exist: %v, %v", claims, err)
			}
			if claims, err := db.Ledger().Claim(t.Context(), "a", "", nil, now(), now()); err != nil || claims != nil {
				t.Error(claims, err)
			}
			if ids, err := db.Ledger().MarkSending(t.Context(), "a", "smtp", nil, now()); err != nil || ids != nil {
				t.Error(ids, err)
			}
			if err := db.Ledger().Settle(t.Context(), "a", nil, now()); err != nil {
				t.Error(err)
			}
		})
	})
}

func (b *book) published(lease *lease.Lease, at int) {
	b.Helper()
	if err := b.db.Outbox().Published(b.Context(), lease, []registration.ID{b.id}, b.at(at)); err != nil {
		b.Fatal(err)
	}
}

// TestClaimsExclude: however many notifiers claim the same notifications at
// once, each is claimed by exactly one, and each of those sends and settles it.
func TestClaimsExclude(t *testing.T) {
	const notifiers, people = 6, 20
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		var ids []registration.ID
		for range people {
			for _, n := range create(t, db, person()).Notifications {
				ids = append(ids, n.ID)
			}
		}
		var mu sync.Mutex
		owners := make(map[registration.ID][]string)
		var wg sync.WaitGroup
		for i := range notifiers {
			wg.Go(func() {
				owner := fmt.Sprintf("n%d", i)
				mine := slices.Clone(ids)
				if i%2 == 1 {
					slices.Reverse(mine)
				}
				for part := range slices.Chunk(mine, 7) {
					if err := work(t.Context(), db.Ledger(), owner, part, func(id registration.ID) {
						mu.Lock()
						defer mu.Unlock()
						owners[id] = append(owners[id], owner)
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			if len(owners[id]) != 1 {
				t.Errorf("%s was sent by %v", id, owners[id])
			}
		}
		if rows, _, err := db.Outbox().Depth(t.Context()); err != nil || rows != 0 {
			t.Errorf("%d rows are left in the outbox, %v", rows, err)
		}
	})
}

// work is what a notifier does with a batch.
func work(ctx context.Context, l *store.Ledger, owner string, ids []registration.ID, send func(registration.ID)) error {
	claims, err := l.Claim(ctx, owner, "", ids, now(), now().Add(time.Minute))
	if err != nil {
		return err
	}
	var attempts []notify.Attempt
	for _, c := range claims {
		attempts = append(attempts, c.Attempt)
	}
	held, err := l.MarkSending(ctx, owner, "smtp", attempts, now())
	if err != nil {
		return err
	}
	var outcomes []notify.Outcome
	for _, a := range attempts {
		if !slices.Contains(held, a.NotificationID) {
			return fmt.Errorf("%s was claimed and may not be sent", a.NotificationID)
		}
		send(a.NotificationID)
		outcomes = append(outcomes, notify.Outcome{Attempt: a, State: registration.Accepted, ProviderRef: "ref-" + a.NotificationID.String()})
	}
	return l.Settle(ctx, owner, outcomes, now())
}
