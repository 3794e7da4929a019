package notify_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// row is what the model keeps of a notification.
type row struct {
	claim     notify.Claim // without Attempt.Number and Ambiguous
	state     registration.State
	owner     string
	lease     time.Time
	attempts  int
	ambiguous int
	retryAt   time.Time // of QUEUED
	dueAt     time.Time // of the outbox row
	outbox    bool
	reason    string
	ref       string
}

// model is Ledger's contract on a map: the state machine, and nothing of a database.
type model struct {
	mutex sync.Mutex
	rows  map[registration.ID]*row
}

func newModel(claims ...notify.Claim) *model {
	m := &model{rows: make(map[registration.ID]*row)}
	for _, c := range claims {
		m.rows[c.NotificationID] = &row{claim: c, state: registration.Queued, outbox: true, ambiguous: c.Ambiguous, attempts: c.Number}
	}
	return m
}

func (m *model) Claim(_ context.Context, owner, provider string, ids []registration.ID, now, leaseUntil time.Time) ([]notify.Claim, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var claims []notify.Claim
	for _, id := range ids {
		r := m.rows[id]
		switch {
		case r == nil, r.state.Settled(), r.state == registration.Queued && r.retryAt.After(now):
			continue
		case r.state != registration.Queued && r.lease.After(now):
			r.dueAt = r.lease
			continue
		}
		if r.state == registration.Sending {
			r.ambiguous++
		}
		r.state, r.owner, r.lease = registration.Claimed, owner, leaseUntil
		if provider != "" {
			r.state = registration.Sending
		}
		r.attempts++
		c := r.claim
		c.Number, c.Ambiguous = r.attempts, r.ambiguous
		claims = append(claims, c)
	}
	return claims, nil
}

// held says whether owner still has the attempt.
func (r *row) held(owner string, a notify.Attempt, states ...registration.State) bool {
	return r != nil && r.owner == owner && r.attempts == a.Number && slices.Contains(states, r.state)
}

func (m *model) MarkSending(_ context.Context, owner, _ string, attempts []notify.Attempt, now time.Time) ([]registration.ID, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var ids []registration.ID
	for _, a := range attempts {
		if r := m.rows[a.NotificationID]; r.held(owner, a, registration.Claimed, registration.Sending) && r.lease.After(now) {
			r.state = registration.Sending
			ids = append(ids, a.NotificationID)
		}
	}
	return ids, nil
}

func (m *model) Settle(_ context.Context, owner string, outcomes []notify.Outcome, _ time.Time) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, o := range outcomes {
		r := m.rows[o.NotificationID]
		if !r.held(owner, o.Attempt, registration.Claimed, registration.Sending) {
			continue
		}
		r.state, r.reason, r.ref = o.State, o.Reason, o.ProviderRef
		if o.Ambiguous {
			r.ambiguous++
		}
		r.retryAt, r.dueAt, r.outbox = o.RetryAt, o.RetryAt, !o.State.Settled()
	}
	return nil
}

// due gives the ids that a relay would publish now, and puts them off as it does.
func (m *model) due(now time.Time) (ids []registration.ID) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for id, r := range m.rows {
		if r.outbox && !r.dueAt.After(now) {
			ids = append(ids, id)
			r.dueAt = now.Add(time.Minute)
		}
	}
	slices.SortFunc(ids, func(a, b registration.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// Overdue implements notify.Sweeper.
func (m *model) Overdue(_ context.Context, _ lane.Lane, now time.Time, limit int) ([]lane.Message, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var messages []lane.Message
	for id, r := range m.rows {
		if r.outbox && !r.dueAt.After(now) && len(messages) < limit {
			messages = append(messages, lane.Message{NotificationID: id, Deadline: r.claim.Notification.Deadline})
		}
	}
	return messages, nil
}

func (m *model) read(id registration.ID) row {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return *m.rows[id]
}
