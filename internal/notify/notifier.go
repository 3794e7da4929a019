package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

// Renderer makes a message out of a claim. A *WithheldError means that it is
// not wanted any more; any other error that it cannot be made, now or later.
// Neither names the person nor the address.
type Renderer interface {
	Render(c Claim) (Message, error)
}

// Observer is told of every attempt once the ledger has it. State is where it
// led to: QUEUED is a failed attempt that will be repeated.
type Observer interface {
	Attempt(lane, provider, state string)
	// Latency is the time from a notification's creation to a provider's acceptance.
	Latency(lane string, took time.Duration)
	// Swept counts messages that were found in the ledger, not in the queue.
	Swept(lane string, messages int)
}

// Sweeper finds in the ledger what the queue should have brought: see Config.
type Sweeper interface {
	// Overdue gives up to limit messages of a lane that nobody holds and whose
	// time has come, the oldest first.
	Overdue(ctx context.Context, l lane.Lane, now time.Time, limit int) ([]lane.Message, error)
}

// Config is what a Notifier works with. The zero value of a duration or a
// number stands for its default.
type Config struct {
	Lane     lane.Lane
	Owner    string // this instance, in the ledger; unique among running ones
	Ledger   Ledger
	Renderer Renderer
	Routes   []Route // the lane's providers, in the order in which they are tried
	Observer Observer
	Log      *slog.Logger
	Now      func() time.Time // default time.Now

	// Sweeper is asked every SweepEvery for what the queue did not bring; nil
	// for a lane that waits for the queue, however long that is away.
	Sweeper    Sweeper
	SweepEvery time.Duration // default 250 ms

	// Hold says until when a claim is not to be sent yet, such as for quiet
	// hours; nil holds nothing.
	Hold func(c Claim, now time.Time) (until time.Time, hold bool)

	// Lease is how long claims are held; default 30 s.
	Lease time.Duration
	// SendTimeout bounds one Send; at most half of Lease. Default 10 s, or half
	// of a Lease that is shorter than 20 s.
	SendTimeout time.Duration
	// Drain is how long Sends that run may take when Run is to end; default and
	// most SendTimeout.
	Drain time.Duration
	// LedgerTimeout bounds one call of the ledger; default 5 s.
	LedgerTimeout time.Duration
	// Window is how many notifications are claimed and not yet sent, over all
	// Handle calls; default 64. What a crash leaves in doubt is at most that
	// many, and less in lanes that send nothing twice.
	Window int
	// SettleDelay is how long the end of an attempt may wait for others, to
	// share a transaction of the ledger; default 5 ms. It holds up no message.
	SettleDelay time.Duration
	// RetryBase and RetryCap bound the ceiling of the full-jitter back-off:
	// base times 2^(attempt-1), at most cap. Defaults 1 s and 10 min.
	RetryBase, RetryCap time.Duration
}

// Notifier works one lane. Its Handle may be called by several goroutines while
// Run runs.
//
// After an attempt without an answer a one-time code is sent again until its
// deadline, a transactional message once, a marketing one never; then the
// notification is UNKNOWN. A Repeatable sender repeats freely.
type Notifier struct {
	config  Config
	slots   chan struct{}   // one for each notification between its claim and its Send's end
	settled chan settlement // ends of attempts on their way to the ledger
	running sync.WaitGroup  // Sends
	order   order
	resends int

	draining chan struct{}   // closed when Run's context has ended: no other Send begins
	sending  context.Context // of all Sends; ended by cut
	cut      context.CancelFunc
	inside   []chan struct{} // by route: one for each Send that runs, where their number is limited
	marker   *marker         // nil where claims are marks
}

// New checks config and fills in its defaults.
func New(config Config) (*Notifier, error) {
	setDefault(&config.Lease, 30*time.Second)
	setDefault(&config.SendTimeout, min(10*time.Second, config.Lease/2))
	setDefault(&config.Drain, config.SendTimeout)
	setDefault(&config.LedgerTimeout, 5*time.Second)
	setDefault(&config.Window, 64)
	setDefault(&config.SettleDelay, 5*time.Millisecond)
	setDefault(&config.SweepEvery, 250*time.Millisecond)
	setDefault(&config.RetryBase, time.Second)
	setDefault(&config.RetryCap, 10*time.Minute)
	if config.Now == nil {
		config.Now = time.Now
	}
	var problems []error
	check := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, errors.New("notify: "+problem))
		}
	}
	_, err := lane.Parse(string(config.Lane))
	check(err == nil, "no such lane")
	check(config.Owner != "", "no owner")
	check(len(config.Routes) > 0, "no route")
	for _, r := range config.Routes {
		check(r.Sender != nil && r.Gate != nil, "a route without sender or gate")
	}
	check(config.Ledger != nil && config.Renderer != nil && config.Observer != nil && config.Log != nil,
		"ledger, renderer, observer or log is missing")
	check(config.SendTimeout > 0 && config.SendTimeout <= config.Lease/2, "the send timeout must be above zero and at most half of the lease")
	check(config.Drain > 0 && config.Drain <= config.SendTimeout, "the drain time must be above zero and at most the send timeout")
	check(config.LedgerTimeout > 0, "the ledger timeout must be above zero")
	check(config.Window > 0 && config.SettleDelay > 0 && config.SweepEvery > 0, "window, settle delay and sweep interval must be above zero")
	check(config.RetryBase > 0 && config.RetryCap >= config.RetryBase, "the retry cap must be at least the retry base, and both above zero")
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	n := &Notifier{
		config: config, slots: make(chan struct{}, config.Window), settled: make(chan settlement, config.Window),
		order: order{last: map[string]chan struct{}{}}, resends: resendsOf(config.Lane),
	}
	n.draining = make(chan struct{})
	n.sending, n.cut = context.WithCancel(context.Background())
	for _, r := range config.Routes {
		var inside chan struct{}
		if r.Parallel > 0 {
			inside = make(chan struct{}, r.Parallel)
		}
		n.inside = append(n.inside, inside)
	}
	if n.resends == 0 {
		n.marker = newMarker(n.markSending)
	}
	return n, nil
}

func setDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

// Run settles what Handle has begun, and sweeps the ledger. When ctx ends no
// other Send begins: what was claimed for one is put back. Those that run have
// Drain to end, and are broken off then; all are settled, which takes as long as
// the ledger needs, and with a database that does not answer at most Lease.
// Nothing may call Handle any more by then. The error is always nil.
func (n *Notifier) Run(ctx context.Context) error {
	stop := make(chan struct{})
	var settling sync.WaitGroup
	settling.Go(func() { n.settleUntil(stop) }) //nolint:contextcheck // what has ended is settled also after ctx
	if n.config.Sweeper != nil {
		n.sweep(ctx)
	} else {
		<-ctx.Done()
	}
	close(n.draining)
	cut := time.AfterFunc(n.config.Drain, n.cut)
	n.running.Wait()
	cut.Stop()
	n.cut()
	close(stop)
	settling.Wait()
	return nil
}

// Handle takes on the notifications that batch leads to. Once it has returned
// nil, each of them is in a durable state: under this notifier's lease in the
// ledger and on its way to a provider, settled, to be tried again at a time
// that the ledger knows, or held by another notifier. On an error the batch is
// to be handled again.
//
// It waits for room in the window and for the provider's rate, so a slow
// provider slows its callers down.
func (n *Notifier) Handle(ctx context.Context, batch []lane.Message) error {
	late, ids := n.split(batch)
	for len(late) > 0 {
		some := late[:min(n.config.Window, len(late))]
		late = late[len(some):]
		if err := n.take(ctx, some, admission{}); err != nil {
			return err
		}
	}
	for len(ids) > 0 {
		a, err := n.admit(ctx, len(ids))
		if errors.Is(err, ErrShut) && n.config.Sweeper != nil {
			return nil // the sweep comes back to them, and nothing behind them waits
		}
		if err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		some := ids[:a.count]
		ids = ids[a.count:]
		if err := n.take(ctx, some, a); err != nil {
			return err
		}
	}
	return nil
}

// split gives the ids of batch, each once: those past their deadline, for which
// no provider is needed, and the others.
func (n *Notifier) split(batch []lane.Message) (late, ids []registration.ID) {
	now := n.config.Now()
	seen := make(map[registration.ID]bool, len(batch))
	for _, m := range batch {
		switch {
		case seen[m.NotificationID]:
			continue
		case !now.Before(m.Deadline) && !m.Deadline.IsZero():
			late = append(late, m.NotificationID)
		default:
			ids = append(ids, m.NotificationID)
		}
		seen[m.NotificationID] = true
	}
	return late, ids
}

// take claims ids and starts to send what it got of them. It uses up a.
func (n *Notifier) take(ctx context.Context, ids []registration.ID, a admission) error {
	now := n.config.Now()
	leaseUntil := now.Add(n.config.Lease)
	// Not by ctx: a claim that is broken off may have been made all the same, and
	// nobody would send it.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.config.LedgerTimeout)
	claims, err := n.config.Ledger.Claim(limited, n.config.Owner, n.markedBy(a), ids, now, leaseUntil)
	cancel()
	if err != nil {
		n.refuse(a)
		return fmt.Errorf("notify: claim: %w", err)
	}
	if unused := a.count - len(claims); unused > 0 {
		n.refuse(admission{route: a.route, count: unused})
	}
	for _, c := range claims {
		n.start(c, a, leaseUntil) //nolint:contextcheck // what is claimed is brought to its end, whoever stops waiting
	}
	return nil
}

// markedBy is the provider that claims are marked as leaving by; "" where they
// go to none, or are marked later.
func (n *Notifier) markedBy(a admission) string {
	if a.count == 0 || n.marker != nil {
		return ""
	}
	return n.providerOf(a.route)
}

// providerOf is a route's provider in the ledger; "" for one that may see a
// message twice, whose messages need no mark.
func (n *Notifier) providerOf(route int) string {
	if s := n.config.Routes[route].Sender; !s.Repeatable() {
		return s.Name()
	}
	return ""
}

func (n *Notifier) markSending(ctx context.Context, provider string, attempts []Attempt) ([]registration.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, n.config.LedgerTimeout)
	defer cancel()
	return n.config.Ledger.MarkSending(ctx, n.config.Owner, provider, attempts, n.config.Now())
}
