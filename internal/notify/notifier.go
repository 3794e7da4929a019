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

// Renderer makes a message out of a claim. An error means that it cannot be
// made, now or later, and names neither the person nor the address.
type Renderer interface {
	Render(c Claim) (Message, error)
}

// Observer is told of every attempt once the ledger has it. State is where it
// led to: QUEUED is a failed attempt that will be repeated.
type Observer interface {
	Attempt(lane, provider, state string)
	// Latency is the time from a notification's creation to a provider's acceptance.
	Latency(lane string, took time.Duration)
}

// Config is what a Notifier works with. The zero value of a duration or a
// number stands for its default.
type Config struct {
	Lane     lane.Lane
	Owner    string // this instance, in the ledger; unique among running ones
	Ledger   Ledger
	Renderer Renderer
	// Sender is the lane's provider. An ordered list of them, with failover
	// inside the deadline, belongs here; it is asked in one place, Notifier.send.
	Sender   Sender
	Observer Observer
	Log      *slog.Logger
	Now      func() time.Time // default time.Now

	// Lease is how long claims are held; default 30 s.
	Lease time.Duration
	// SendTimeout bounds one Send; at most half of Lease. Default 10 s, or half
	// of a Lease that is shorter than 20 s.
	SendTimeout time.Duration
	// LedgerTimeout bounds one call of the ledger; default 5 s.
	LedgerTimeout time.Duration
	// Workers is how many Sends run at once in this lane, over all Handle
	// calls; default 8.
	Workers int
	// ClaimSize is how many notifications are claimed, and settled, in one
	// call; default 100. What a crash may repeat is at most that many.
	ClaimSize int
	// RetryBase and RetryCap bound the ceiling of the full-jitter back-off:
	// base times 2^(attempt-1), at most cap. Defaults 1 s and 10 min.
	RetryBase, RetryCap time.Duration
}

// Notifier works one lane. Its Handle may be called by several goroutines.
//
// After an attempt without an answer a one-time code is sent again until its
// deadline, a transactional message once, a marketing one never; then the
// notification is UNKNOWN. A Repeatable sender repeats freely.
type Notifier struct {
	config  Config
	slots   chan struct{} // one for each running Send
	resends int
}

// New checks config and fills in its defaults.
func New(config Config) (*Notifier, error) {
	setDefault(&config.Lease, 30*time.Second)
	setDefault(&config.SendTimeout, min(10*time.Second, config.Lease/2))
	setDefault(&config.LedgerTimeout, 5*time.Second)
	setDefault(&config.Workers, 8)
	setDefault(&config.ClaimSize, 100)
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
	check(config.Ledger != nil && config.Renderer != nil && config.Sender != nil && config.Observer != nil && config.Log != nil,
		"ledger, renderer, sender, observer or log is missing")
	check(config.SendTimeout > 0 && config.SendTimeout <= config.Lease/2, "the send timeout must be above zero and at most half of the lease")
	check(config.LedgerTimeout > 0, "the ledger timeout must be above zero")
	check(config.Workers > 0 && config.ClaimSize > 0, "workers and claim size must be above zero")
	check(config.RetryBase > 0 && config.RetryCap >= config.RetryBase, "the retry cap must be at least the retry base, and both above zero")
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Notifier{config: config, slots: make(chan struct{}, config.Workers), resends: resendsOf(config.Lane)}, nil
}

func setDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

// Handle works on the notifications that batch leads to. Once it has returned
// nil, each of them is in a durable state: settled, to be tried again at a time
// that the ledger knows, or held by another notifier. On an error the batch is
// to be handled again.
//
// When ctx ends, no further Send begins; those that run are waited for and
// settled, which takes at most SendTimeout and, with a database that does not
// answer, at most Lease.
func (n *Notifier) Handle(ctx context.Context, batch []lane.Message) error {
	ids := distinctIDs(batch)
	for len(ids) > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("notify: %w", err)
		}
		some := ids[:min(n.config.ClaimSize, len(ids))]
		ids = ids[len(some):]
		if err := n.work(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

func distinctIDs(batch []lane.Message) []registration.ID {
	ids := make([]registration.ID, 0, len(batch))
	seen := make(map[registration.ID]bool, len(batch))
	for _, m := range batch {
		if !seen[m.NotificationID] {
			seen[m.NotificationID] = true
			ids = append(ids, m.NotificationID)
		}
	}
	return ids
}

// dispatch is a claimed notification that is ready to leave.
type dispatch struct {
	claim   Claim
	message Message
}

// work claims ids, sends them and settles them, all under one lease.
func (n *Notifier) work(ctx context.Context, ids []registration.ID) error {
	now := n.config.Now()
	leaseUntil := now.Add(n.config.Lease)
	claims, err := n.claim(ctx, ids, now, leaseUntil)
	if err != nil {
		return fmt.Errorf("notify: claim: %w", err)
	}
	if len(claims) == 0 {
		return nil
	}
	var outcomes []Outcome
	var ready []dispatch
	for _, c := range claims {
		if m, outcome := n.prepare(c); outcome != nil {
			outcomes = append(outcomes, *outcome)
		} else {
			ready = append(ready, dispatch{c, m})
		}
	}
	outcomes = append(outcomes, n.sendAll(ctx, ready, leaseUntil)...)
	if len(outcomes) == 0 {
		return nil
	}
	// What is claimed is brought to its end also when ctx is over.
	if err := n.settle(context.WithoutCancel(ctx), outcomes, leaseUntil); err != nil {
		return fmt.Errorf("notify: settle: %w", err)
	}
	n.tell(ctx, claims, outcomes)
	return nil
}

func (n *Notifier) claim(ctx context.Context, ids []registration.ID, now, leaseUntil time.Time) ([]Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, n.config.LedgerTimeout)
	defer cancel()
	return n.config.Ledger.Claim(ctx, n.config.Owner, ids, now, leaseUntil)
}

// sendAll marks and sends what is ready and gives how each attempt ended. What
// MarkSending says is no longer ours has no outcome.
func (n *Notifier) sendAll(ctx context.Context, ready []dispatch, leaseUntil time.Time) []Outcome {
	ready, outcomes := n.mark(ctx, ready)
	results := make([]Outcome, len(ready))
	// A Send that begins later could still run, or be unsettled, when the lease is over.
	latest := leaseUntil.Add(-n.config.SendTimeout - n.config.Lease/10)
	var running sync.WaitGroup
	for i, d := range ready {
		if !n.acquire(ctx, latest) {
			results[i] = n.release(d.claim, "NOT_STARTED")
			continue
		}
		running.Go(func() {
			defer func() { <-n.slots }()
			results[i] = n.send(ctx, d)
		})
	}
	running.Wait()
	return append(outcomes, results...)
}

// mark records that ready is about to leave. A Repeatable sender needs none of it.
func (n *Notifier) mark(ctx context.Context, ready []dispatch) (held []dispatch, outcomes []Outcome) {
	if n.config.Sender.Repeatable() || len(ready) == 0 {
		return ready, nil
	}
	attempts := make([]Attempt, len(ready))
	for i, d := range ready {
		attempts[i] = d.claim.Attempt
	}
	markCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.config.LedgerTimeout)
	defer cancel()
	ids, err := n.config.Ledger.MarkSending(markCtx, n.config.Owner, n.config.Sender.Name(), attempts, n.config.Now())
	if err != nil {
		// Nothing has left, whatever the ledger has recorded.
		n.config.Log.WarnContext(ctx, "notifications not sent: the ledger cannot record them", "lane", n.config.Lane, "count", len(ready), "error", err)
		for _, d := range ready {
			outcomes = append(outcomes, n.release(d.claim, "LEDGER"))
		}
		return nil, outcomes
	}
	ours := make(map[registration.ID]bool, len(ids))
	for _, id := range ids {
		ours[id] = true
	}
	for _, d := range ready {
		if ours[d.claim.NotificationID] {
			held = append(held, d)
		}
	}
	return held, nil
}

// acquire waits for a free worker; false when there is none before latest or
// before ctx ends.
func (n *Notifier) acquire(ctx context.Context, latest time.Time) bool {
	left := latest.Sub(n.config.Now())
	if left <= 0 || ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case n.slots <- struct{}{}:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// send is one attempt with the lane's provider.
func (n *Notifier) send(ctx context.Context, d dispatch) Outcome {
	now := n.config.Now()
	if !now.Before(d.claim.Notification.Deadline) {
		return n.expired(d.claim, "DEADLINE")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.config.SendTimeout)
	defer cancel()
	receipt, err := n.config.Sender.Send(ctx, d.message)
	return n.outcome(d.claim, receipt, err)
}

// settle repeats the ledger's Settle until it succeeds or the lease is over:
// from then on the attempts are ambiguous, and others may take them.
func (n *Notifier) settle(ctx context.Context, outcomes []Outcome, leaseUntil time.Time) error {
	for try := 1; ; try++ {
		once, cancel := context.WithTimeout(ctx, n.config.LedgerTimeout)
		err := n.config.Ledger.Settle(once, n.config.Owner, outcomes, n.config.Now())
		cancel()
		if err == nil {
			return nil
		}
		wait := fullJitter(try, 100*time.Millisecond, 2*time.Second)
		if n.config.Now().Add(wait).After(leaseUntil) {
			return err
		}
		time.Sleep(wait)
	}
}
