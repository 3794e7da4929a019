package notify_test

import (
	"context"
	"errors"
	"log/slog"
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
			Recipient: "ada@example.com", Locale: "en", CreatedAt: now, Deadline: now.Add(life)},
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

func newNotifier(t *testing.T, ledger notify.Ledger, s notify.Sender, adjust ...func(*notify.Config)) *notify.Notifier {
	t.Helper()
	config := notify.Config{Lane: lane.EmailTransactional, Owner: "one", Ledger: ledger, Renderer: renderer{}, Sender: s, Observer: &observer{}, Log: slog.New(slog.DiscardHandler)}
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
				if err := n.Handle(t.Context(), batchOf(idOf(1), idOf(1))); err != nil {
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
				for key := range seen.attempts {
					if !strings.HasSuffix(key, " test "+string(c.state)) {
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
		if _, err := ledger.Claim(t.Context(), "another", []registration.ID{idOf(1)}, time.Now(), time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		s := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
			if m.NotificationID != idOf(2) {
				t.Error("another notifier's was sent")
			}
			return notify.Receipt{}, nil
		}}
		if err := newNotifier(t, ledger, s).Handle(t.Context(), batchOf(idOf(1), idOf(2), idOf(3))); err != nil {
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
	claim, mark error
	settles     int // how many calls of Settle fail first
	lostMark    bool
}

var errDown = errors.New("database is gone")

func (b *broken) Claim(ctx context.Context, owner string, ids []registration.ID, now, until time.Time) ([]notify.Claim, error) {
	if b.claim != nil {
		return nil, b.claim
	}
	return b.model.Claim(ctx, owner, ids, now, until)
}

func (b *broken) MarkSending(ctx context.Context, owner, provider string, attempts []notify.Attempt, now time.Time) ([]registration.ID, error) {
	if b.lostMark {
		return nil, nil
	}
	if b.mark != nil {
		return nil, b.mark
	}
	return b.model.MarkSending(ctx, owner, provider, attempts, now)
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
		{"mark", func(b *broken) { b.mark = errDown }, nil, 0, registration.Queued},
		{"mark: the lease was lost", func(b *broken) { b.lostMark = true }, nil, 0, registration.Claimed},
		{"settle for a while", func(b *broken) { b.settles = 4 }, nil, 1, registration.Accepted},
		{"settle until the lease is over", func(b *broken) { b.settles = 1 << 30 }, errDown, 1, registration.Sending},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ledger := &broken{model: newModel(claimOf(1, time.Hour))}
				c.fault(ledger)
				s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) { return notify.Receipt{}, nil }}
				begun := time.Now()
				err := newNotifier(t, ledger, s).Handle(t.Context(), batchOf(idOf(1)))
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
		n := newNotifier(t, ledger, s, func(c *notify.Config) { c.Workers = 4 })
		var both sync.WaitGroup
		for _, ids := range [][]registration.ID{first, second} {
			both.Go(func() {
				if err := n.Handle(t.Context(), batchOf(ids...)); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if most.Load() != 4 || s.sent.Load() != 40 {
			t.Errorf("%d at once, %d sent", most.Load(), s.sent.Load())
		}
	})
}

// A provider that hangs until each Send's deadline: what cannot be begun in
// time is put back instead of being sent after the lease.
func TestNothingRunsPastTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newModel()
		var ids []registration.ID
		for i := range 50 {
			c := claimOf(i, time.Hour)
			ledger.rows[c.NotificationID] = newModel(c).rows[c.NotificationID]
			ids = append(ids, c.NotificationID)
		}
		s := &sender{send: func(ctx context.Context, _ notify.Message) (notify.Receipt, error) {
			<-ctx.Done()
			return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Err: ctx.Err()}
		}}
		begun := time.Now()
		if err := newNotifier(t, ledger, s).Handle(t.Context(), batchOf(ids...)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		if sent := s.sent.Load(); sent == 0 || sent >= 50 {
			t.Errorf("%d sent", sent)
		}
		for _, id := range ids {
			if r := ledger.read(id); r.state != registration.Queued || r.ambiguous != 0 {
				t.Errorf("%s, ambiguous %d", r.state, r.ambiguous)
			}
		}
	})
}

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
		err := newNotifier(t, ledger, s, func(c *notify.Config) { c.ClaimSize = 20 }).Handle(ctx, batchOf(ids...))
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
	_, err := notify.New(notify.Config{Lane: "pigeon", SendTimeout: time.Minute, Workers: -1})
	for _, want := range []string{"lane", "owner", "missing", "send timeout", "workers"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %q", err, want)
		}
	}
}
