package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func idOf(n int) registration.ID {
	return registration.ID{0x01, 0x99, 0, 0, 0, 0, 0x70, 0, 0x80, 14: byte(n >> 8), 15: byte(n)}
}

// claimOf is a fresh e-mail notification that lives for life.
func claimOf(n int, life time.Duration) notify.Claim {
	now := time.Now()
	return notify.Claim{
		Attempt: notify.Attempt{NotificationID: idOf(n)},
		Notification: registration.Notification{ID: idOf(n), Kind: registration.RegistrationCompleted, Channel: registration.EmailChannel,
			Recipient: fmt.Sprintf("ada%d@example.com", n), Locale: "en", CreatedAt: now, Deadline: now.Add(life)},
		Username: "ada",
	}
}

func batchOf(ids ...registration.ID) []lane.Message {
	batch := make([]lane.Message, len(ids))
	for i, id := range ids {
		batch[i] = lane.Message{NotificationID: id, Lane: lane.EmailTransactional}
	}
	return batch
}

// sender answers as send says and counts.
type sender struct {
	repeatable bool
	send       func(ctx context.Context, m notify.Message) (notify.Receipt, error)
	sent       atomic.Int64
}

func (s *sender) Name() string     { return "test" }
func (s *sender) Repeatable() bool { return s.repeatable }
func (s *sender) Close() error     { return nil }
func (s *sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	s.sent.Add(1)
	return s.send(ctx, m)
}

type renderer struct{ err error }

func (r renderer) Render(c notify.Claim) (notify.Message, error) {
	return notify.Message{NotificationID: c.NotificationID, To: c.Notification.Recipient, Text: "news"}, r.err
}

// observer keeps what it is told.
type observer struct {
	mutex    sync.Mutex
	attempts map[string]int
	latency  []time.Duration
	swept    int
}

func (o *observer) Attempt(l, provider, state string) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.attempts == nil {
		o.attempts = make(map[string]int)
	}
	o.attempts[l+" "+provider+" "+state]++
}

func (o *observer) Latency(_ string, took time.Duration) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.latency = append(o.latency, took)
}

func (o *observer) Swept(_ string, messages int) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.swept += messages
}

// gate lets everything through unless it is shut, and keeps account.
type gate struct {
	shut   atomic.Bool
	inside atomic.Int64 // passed and not done
	unused atomic.Int64
}

func (g *gate) Pass(ctx context.Context, most int) (int, error) {
	if g.shut.Load() {
		return 0, notify.ErrShut
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	g.inside.Add(int64(most))
	return most, nil
}

func (g *gate) Done(err error) {
	g.inside.Add(-1)
	if errors.Is(err, notify.ErrUnused) {
		g.unused.Add(1)
	}
}

// handle runs a notifier for one batch, to the end of what that begins.
func handle(ctx context.Context, n *notify.Notifier, batch []lane.Message) error {
	running, stop := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { _ = n.Run(running) })
	err := n.Handle(ctx, batch)
	n.AwaitSends()
	stop()
	run.Wait()
	return err
}

func newNotifier(t *testing.T, ledger notify.Ledger, s notify.Sender, adjust ...func(*notify.Config)) *notify.Notifier {
	t.Helper()
	config := notify.Config{Lane: lane.EmailTransactional, Owner: "one", Ledger: ledger, Renderer: renderer{}, Routes: []notify.Route{{Sender: s, Gate: &gate{}}}, Observer: &observer{}, Log: slog.New(slog.DiscardHandler)}
	for _, a := range adjust {
		a(&config)
	}
	n, err := notify.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func failure(class notify.Class) error { return &notify.SendError{Class: class, Status: "X"} }

func TestOutcomes(t *testing.T) {
	const life = time.Hour
	accepted := func(*notify.Claim) (notify.Receipt, error) {
		return notify.Receipt{Ref: "ref", State: registration.Accepted}, nil
	}
	fails := func(class notify.Class) func(*notify.Claim) (notify.Receipt, error) {
		return func(*notify.Claim) (notify.Receipt, error) { return notify.Receipt{}, failure(class) }
	}
	ambiguous := func(n int) func(*notify.Claim) { return func(c *notify.Claim) { c.Ambiguous = n } }
	expired := func(c *notify.Claim) { c.Notification.Deadline = time.Now() }
	both := func(a, b func(*notify.Claim)) func(*notify.Claim) { return func(c *notify.Claim) { a(c); b(c) } }
	closing := func(c *notify.Claim) { c.Notification.Deadline = time.Now().Add(time.Second) }
	hold := func(d time.Duration) func(*notify.Config) {
		return func(c *notify.Config) {
			c.Hold = func(_ notify.Claim, now time.Time) (time.Time, bool) { return now.Add(d), true }
		}
	}
	otp := func(c *notify.Config) { c.Lane = lane.EmailOTP }
	marketing := func(c *notify.Config) { c.Lane = lane.EmailMarketing }
	for _, c := range []struct {
		name          string
		claim         func(*notify.Claim)
		config        func(*notify.Config)
		repeatable    bool
		send          func(*notify.Claim) (notify.Receipt, error)
		sent          int64
		state         registration.State
		reason        string
		wantAmbiguous int
	}{
		{name: "accepted", send: accepted, sent: 1, state: registration.Accepted},
		{name: "delivered", sent: 1, state: registration.Delivered, send: func(*notify.Claim) (notify.Receipt, error) {
			return notify.Receipt{Ref: "ref", State: registration.Delivered}, nil
		}},
		{name: "a receipt without a state is an acceptance", sent: 1, state: registration.Accepted, send: func(*notify.Claim) (notify.Receipt, error) {
			return notify.Receipt{}, nil
		}},
		{name: "transient", send: fails(notify.Transient), sent: 1, state: registration.Queued, reason: "TRANSIENT X"},
		{name: "transient with no time left", claim: closing, send: fails(notify.Transient), sent: 1, state: registration.Expired, reason: "TRANSIENT X"},
		{name: "transient with no time left after an ambiguous attempt", claim: both(closing, ambiguous(1)), send: fails(notify.Transient), sent: 1, state: registration.Unknown, reason: "TRANSIENT X", wantAmbiguous: 1},
		{name: "permanent", send: fails(notify.Permanent), sent: 1, state: registration.Failed, reason: "PERMANENT X"},
		{name: "ambiguous once", send: fails(notify.Ambiguous), sent: 1, state: registration.Queued, reason: "AMBIGUOUS X", wantAmbiguous: 1},
		{name: "ambiguous once with no time left", claim: closing, send: fails(notify.Ambiguous), sent: 1, state: registration.Unknown, reason: "AMBIGUOUS X", wantAmbiguous: 1},
		{name: "ambiguous twice", claim: ambiguous(1), send: fails(notify.Ambiguous), sent: 1, state: registration.Unknown, reason: "AMBIGUOUS X", wantAmbiguous: 2},
		{name: "accepted after an ambiguous attempt", claim: ambiguous(1), send: accepted, sent: 1, state: registration.Accepted, wantAmbiguous: 1},
		{name: "two ambiguous attempts before", claim: ambiguous(2), send: accepted, sent: 0, state: registration.Unknown, reason: "AMBIGUOUS", wantAmbiguous: 2},
		{name: "an error of another kind is ambiguous", sent: 1, state: registration.Queued, reason: "AMBIGUOUS", wantAmbiguous: 1, send: func(*notify.Claim) (notify.Receipt, error) {
			return notify.Receipt{}, errors.New("550 <ada@example.com> unknown")
		}},
		{name: "past its deadline", claim: expired, send: accepted, sent: 0, state: registration.Expired, reason: "DEADLINE"},
		{name: "past its deadline after an ambiguous attempt", claim: both(expired, ambiguous(1)), send: accepted, sent: 0, state: registration.Unknown, reason: "DEADLINE", wantAmbiguous: 1},
		{name: "withheld", config: func(c *notify.Config) { c.Renderer = renderer{&notify.WithheldError{Reason: "USED"}} }, send: accepted, sent: 0, state: registration.Expired, reason: "USED"},
		{name: "suppressed", claim: func(c *notify.Claim) { c.Suppressed = "HARD_BOUNCE" }, send: accepted, sent: 0, state: registration.Failed, reason: "SUPPRESSED HARD_BOUNCE"},
		{name: "held", config: hold(time.Second), send: accepted, sent: 0, state: registration.Queued, reason: "HELD"},
		{name: "held beyond its deadline", config: hold(2 * time.Hour), send: accepted, sent: 0, state: registration.Expired, reason: "HELD"},
		{name: "throttled", send: fails(notify.Throttled), sent: 1, state: registration.Queued, reason: "THROTTLED X"},
		{name: "throttled with no time left", claim: closing, send: fails(notify.Throttled), sent: 1, state: registration.Expired, reason: "THROTTLED X"},
		{name: "cannot be rendered", config: func(c *notify.Config) { c.Renderer = renderer{errors.New("broken")} }, send: accepted, sent: 0, state: registration.Failed, reason: "RENDER"},
		{name: "of another channel", claim: func(c *notify.Claim) { c.Notification.Channel = registration.SMSChannel }, send: accepted, sent: 0, state: registration.Queued, reason: "LANE"},
		{name: "a code is repeated after many ambiguous attempts", config: otp, claim: ambiguous(7), send: fails(notify.Ambiguous), sent: 1, state: registration.Queued, reason: "AMBIGUOUS X", wantAmbiguous: 8},
		{name: "marketing is never repeated", config: marketing, send: fails(notify.Ambiguous), sent: 1, state: registration.Unknown, reason: "AMBIGUOUS X", wantAmbiguous: 1},
		{name: "marketing after a crash", config: marketing, claim: ambiguous(1), send: accepted, sent: 0, state: registration.Unknown, reason: "AMBIGUOUS", wantAmbiguous: 1},
		{name: "repeatable: ambiguous", repeatable: true, claim: ambiguous(9), send: fails(notify.Ambiguous), sent: 1, state: registration.Queued, reason: "AMBIGUOUS X", wantAmbiguous: 9},
		{name: "repeatable: past its deadline", repeatable: true, claim: both(expired, ambiguous(9)), send: accepted, sent: 0, state: registration.Expired, reason: "DEADLINE", wantAmbiguous: 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				claim := claimOf(1, life)
				if c.claim != nil {
					c.claim(&claim)
				}
				ledger := newModel(claim)
				s := &sender{repeatable: c.repeatable, send: func(context.Context, notify.Message) (notify.Receipt, error) {
					state := ledger.read(idOf(1)).state
					if want := map[bool]registration.State{true: registration.Claimed, false: registration.Sending}[c.repeatable]; state != want {
						t.Errorf("sent in state %s, want %s", state, want)
					}
					return c.send(&claim)
				}}
				seen := &observer{}
				n := newNotifier(t, ledger, s, func(config *notify.Config) {
					config.Observer = seen
					if c.config != nil {
						c.config(config)
					}
				})
				if err := handle(t.Context(), n, batchOf(idOf(1), idOf(1))); err != nil {
					t.Fatal(err)
				}
				r := ledger.read(idOf(1))
				if s.sent.Load() != c.sent || r.state != c.state || r.reason != c.reason || r.ambiguous != c.wantAmbiguous {
					t.Errorf("sent %d, %s %q, ambiguous %d; want %d, %s %q, %d", s.sent.Load(), r.state, r.reason, r.ambiguous, c.sent, c.state, c.reason, c.wantAmbiguous)
				}
				if r.outbox == r.state.Settled() {
					t.Errorf("outbox row: %v in state %s", r.outbox, r.state)
				}
				if r.state == registration.Queued && (r.retryAt.Before(time.Now()) || r.retryAt.After(time.Now().Add(2*time.Second))) {
					t.Errorf("to be tried again in %v", time.Until(r.retryAt))
				}
				if len(seen.attempts) != 1 {
					t.Errorf("observed %v", seen.attempts)
				}
				provider := map[bool]string{true: "test", false: ""}[c.sent > 0]
				for key := range seen.attempts {
					if !strings.HasSuffix(key, " "+provider+" "+string(c.state)) {
						t.Errorf("observed %q", key)
					}
				}
			})
		})
	}
}

func TestWhatIsNotOursIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel(claimOf(1, time.Hour), claimOf(2, time.Hour))
		if _, err := ledger.Claim(t.Context(), "another", "", []registration.ID{idOf(1)}, time.Now(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		s := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
			if m.NotificationID != idOf(2) {
				t.Error("another notifier's was sent")
			}
			return notify.Receipt{}, nil
		}}
		if err := handle(t.Context(), newNotifier(t, ledger, s), batchOf(idOf(1), idOf(2), idOf(3))); err != nil {
			t.Fatal(err)
		}
		if s.sent.Load() != 1 || ledger.read(idOf(1)).owner != "another" {
			t.Errorf("sent %d", s.sent.Load())
		}
	})
}

// broken is a ledger some of whose calls fail.
type broken struct {
	*model
	claim   error
	settles int // how many calls of Settle fail first
}

var errDown = errors.New("database is gone")

func (b *broken) Claim(ctx context.Context, owner, provider string, ids []registration.ID, now, until time.Time) ([]notify.Claim, error) {
	if b.claim != nil {
		return nil, b.claim
	}
	return b.model.Claim(ctx, owner, provider, ids, now, until)
}

func (b *broken) Settle(ctx context.Context, owner string, outcomes []notify.Outcome, now time.Time) error {
	if b.settles > 0 {
		b.settles--
		return errDown
	}
	return b.model.Settle(ctx, owner, outcomes, now)
}

func TestLedgerFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(*broken)
		err   error
		sent  int64
		state registration.State
	}{
		{"claim", func(b *broken) { b.claim = errDown }, errDown, 0, registration.Queued},
		{"settle for a while", func(b *broken) { b.settles = 4 }, nil, 1, registration.Accepted},
		{"settle until the lease is over", func(b *broken) { b.settles = 1 << 30 }, nil, 1, registration.Sending},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger := &broken{model: newModel(claimOf(1, time.Hour))}
				c.fault(ledger)
				s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, nil }}
				begun := time.Now()
				err := handle(t.Context(), newNotifier(t, ledger, s), batchOf(idOf(1)))
				if !errors.Is(err, c.err) || c.err == nil && err != nil {
					t.Errorf("error %v, want %v", err, c.err)
				}
				if r := ledger.read(idOf(1)); s.sent.Load() != c.sent || r.state != c.state {
					t.Errorf("sent %d, state %s; want %d, %s", s.sent.Load(), r.state, c.sent, c.state)
				}
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("took %v, longer than the lease", took)
				}
			})
		})
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel()
		var first, second []registration.ID
		for i := range 40 {
			c := claimOf(i, time.Hour)
			ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
			if i < 20 {
				first = append(first, c.NotificationID)
			} else {
				second = append(second, c.NotificationID)
			}
		}
		var running, most atomic.Int64
		s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) {
			now := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			time.Sleep(time.Second)
			return notify.Receipt{}, nil
		}}
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.Window = 4 })
		live, stop := context.WithCancel(t.Context())
		var run, both sync.WaitGroup
		run.Go(func() { _ = n.Run(live) })
		for _, ids := range [][]registration.ID{first, second} {
			both.Go(func() {
				if err := n.Handle(t.Context(), batchOf(ids...)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		n.AwaitSends()
		stop()
		run.Wait()
		if most.Load() != 4 || s.sent.Load() != 40 {
			t.Errorf("%d at once, %d sent", most.Load(), s.sent.Load())
		}
	})
}

// TestNothingRunsPastTheLease: many messages of one recipient go one after the
// other to a provider that hangs; what cannot begin in time is put back instead
// of being sent after the lease.
func TestNothingRunsPastTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel()
		var ids []registration.ID
		for i := range 20 {
			c := claimOf(i, time.Hour)
			c.Notification.Recipient = "ada@example.com"
			ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
			ids = append(ids, c.NotificationID)
		}
		s := &sender{send: func(ctx context.Context, _ notify.Message) (notify.Receipt, error) {
			<-ctx.Done()
			return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Err: ctx.Err()}
		}}
		begun := time.Now()
		if err := handle(t.Context(), newNotifier(t, ledger, s), batchOf(ids...)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		if sent := s.sent.Load(); sent == 0 || sent >= 20 {
			t.Errorf("%d sent", sent)
		}
		for _, id := range ids {
			if r := ledger.read(id); r.state != registration.Queued || r.ambiguous != 0 {
				t.Errorf("%s, ambiguous %d", r.state, r.ambiguous)
			}
		}
	})
}

// TestOneRecipientsMessagesStayInOrder, and do not hold up another's.
func TestOneRecipientsMessagesStayInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel()
		var ids []registration.ID
		for i := range 30 {
			c := claimOf(i, time.Hour)
			c.Notification.Recipient = fmt.Sprint("person", i%3, "@example.com")
			ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
			ids = append(ids, c.NotificationID)
		}
		var mutex sync.Mutex
		got := map[string][]registration.ID{}
		s := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
			time.Sleep(time.Duration(40-m.NotificationID[15]) * time.Millisecond)
			mutex.Lock()
			defer mutex.Unlock()
			got[m.To] = append(got[m.To], m.NotificationID)
			return notify.Receipt{}, nil
		}}
		begun := time.Now()
		if err := handle(t.Context(), newNotifier(t, ledger, s), batchOf(ids...)); err != nil {
			t.Fatal(err)
		}
		for who, order := range got {
			if len(order) != 10 || !slices.IsSortedFunc(order, func(a, b registration.ID) int { return slices.Compare(a[:], b[:]) }) {
				t.Errorf("%s got %v", who, order)
			}
		}
		if took := time.Since(begun); took > 400*time.Millisecond {
			t.Errorf("took %v: recipients waited for each other", took)
		}
	})
}

// TestEndOfContext: what waits for room is left to others, what is claimed is
// brought to its end.
func TestEndOfContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel()
		var ids []registration.ID
		for i := range 30 {
			c := claimOf(i, time.Hour)
			ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
			ids = append(ids, c.NotificationID)
		}
		s := &sender{send: func(ctx context.Context, _ notify.Message) (notify.Receipt, error) {
			time.Sleep(2 * time.Second)
			return notify.Receipt{}, ctx.Err()
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := handle(ctx, newNotifier(t, ledger, s, func(c *notify.Config) { c.Window = 8 }), batchOf(ids...))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		states := make(map[registration.State]int)
		for _, id := range ids {
			states[ledger.read(id).state]++
		}
		if states[registration.Accepted] != 8 || states[registration.Queued] != 22 {
			t.Errorf("%v: the eight that ran are to be settled, the others to wait", states)
		}
	})
}

func TestNewTellsEverything(t *testing.T) {
	_, err := notify.New(notify.Config{Lane: "pigeon", SendTimeout: time.Minute, Window: -1})
	for _, want := range []string{"lane", "owner", "missing", "send timeout", "window", "route"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %q", err, want)
		}
	}
}
