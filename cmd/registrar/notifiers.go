package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"registrar/internal/config"
	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

// laneWork is one lane of the notification service: what the queue brings is
// gathered, and the notifier works on it.
type laneWork struct {
	gather   *notify.Gather
	notifier *notify.Notifier
}

// openNotifiers opens the lanes that this process serves, each with its own
// connections to its providers; of those that were not asked for by name, the
// ones alone that it may send.
func (p *parts) openNotifiers(c config.Config) (err error) {
	if p.links, err = unsubscribeLinks(c); err != nil {
		return err
	}
	texts, err := template.Load(templateOptions(c))
	if err != nil {
		return err
	}
	lanes, err := lanesOf(c)
	if err != nil {
		return err
	}
	owner := uuid.NewString() // a restart is another owner: what this one left in SENDING may have left it
	p.lanes = map[lane.Lane]laneWork{}
	hold := quietHours()
	for _, l := range lanes {
		if err := mayMarket(c, l.Channel()); l.Priority() == lane.Marketing && err != nil {
			if slices.Contains(c.Notify.Lanes, string(l)) {
				return fmt.Errorf("%s: %w", l, err)
			}
			p.log.Warn("a lane is left out: what is in it waits for a process that may send it", "lane", string(l), "why", err)
			continue
		}
		p.metrics.Lane(string(l))
		routes, err := p.openRoutes(c, l)
		if err != nil {
			return err
		}
		settings := notify.Config{
			Lane: l, Owner: owner, Ledger: p.db.Ledger(), Renderer: linked{p.links, codeOpener{keys: p.codes, next: texts}}, Routes: routes, Observer: p.metrics, Log: p.log,
			Lease: c.Notify.Lease, SendTimeout: min(c.Notify.Lease/2, sendTimeout(c, l.Channel())),
		}
		linger := time.Duration(0)
		switch l.Priority() {
		case lane.OneTimeCode:
			settings.Sweeper = p.db.Outbox()
			settings.Lease = min(settings.Lease, codeLease)
			settings.SendTimeout = min(settings.SendTimeout, codeSendTimeout, settings.Lease/2)
			settings.RetryCap = codeRetryCap
		case lane.Transactional:
			settings.SettleDelay, linger = sharing/2, sharing
		case lane.Marketing:
			settings.Hold = hold
			settings.Ledger, settings.Window, settings.SettleDelay = p.db.BulkLedger(), bulkWindow, sharing/4
		}
		settings.Drain = min(settings.SendTimeout, c.ShutdownTimeout)
		notifier, err := notify.New(settings)
		if err != nil {
			return err
		}
		p.lanes[l] = laneWork{&notify.Gather{Handler: notifier.Handle, Linger: linger, Limit: 100}, notifier}
	}
	return nil
}

const (
	// sharing is how long news may wait, under load, at each of two stops on its way
	// to share a request to the broker and the ledger's transactions with others. It
	// stays far below the second after which the relay publishes what nobody has.
	// One-time codes do not wait at all.
	sharing = 100 * time.Millisecond
	// codeLease is after how long another notifier takes over the codes of one
	// that died: soon enough for somebody who waits.
	codeLease = 12 * time.Second
	// codeSendTimeout is how long a provider may take to answer for a code before
	// it is sent again: the same one once more does less harm than none in time.
	codeSendTimeout = 5 * time.Second
	// codeRetryCap is the longest wait before a code is tried again.
	codeRetryCap = 5 * time.Second
	// bulkWindow is how many messages of a campaign are on their way at once, where
	// the provider is fast enough: several claims of what the queue brings.
	bulkWindow = 400
)

// lanesOf are the lanes that this process serves.
func lanesOf(c config.Config) ([]lane.Lane, error) {
	if len(c.Notify.Lanes) == 0 {
		return lane.All(), nil
	}
	var lanes []lane.Lane
	for _, name := range c.Notify.Lanes {
		if name == config.NoLanes {
			return nil, nil
		}
		l, err := lane.Parse(name)
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, l)
	}
	return lanes, nil
}

// startNotifiers starts the lanes: the notifiers before what feeds them. Lanes
// end beside each other.
func (p *parts) startNotifiers(ctx context.Context, s *stages) {
	s.start(ctx, func(ctx context.Context) error {
		return p.inEachLane(func(_ lane.Lane, w laneWork) error { return w.notifier.Run(ctx) })
	})
	s.start(ctx, func(ctx context.Context) error {
		return p.inEachLane(func(l lane.Lane, w laneWork) error { return p.queue.Consumer().Run(ctx, l, w.gather.Handle) })
	})
}

// inEachLane runs something for all lanes at once, and gives their errors.
func (p *parts) inEachLane(run func(lane.Lane, laneWork) error) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	for l, w := range p.lanes {
		all.Go(func() {
			err := run(l, w)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err)
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// sendTimeout bounds one message: it is that of the slowest provider.
func sendTimeout(c config.Config, channel registration.Channel) (longest time.Duration) {
	if channel == registration.SMSChannel {
		for _, s := range c.SMSProviders() {
			longest = max(longest, s.Timeout())
		}
		return longest
	}
	for _, e := range c.EmailProviders() {
		longest = max(longest, e.SMTP.Timeout)
	}
	return longest
}
