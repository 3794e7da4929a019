package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/address"
	"registrar/internal/campaign"
	"registrar/internal/lease"
	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

var _ campaign.FeederStore = (*store.Campaigns)(nil)

// citizen is an account as campaigns see it.
type citizen struct {
	id                   registration.ID
	email, mobile        string
	locale               string
	status               registration.Status
	consent              bool
	emailAt, mobileAt    bool // verified
	registered           time.Time
	notifications, boxed int // what there is of campaigns; set by tally
}

// population stores n accounts that a campaign by e-mail is for, each changed
// by change first.
func population(t testing.TB, db *store.DB, n int, change func(i int, c *citizen)) []citizen {
	t.Helper()
	people := make([]citizen, n)
	accounts, profiles := []string{}, []string{}
	var accountValues, profileValues []any
	flush := func() {
		if len(accounts) == 0 {
			return
		}
		err := db.Transact(t.Context(), func(run func(string, ...any) error, _ bool) error {
			if err := run(`INSERT INTO accounts (id, caller, username, username_key, email, email_key, mobile, password_hash, status, registered_at, email_verified_at, mobile_verified_at) VALUES `+strings.Join(accounts, ","), accountValues...); err != nil {
				return err
			}
			return run(`INSERT INTO profiles (account_id, first_name, last_name, locale, marketing_consent) VALUES `+strings.Join(profiles, ","), profileValues...)
		})
		if err != nil {
			t.Fatal(err)
		}
		accounts, profiles, accountValues, profileValues = nil, nil, nil, nil
	}
	begun := now().Add(-time.Hour)
	for i := range people {
		c := citizen{id: newID(), locale: "en", status: registration.Active, consent: true, emailAt: true, mobileAt: true, registered: begun, mobile: fmt.Sprintf("+9665%08d", i)}
		c.email = fmt.Sprintf("P%x@example.org", c.id[6:])
		if change != nil {
			change(i, &c)
		}
		people[i] = c
		truth := func(b bool) int {
			if b {
				return 1
			}
			return 0
		}
		accounts = append(accounts, `(?,'',?,?,?,?,?,'x',?,?,?,?)`)
		accountValues = append(accountValues, c.id[:], c.email, c.email, c.email, strings.ToLower(c.email), c.mobile, string(c.status), c.registered.UnixMicro(), truth(c.emailAt), truth(c.mobileAt))
		profiles = append(profiles, `(?,'','',?,?)`)
		profileValues = append(profileValues, c.id[:], c.locale, truth(c.consent))
		if len(accounts) == 500 {
			flush()
		}
	}
	flush()
	return people
}

// tally counts what each person has of a campaign, and in the outbox of it.
func tally(t testing.TB, db *store.DB, people []citizen, id registration.ID) {
	t.Helper()
	var rows []struct {
		Account []byte `db:"account_id"`
		N       int    `db:"n"`
		Boxed   int    `db:"boxed"`
	}
	err := db.Raw().SelectContext(t.Context(), &rows, `SELECT n.account_id, COUNT(*) AS n, COUNT(o.notification_id) AS boxed FROM notifications n LEFT JOIN outbox o ON o.notification_id = n.id WHERE n.campaign_id = ? GROUP BY n.account_id`, id[:])
	if err != nil {
		t.Fatal(err)
	}
	of := map[registration.ID][2]int{}
	for _, r := range rows {
		of[registration.ID(r.Account)] = [2]int{r.N, r.Boxed}
	}
	for i := range people {
		counts := of[people[i].id]
		people[i].notifications, people[i].boxed = counts[0], counts[1]
		delete(of, people[i].id)
	}
	if len(of) > 0 {
		t.Errorf("%d notifications of nobody", len(of))
	}
}

// drive is a campaign on a database, with all that works on it.
type drive struct {
	t  testing.TB
	db *store.DB
	campaign.Service
}

func newDrive(t testing.TB, db *store.DB) *drive {
	return &drive{t, db, campaign.Service{
		Store: db.Campaigns(), Now: time.Now, ZonesOf: address.TimeZones,
		NewID: func() (registration.ID, error) { return newID(), nil },
	}}
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

func (d *drive) feeder(owner string, change ...func(*campaign.Feeder)) *campaign.Feeder {
	f := &campaign.Feeder{
		Store: d.db.Campaigns(), Leases: d.db.Leases(), Owner: owner, NewID: d.NewID, ZonesOf: address.TimeZones, Now: d.Now, Log: silent,
		LeaseTTL: 3 * time.Second, Queued: 1_000_000, Page: 50, Batch: 20, Poll: 5 * time.Millisecond,
	}
	for _, c := range change {
		c(f)
	}
	return f
}

// started makes and starts a campaign.
func (d *drive) started(name string, change ...func(*campaign.Campaign)) campaign.Campaign {
	d.t.Helper()
	c := campaign.Campaign{Name: name, Template: "spring", Channel: registration.EmailChannel, Life: 24 * time.Hour}
	for _, f := range change {
		f(&c)
	}
	if _, err := d.Create(d.t.Context(), c); err != nil {
		d.t.Fatal(err)
	}
	c, err := d.Start(d.t.Context(), name)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// rounds lets a feeder work until there is nothing to do.
func (d *drive) rounds(f *campaign.Feeder) {
	d.t.Helper()
	for range 1000 {
		worked, err := f.Round(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		if !worked {
			return
		}
	}
	d.t.Fatal("the work does not end")
}

func (d *drive) now(name string) campaign.Campaign {
	d.t.Helper()
	c, err := d.Store.Campaign(d.t.Context(), name)
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// notifications of a campaign in the order of their ids.
func (d *drive) notifications(id registration.ID) []registration.Notification {
	d.t.Helper()
	var rows []struct {
		ID       []byte `db:"id"`
		Deadline int64  `db:"deadline"`
	}
	if err := d.db.Raw().SelectContext(d.t.Context(), &rows, `SELECT id, deadline FROM notifications WHERE campaign_id = ? ORDER BY id`, id[:]); err != nil {
		d.t.Fatal(err)
	}
	all := make([]registration.Notification, len(rows))
	for i, r := range rows {
		all[i] = registration.Notification{ID: registration.ID(r.ID), Deadline: time.UnixMicro(r.Deadline)}
	}
	return all
}

// claim takes notifications as a notifier does.
func (d *drive) claim(some []registration.Notification, at time.Time) []notify.Claim {
	d.t.Helper()
	ids := make([]registration.ID, len(some))
	for i, n := range some {
		ids[i] = n.ID
	}
	claims, err := d.db.Ledger().Claim(d.t.Context(), "notifier", "", ids, at, at.Add(time.Minute))
	if err != nil {
		d.t.Fatal(err)
	}
	return claims
}

func (d *drive) count(query string, args ...any) (n int) {
	d.t.Helper()
	if err := d.db.Raw().GetContext(d.t.Context(), &n, query, args...); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// run executes a statement.
func (d *drive) run(query string, args ...any) {
	d.t.Helper()
	if err := d.db.Transact(d.t.Context(), func(run func(string, ...any) error, _ bool) error { return run(query, args...) }); err != nil {
		d.t.Fatal(err)
	}
}

// TestWhoGetsACampaign: each account that it is for, once; every other one is
// counted by why not.
func TestWhoGetsACampaign(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		at := now()
		kinds := []struct {
			why    campaign.Exclusion
			change func(*citizen)
		}{
			{"", func(*citizen) {}},
			{"", func(c *citizen) { c.locale = "en-GB" }},
			{"", func(c *citizen) { c.mobile, c.mobileAt = "", false }},
			{campaign.OtherLocale, func(c *citizen) { c.locale = "fr" }},
			{campaign.OtherLocale, func(c *citizen) { c.locale = "enm" }},
			{campaign.OtherTime, func(c *citizen) { c.registered = at.Add(-49 * time.Hour) }},
			{campaign.OtherTime, func(c *citizen) { c.registered = at.Add(time.Hour) }},
			{campaign.NotActive, func(c *citizen) { c.status = registration.PendingVerification }},
			{campaign.NoConsent, func(c *citizen) { c.consent = false }},
			{campaign.NotVerified, func(c *citizen) { c.emailAt = false }},
			{campaign.Suppressed, func(c *citizen) { suppress(t, db, registration.EmailChannel, c.email, suppression.HardBounce, at) }},
		}
		people := population(t, db, 30*len(kinds), func(i int, c *citizen) { kinds[i%len(kinds)].change(c) })
		segment := campaign.Segment{Locales: []string{"en"}, RegisteredSince: at.Add(-48 * time.Hour)}
		want := map[campaign.Exclusion]int{}
		for i := range people {
			if why := kinds[i%len(kinds)].why; why != "" {
				want[why]++
			}
		}
		audience, err := d.Audience(t.Context(), campaign.Campaign{Channel: registration.EmailChannel, Segment: segment, Life: time.Hour}, nil)
		if err != nil || audience.Accounts != len(people) || audience.Chosen != 90 || !maps.Equal(audience.Excluded, want) {
			t.Errorf("the audience is %+v, %v", audience, err)
		}
		c := d.started("spring", func(c *campaign.Campaign) { c.Segment = segment })
		if c.Accounts != len(people) {
			t.Errorf("%d accounts", c.Accounts)
		}
		d.rounds(d.feeder("a"))
		tally(t, db, people, c.ID)
		for i, p := range people {
			expected := 0
			if kinds[i%len(kinds)].why == "" {
				expected = 1
			}
			if p.notifications != expected || p.boxed != expected {
				t.Errorf("person %d, %s: %d notifications, %d in the outbox", i, kinds[i%len(kinds)].why, p.notifications, p.boxed)
			}
		}
		c = d.now("spring")
		if c.State != campaign.Running || c.LookedAt != len(people) || c.Chosen != 90 || c.FedAt.IsZero() || !maps.Equal(c.Excluded, want) {
			t.Errorf("the campaign is %+v", c)
		}
		if n := d.count(`SELECT COUNT(*) FROM outbox WHERE lane = 'email.marketing' AND due_at <= ?`, now().UnixMicro()); n != 90 {
			t.Errorf("%d are due", n)
		}
		// Once all are settled it is done.
		d.run(`UPDATE notifications SET state = 'DELIVERED' WHERE campaign_id = ?`, c.ID[:])
		d.rounds(d.feeder("a"))
		if c = d.now("spring"); c.State != campaign.Done || c.EndedAt.IsZero() {
			t.Errorf("the campaign is %s", c.State)
		}
	})
}

// TestExactlyOnceWhateverCrashes: several feeders work at once and are killed,
// statements fail before and after they are done, and so do commits whose
// outcome is then unknown. Nobody gets a campaign twice, nobody is left out.
func TestExactlyOnceWhateverCrashes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		const feeders = 3
		people := 900
		db := open(t, o)
		d := newDrive(t, db)
		crowd := population(t, db, people, nil)
		c := d.started("spring", func(c *campaign.Campaign) { c.Cap = campaign.FrequencyCap{Messages: 1, Within: 24 * time.Hour} })
		var running sync.WaitGroup
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		for n := range feeders {
			i := &injector{}
			other := open(t, i.through(o))
			random, sever := rand.New(rand.NewPCG(uint64(n), 7)), o.Path == "" // a file has no connection that breaks
			i.set(func(string) *fault {
				switch r := random.IntN(100); { // i calls this one at a time
				case r < 3:
					return &fault{sever: sever, err: errCut}
				case r < 6:
					return &fault{run: true, sever: sever, err: errCut}
				default:
					return nil
				}
			})
			running.Go(func() {
				for life := 0; ctx.Err() == nil; life++ {
					if c, err := db.Campaigns().Campaign(ctx, "spring"); err == nil && !c.FedAt.IsZero() {
						return
					}
					// Each feeder dies after a while, in the middle of whatever it does, and leaves its lease.
					short, kill := context.WithTimeout(ctx, time.Duration(20+rand.IntN(150))*time.Millisecond)
					f := (&drive{t, other, d.Service}).feeder(fmt.Sprintf("%d-%d", n, life), func(f *campaign.Feeder) {
						f.LeaseTTL = 3 * time.Second
						f.Leases = impatient{other.Leases()}
					})
					for short.Err() == nil {
						_, _ = f.Round(short)
					}
					kill()
				}
			})
		}
		running.Wait()
		d.rounds(d.feeder("last", func(f *campaign.Feeder) { f.Leases = impatient{db.Leases()} }))
		tally(t, db, crowd, c.ID)
		wrong := 0
		for _, p := range crowd {
			if p.notifications != 1 || p.boxed != 1 {
				wrong++
			}
		}
		c = d.now("spring")
		if wrong > 0 || c.Chosen != people || c.LookedAt != people || c.FedAt.IsZero() {
			t.Errorf("%d of %d did not get it exactly once; looked at %d, chosen %d", wrong, people, c.LookedAt, c.Chosen)
		}
	})
}

var errCut = io.ErrUnexpectedEOF

// impatient leases run out at once: whoever asks next has them.
type impatient struct{ *store.Leases }

func (i impatient) Acquire(ctx context.Context, name, owner string, now time.Time, _ time.Duration) (lease.Lease, bool, error) {
	return i.Leases.Acquire(ctx, name, owner, now, 0)
}

// TestTheCampaignsRowFences: of two steps from one revision one is stored, and
// none under a lease that another has by now, or of a campaign that is paused.
func TestTheCampaignsRowFences(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		crowd := population(t, db, 2, nil)
		c := d.started("spring")
		at := now()
		taken, held, err := db.Leases().Acquire(t.Context(), "campaign-feeder", "a", at, time.Minute)
		if err != nil || !held {
			t.Fatal(held, err)
		}
		step := func(person citizen) campaign.Step {
			return campaign.Step{Position: person.id, LookedAt: 1, Chosen: []campaign.Message{{Notification: registration.Notification{
				ID: newID(), AccountID: person.id, Kind: registration.CampaignMessage, Channel: registration.EmailChannel, Recipient: person.email, Locale: "en",
				CreatedAt: at, Deadline: at.Add(time.Hour), CampaignID: c.ID,
			}}}}
		}
		var each sync.WaitGroup
		var mu sync.Mutex
		var stored []campaign.Campaign
		for range 8 {
			each.Go(func() {
				after, err := db.Campaigns().Feed(t.Context(), taken, c, step(crowd[0]))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					stored = append(stored, after)
				case !errors.Is(err, campaign.ErrOvertaken):
					t.Error(err)
				}
			})
		}
		each.Wait()
		if len(stored) != 1 {
			t.Fatalf("%d of 8 were stored", len(stored))
		}
		if got := d.now("spring"); got.Position != crowd[0].id || got.Revision != stored[0].Revision {
			t.Errorf("the row is %+v", got)
		}
		if _, held, err := db.Leases().Acquire(t.Context(), "campaign-feeder", "b", at.Add(2*time.Minute), time.Minute); err != nil || !held {
			t.Fatal(held, err)
		}
		if _, err := db.Campaigns().Feed(t.Context(), taken, stored[0], step(crowd[1])); !errors.Is(err, lease.ErrLost) {
			t.Errorf("under a lost lease: %v", err)
		}
		if _, err := d.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Campaigns().Feed(t.Context(), taken, stored[0], step(crowd[1])); !errors.Is(err, campaign.ErrOvertaken) {
			t.Errorf("while it is paused: %v", err)
		}
		tally(t, db, crowd, c.ID)
		if crowd[0].notifications != 1 || crowd[1].notifications != 0 {
			t.Errorf("%d and %d notifications", crowd[0].notifications, crowd[1].notifications)
		}
	})
}

// TestPauseResumeCancel: what is queued waits, goes on, and ends; what may have
// left is not touched.
func TestPauseResumeCancel(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		population(t, db, 60, nil)
		c := d.started("spring")
		feeder := d.feeder("a", func(f *campaign.Feeder) { f.Page, f.Batch = 10, 10 })
		for range 4 {
			if _, err := feeder.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Pause(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		d.rounds(feeder)
		queued := d.notifications(c.ID)
		if len(queued) != 40 || d.now("spring").State != campaign.Paused {
			t.Fatalf("%d were queued", len(queued))
		}
		due := func() int { return d.count(`SELECT COUNT(*) FROM outbox WHERE due_at <= ?`, now().UnixMicro()) }
		if claims := d.claim(queued[:30], now()); len(claims) != 0 || due() != 10 {
			t.Errorf("%d are claimed, %d due", len(claims), due())
		}
		// Past its deadline one is claimed, to end by it.
		if claims := d.claim(queued[39:], queued[39].Deadline); len(claims) != 1 {
			t.Errorf("%d are claimed past their deadline", len(claims))
		}
		d.run(`UPDATE notifications SET state = 'QUEUED', owner = '', lease_until = 0 WHERE id = ?`, queued[39].ID[:])
		d.run(`UPDATE outbox SET due_at = created_at WHERE notification_id = ?`, queued[39].ID[:])
		// One is to be tried again later, and one is being sent: they stay so.
		later := now().Add(time.Hour).UnixMicro()
		d.run(`UPDATE notifications SET next_attempt_at = ? WHERE id = ?`, later, queued[0].ID[:])
		d.run(`UPDATE notifications SET state = 'SENDING', owner = 'x', lease_until = ? WHERE id = ?`, later, queued[1].ID[:])
		if _, err := d.Resume(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		d.rounds(feeder)
		if got := d.now("spring"); got.State != campaign.Running || got.Chosen != 60 || due() != 58 {
			t.Errorf("%s, %d chosen, %d due", got.State, got.Chosen, due())
		}
		if n := d.count(`SELECT COUNT(*) FROM outbox WHERE due_at = ?`, later); n != 1 {
			t.Errorf("%d are due when they are to be tried again", n)
		}
		if _, err := d.Cancel(t.Context(), "spring"); err != nil {
			t.Fatal(err)
		}
		d.rounds(d.feeder("a"))
		got, err := d.Store.Progress(t.Context(), c.ID)
		if want := (map[registration.State]int{registration.Expired: 59, registration.Sending: 1}); err != nil || !maps.Equal(got, want) {
			t.Errorf("the progress is %v, %v", got, err)
		}
		if n := d.count(`SELECT COUNT(*) FROM outbox`); n != 1 || d.now("spring").State != campaign.Cancelled {
			t.Errorf("%d are in the outbox, the campaign is %s", n, d.now("spring").State)
		}
		// What comes back from a provider afterwards ends when it is claimed.
		d.run(`UPDATE notifications SET state = 'QUEUED', owner = '', lease_until = 0 WHERE id = ?`, queued[1].ID[:])
		if claims := d.claim(queued[1:2], now()); len(claims) != 0 || d.count(`SELECT COUNT(*) FROM outbox`) != 0 {
			t.Errorf("%d are claimed", len(claims))
		}
		if n := d.count(`SELECT COUNT(*) FROM notifications WHERE state = 'EXPIRED' AND reason = 'CANCELLED'`); n != 60 {
			t.Errorf("%d were cancelled", n)
		}
		for what, err := range map[string]error{
			"started": second(d.Start(t.Context(), "spring")), "paused": second(d.Pause(t.Context(), "spring")), "resumed": second(d.Resume(t.Context(), "spring")),
		} {
			if _, ok := errors.AsType[*campaign.StateError](err); !ok {
				t.Errorf("a cancelled campaign is %s: %v", what, err)
			}
		}
		if err := second(d.Cancel(t.Context(), "spring")); err != nil {
			t.Error(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestFrequencyCap: over all campaigns, by what is queued and what was sent
// within the time; what was never sent does not count.
func TestFrequencyCap(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		crowd := population(t, db, 5, nil)
		feeder := d.feeder("a")
		capped := func(c *campaign.Campaign) { c.Cap = campaign.FrequencyCap{Messages: 2, Within: 7 * 24 * time.Hour} }
		first, next := d.started("one"), d.started("two", capped)
		d.rounds(feeder)
		tally(t, db, crowd, next.ID)
		for i, p := range crowd {
			if p.notifications != 1 {
				t.Errorf("person %d has %d of the second", i, p.notifications)
			}
		}
		old := now().Add(-8 * 24 * time.Hour).UnixMicro()
		change := func(who int, set string, args ...any) {
			d.run(`UPDATE notifications SET `+set+` WHERE campaign_id = ? AND account_id = ?`, append(args, first.ID[:], crowd[who].id[:])...)
		}
		change(0, `state = 'EXPIRED'`)
		change(1, `state = 'FAILED'`)
		change(2, `state = 'ACCEPTED', created_at = ?, updated_at = ?`, old, old)
		change(3, `state = 'ACCEPTED', created_at = ?`, old) // queued long ago, sent now
		change(4, `created_at = ?, updated_at = ?`, old, old)
		third := d.started("three", capped)
		d.rounds(feeder)
		tally(t, db, crowd, third.ID)
		for i, want := range []int{1, 1, 1, 0, 0} {
			if crowd[i].notifications != want {
				t.Errorf("person %d has %d of the third", i, crowd[i].notifications)
			}
		}
		if got := d.now("three").Excluded[campaign.CapReached]; got != 2 {
			t.Errorf("%d have reached the cap", got)
		}
	})
}

// TestQuietHoursAtFeeding: where it is quiet the message is due when it is not,
// and not at all if that is too late.
func TestQuietHoursAtFeeding(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		at := time.Date(2026, 3, 10, 19, 30, 0, 0, time.UTC) // 22:30 in Riyadh, 14:30 in Bogotá
		d.Now = func() time.Time { return at }
		crowd := population(t, db, 3, func(i int, c *citizen) {
			c.mobile, c.registered = []string{"+966512345678", "+573001234567", ""}[i], at.Add(-time.Hour)
		})
		quiet, err := campaign.ParseQuietHours("21:00-08:00", "Asia/Riyadh")
		if err != nil {
			t.Fatal(err)
		}
		late := d.started("late", func(c *campaign.Campaign) { c.Quiet = quiet })
		soon := d.started("soon", func(c *campaign.Campaign) { c.Quiet, c.Life = quiet, time.Hour })
		d.rounds(d.feeder("a"))
		end := time.Date(2026, 3, 11, 5, 0, 0, 0, time.UTC).UnixMicro()
		for i, want := range []struct{ next, due int64 }{{end, end}, {0, at.UnixMicro()}, {end, end}} {
			var got struct {
				Next int64 `db:"next_attempt_at"`
				Due  int64 `db:"due_at"`
			}
			err := db.Raw().GetContext(t.Context(), &got, `SELECT n.next_attempt_at, o.due_at FROM notifications n JOIN outbox o ON o.notification_id = n.id WHERE n.campaign_id = ? AND n.account_id = ?`, late.ID[:], crowd[i].id[:])
			if err != nil || got.Next != want.next || got.Due != want.due {
				t.Errorf("person %d: %+v, %v", i, got, err)
			}
		}
		tally(t, db, crowd, soon.ID)
		if crowd[0].notifications != 0 || crowd[1].notifications != 1 || d.now("soon").Excluded[campaign.QuietTillLater] != 2 {
			t.Errorf("with an hour to live: %+v", d.now("soon"))
		}
	})
}

// TestFeedingWaitsForRoom: not more is queued than there may be.
func TestFeedingWaitsForRoom(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		population(t, db, 100, nil)
		c := d.started("spring")
		feeder := d.feeder("a", func(f *campaign.Feeder) { f.Queued, f.Page, f.Batch = 40, 20, 10 })
		d.rounds(feeder)
		if got := d.now("spring"); got.Chosen != 40 || !got.FedAt.IsZero() {
			t.Errorf("%d are queued", got.Chosen)
		}
		d.run(`DELETE FROM outbox`)
		d.run(`UPDATE notifications SET state = 'ACCEPTED' WHERE campaign_id = ?`, c.ID[:])
		d.rounds(feeder)
		if got := d.now("spring"); got.Chosen != 80 {
			t.Errorf("%d were queued when there was room again", got.Chosen)
		}
	})
}

// TestADeadlineEndsFeeding: who was not chosen by then is not chosen any more.
func TestADeadlineEndsFeeding(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		population(t, db, 3, nil)
		c := d.started("spring")
		d.Now = func() time.Time { return c.Deadline }
		d.rounds(d.feeder("a"))
		if c = d.now("spring"); c.Chosen != 0 || c.State != campaign.Done {
			t.Errorf("the campaign is %+v", c)
		}
	})
}

// TestAClaimKnowsItsCampaign: what the message is made of, where it may not be
// sent yet, and who has withdrawn their consent since they were chosen.
func TestAClaimKnowsItsCampaign(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		d := newDrive(t, db)
		crowd := population(t, db, 2, nil)
		quiet, err := campaign.ParseQuietHours("03:00-03:01", "Asia/Riyadh")
		if err != nil {
			t.Fatal(err)
		}
		c := d.started("spring", func(c *campaign.Campaign) { c.Quiet = quiet })
		d.rounds(d.feeder("a"))
		if err := db.Consents().Withdraw(t.Context(), crowd[1].id, registration.SMSChannel, now()); err != nil {
			t.Fatal(err)
		}
		claims := d.claim(d.notifications(c.ID), now().Add(time.Hour))
		if len(claims) != 2 {
			t.Fatalf("%d are claimed", len(claims))
		}
		var text campaign.QuietHours
		for i, got := range claims {
			want := ""
			if i == 1 {
				want = "NO_CONSENT"
			}
			if got.Template != "spring" || got.Notification.CampaignID != c.ID || got.Mobile != registration.Mobile(crowd[i].mobile) || got.Suppressed != want ||
				text.UnmarshalText([]byte(got.QuietHours)) != nil || text != quiet {
				t.Errorf("claim %d is %+v", i, got)
			}
		}
	})
}

// TestCampaignsNames: a name is one campaign's for ever.
func TestCampaignsNames(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		d := newDrive(t, open(t, o))
		c := campaign.Campaign{Name: "spring", Template: "t", Channel: registration.SMSChannel, Life: time.Hour, Segment: campaign.Segment{Locales: []string{"ar", "en"}, RegisteredSince: now()}}
		made, err := d.Create(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Store.Create(t.Context(), made); err != nil {
			t.Errorf("the same again: %v", err)
		}
		if _, err := d.Create(t.Context(), c); !errors.Is(err, campaign.ErrExists) {
			t.Errorf("another of that name: %v", err)
		}
		if _, err := d.Start(t.Context(), "summer"); !errors.Is(err, campaign.ErrUnknown) {
			t.Errorf("one that there is not: %v", err)
		}
		if all, err := d.Store.Campaigns(t.Context()); err != nil || len(all) != 1 || fmt.Sprint(all[0].Segment) != fmt.Sprint(made.Segment) || all[0].ID != made.ID {
			t.Errorf("the campaigns are %+v, %v", all, err)
		}
	})
}

// TestConsents: withdrawn, restored, and withdrawn again, each also twice; what
// others have said of the address stays.
func TestConsents(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		p := population(t, db, 2, func(i int, c *citizen) {
			if c.locale = "ar"; i == 1 {
				c.mobile = ""
			}
		})
		const email, sms = registration.EmailChannel, registration.SMSChannel
		suppress(t, db, email, p[0].email, suppression.HardBounce, at)
		consents := db.Consents()
		want := func(channel registration.Channel, consented bool) {
			t.Helper()
			got, locale, err := consents.Standing(t.Context(), p[0].id, channel)
			if err != nil || got != consented || locale != "ar" {
				t.Errorf("%s: %v, %s, %v", channel, got, locale, err)
			}
		}
		want(email, true)
		for range 2 {
			if err := consents.Withdraw(t.Context(), p[0].id, email, at); err != nil {
				t.Fatal(err)
			}
		}
		want(email, false)
		want(sms, false)
		if got := reasonsOf(t, db, email, p[0].email); got != "HARD_BOUNCE UNSUBSCRIBED" && got != "UNSUBSCRIBED HARD_BOUNCE" {
			t.Errorf("the reasons are %s", got)
		}
		for range 2 {
			if err := consents.Restore(t.Context(), p[0].id, email); err != nil {
				t.Fatal(err)
			}
		}
		want(email, true)
		want(sms, true)
		if got := reasonsOf(t, db, email, p[0].email); got != "HARD_BOUNCE" {
			t.Errorf("the reasons are %s", got)
		}
		if err := consents.Withdraw(t.Context(), p[1].id, sms, at); err != nil { // there is no number any more
			t.Error(err)
		}
		for _, err := range []error{consents.Withdraw(t.Context(), newID(), email, at), consents.Restore(t.Context(), newID(), email)} {
			if !errors.Is(err, registration.ErrNotFound) {
				t.Errorf("of nobody: %v", err)
			}
		}
	})
}

// BenchmarkFeed is one person chosen and queued, by the feeder as it is.
func BenchmarkFeed(b *testing.B) {
	for _, backend := range backends {
		for _, batch := range []int{200, 1000} {
			b.Run(fmt.Sprintf("%s/%d", backend.name, batch), func(b *testing.B) {
				o := backend.new(b)
				migrate(b, o)
				db := open(b, o)
				d := newDrive(b, db)
				population(b, db, b.N, nil)
				d.started("spring", func(c *campaign.Campaign) { c.Cap = campaign.FrequencyCap{Messages: 2, Within: time.Hour} })
				feeder := d.feeder("a", func(f *campaign.Feeder) { f.Page, f.Batch = 1000, batch })
				b.ResetTimer()
				for d.now("spring").FedAt.IsZero() {
					if _, err := feeder.Round(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "people/s")
			})
		}
	}
}
