package notify

import (
	"context"
	"errors"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

// dispatch is a claim on its way to a provider.
type dispatch struct {
	claim      Claim
	message    Message
	route      int
	leaseUntil time.Time
}

// start sends a claim in a goroutine of its own, or ends at once one that is
// not to be sent.
func (n *Notifier) start(c Claim, a admission, leaseUntil time.Time) {
	admitted := a.count > 0
	m, end := n.prepare(c)
	if end == nil && !admitted {
		o := n.release(c, "NOT_STARTED")
		end = &o
	}
	if end != nil {
		if admitted {
			n.refuse(admission{route: a.route, count: 1})
		}
		n.settled <- settlement{claim: c, outcome: *end, leaseUntil: leaseUntil}
		return
	}
	var place turn
	if n.config.Lane.Priority() != lane.OneTimeCode { // a code does not wait for the one before, which it repeats
		place = n.order.join(c.Notification.Recipient)
	}
	n.running.Go(func() {
		place.wait()
		s, ours := n.leave(dispatch{c, m, a.route, leaseUntil})
		place.leave()
		if ours {
			n.settled <- s
		}
		n.vacate(1)
	})
}

// leave sends a message. One that may not be sent again after a crash was
// claimed without a mark, and is marked now.
func (n *Notifier) leave(d dispatch) (s settlement, ours bool) {
	if n.marker == nil {
		return n.send(d)
	}
	r := n.config.Routes[d.route]
	provider := n.providerOf(d.route)
	if provider == "" {
		return n.send(d)
	}
	held, err := n.marker.enter(context.Background(), provider, d.claim.Attempt)
	defer n.marker.leave()
	switch {
	case err != nil: // nothing has left, whatever the ledger has recorded
		r.Gate.Done(ErrUnused)
		return settlement{claim: d.claim, leaseUntil: d.leaseUntil, outcome: n.release(d.claim, "LEDGER")}, true
	case !held:
		r.Gate.Done(ErrUnused)
		return settlement{}, false
	}
	return n.send(d)
}

// send hands a message to its route's provider, and to the next ones while the
// failure is the provider's and there is time. ours is false when the ledger
// says that the attempt is somebody else's by now.
func (n *Notifier) send(d dispatch) (s settlement, ours bool) {
	// A Send that begins later could still run, or be unsettled, when the lease is over.
	latest := d.leaseUntil.Add(-n.config.SendTimeout - n.config.Lease/10)
	if n.tryAnother(d) {
		next, held, end := n.failOver(d, latest)
		if end != nil || !held || next >= 0 {
			n.config.Routes[d.route].Gate.Done(ErrUnused)
		}
		switch {
		case end != nil:
			return settlement{claim: d.claim, leaseUntil: d.leaseUntil, outcome: *end}, true
		case !held:
			return s, false
		case next >= 0:
			d.route = next
		}
	}
	for {
		r := n.config.Routes[d.route]
		s = settlement{claim: d.claim, leaseUntil: d.leaseUntil}
		leave, end := n.begin(d, latest)
		if end != nil {
			r.Gate.Done(ErrUnused)
			s.outcome = *end
			return s, true
		}
		s.provider = r.Sender.Name()
		ctx, cancel := context.WithTimeout(n.sending, n.config.SendTimeout)
		receipt, err := r.Sender.Send(ctx, d.message)
		cancel()
		leave()
		r.Gate.Done(err)
		s.outcome = n.outcome(d.claim, r.Sender, receipt, err)
		if !elsewhere(err) {
			return s, true
		}
		next, held, end := n.failOver(d, latest)
		switch {
		case end != nil:
			s.outcome = *end
			return s, true
		case !held:
			return s, false
		case next < 0:
			return s, true
		}
		d.route = next
	}
}

// tryAnother says whether a message goes to the next provider that works because
// it has just been at this one: it had no answer there, or somebody waits for a
// code that was not taken.
func (n *Notifier) tryAnother(d dispatch) bool {
	return d.claim.Provider != "" && d.claim.Provider == n.config.Routes[d.route].Sender.Name() &&
		(d.claim.Ambiguous > 0 || n.config.Lane.Priority() == lane.OneTimeCode)
}

// begin waits for a Send's turn at the route's sender. end is the outcome of a
// message that gets none: in time, or before Run ends.
func (n *Notifier) begin(d dispatch, latest time.Time) (leave func(), end *Outcome) {
	if end := n.tooLate(d, latest); end != nil {
		return nil, end
	}
	inside := n.inside[d.route]
	if inside == nil {
		select {
		case <-n.draining:
			o := n.release(d.claim, "DRAINING")
			return nil, &o
		default:
			return func() {}, nil
		}
	}
	until := latest
	if deadline := d.claim.Notification.Deadline; deadline.Before(until) {
		until = deadline
	}
	timer := time.NewTimer(until.Sub(n.config.Now()))
	defer timer.Stop()
	select {
	case <-n.draining: // of two that are ready any may be chosen
		o := n.release(d.claim, "DRAINING")
		return nil, &o
	default:
	}
	select {
	case inside <- struct{}{}:
		return func() { <-inside }, nil
	case <-n.draining:
		o := n.release(d.claim, "DRAINING")
		return nil, &o
	case <-timer.C:
		if end = n.tooLate(d, latest); end == nil {
			o := n.release(d.claim, "NOT_STARTED")
			end = &o
		}
		return nil, end
	}
}

// tooLate ends a message whose time is over, and one whose lease is nearly.
func (n *Notifier) tooLate(d dispatch, latest time.Time) *Outcome {
	var o Outcome
	switch now := n.config.Now(); {
	case !now.Before(d.claim.Notification.Deadline):
		o = n.expired(d.claim, "DEADLINE")
	case now.After(latest):
		o = n.release(d.claim, "NOT_STARTED")
	default:
		return nil
	}
	return &o
}

// elsewhere says whether another provider may be asked after err: this one
// surely has not taken the message.
func elsewhere(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && e.Provider && (e.Class == Transient || e.Class == Throttled)
}

// failOver finds the next route that is open, -1 for none, and has the ledger
// know it before its provider sees anything. end is the attempt's outcome
// where the ledger cannot be told; held is false when it is not ours any more.
func (n *Notifier) failOver(d dispatch, latest time.Time) (next int, held bool, end *Outcome) {
	until := latest
	if d.claim.Notification.Deadline.Before(until) {
		until = d.claim.Notification.Deadline
	}
	ctx, cancel := context.WithTimeout(context.Background(), until.Sub(n.config.Now()))
	defer cancel()
	for next = d.route + 1; next < len(n.config.Routes); next++ {
		r := n.config.Routes[next]
		if _, err := r.Gate.Pass(ctx, 1); err != nil {
			continue
		}
		provider := n.providerOf(next)
		if provider == "" {
			return next, true, nil
		}
		ids, err := n.markSending(ctx, provider, []Attempt{d.claim.Attempt})
		if err == nil && len(ids) == 1 {
			return next, true, nil
		}
		r.Gate.Done(ErrUnused)
		if err != nil { // nothing has left, whatever the ledger has recorded
			o := n.release(d.claim, "LEDGER")
			return -1, true, &o
		}
		return -1, false, nil
	}
	return -1, true, nil
}

// prepare renders a claim, or tells the outcome of one that is not to be sent.
func (n *Notifier) prepare(c Claim) (Message, *Outcome) {
	end := func(o Outcome) (Message, *Outcome) { return Message{}, &o }
	now := n.config.Now()
	switch {
	case c.Notification.Channel != n.config.Lane.Channel():
		// The outbox knows the right lane.
		return end(n.release(c, "LANE"))
	case !n.repeatable() && c.Ambiguous > n.resends:
		return end(Outcome{Attempt: c.Attempt, State: registration.Unknown, Reason: string(Ambiguous)})
	case !now.Before(c.Notification.Deadline):
		return end(n.expired(c, "DEADLINE"))
	case c.Suppressed != "":
		return end(Outcome{Attempt: c.Attempt, State: registration.Failed, Reason: "SUPPRESSED " + c.Suppressed})
	}
	if n.config.Hold != nil {
		if until, hold := n.config.Hold(c, now); hold {
			if !until.Before(c.Notification.Deadline) {
				return end(n.expired(c, "HELD"))
			}
			return end(Outcome{Attempt: c.Attempt, State: registration.Queued, Reason: "HELD", RetryAt: until})
		}
	}
	m, err := n.config.Renderer.Render(c)
	if withheld, ok := errors.AsType[*WithheldError](err); ok {
		return end(n.expired(c, withheld.Reason))
	}
	if err != nil {
		n.config.Log.Error("a notification cannot be rendered", "lane", n.config.Lane, "notification", c.NotificationID.String(), "kind", c.Notification.Kind, "error", err)
		return end(Outcome{Attempt: c.Attempt, State: registration.Failed, Reason: "RENDER"})
	}
	m.Kind, m.Deadline = c.Notification.Kind, c.Notification.Deadline
	return m, nil
}

// repeatable says whether no provider of the lane minds a message twice.
func (n *Notifier) repeatable() bool {
	for _, r := range n.config.Routes {
		if !r.Sender.Repeatable() {
			return false
		}
	}
	return true
}
