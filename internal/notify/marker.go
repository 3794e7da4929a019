package notify

import (
	"context"
	"sync"

	"registrar/internal/registration"
)

// marksMost is how many messages of a lane that sends nothing twice are marked
// as leaving at once. What a crash leaves in doubt, and so unsent for good, is
// at most that many.
const marksMost = 32

// marker has the ledger record that messages are about to leave, right before
// they do: while one call of the ledger runs, the next one's messages gather.
type marker struct {
	mark    func(ctx context.Context, provider string, attempts []Attempt) ([]registration.ID, error)
	leaving chan struct{} // one for each message between enter and leave
	turn    sync.Mutex    // of the call that runs
	mu      sync.Mutex
	open    map[string]*marking // by provider; gathering
}

// marking is one call of the ledger.
type marking struct {
	attempts []Attempt
	held     map[registration.ID]bool
	err      error
	done     chan struct{}
}

func newMarker(mark func(context.Context, string, []Attempt) ([]registration.ID, error)) *marker {
	return &marker{mark: mark, leaving: make(chan struct{}, marksMost), open: map[string]*marking{}}
}

// enter waits until the ledger has an attempt as leaving by provider, and says
// whether it is still ours. It is followed by leave, whatever it says.
func (m *marker) enter(ctx context.Context, provider string, a Attempt) (held bool, err error) {
	m.leaving <- struct{}{} // each Send before it is bounded
	m.mu.Lock()
	one := m.open[provider]
	first := one == nil
	if first {
		one = &marking{done: make(chan struct{})}
		m.open[provider] = one
	}
	one.attempts = append(one.attempts, a)
	m.mu.Unlock()
	if !first {
		<-one.done
		return one.held[a.NotificationID], one.err
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	m.mu.Lock()
	delete(m.open, provider)
	m.mu.Unlock()
	defer close(one.done)
	ids, err := m.mark(ctx, provider, one.attempts)
	one.held, one.err = make(map[registration.ID]bool, len(ids)), err
	for _, id := range ids {
		one.held[id] = true
	}
	return one.held[a.NotificationID], err
}

func (m *marker) leave() { <-m.leaving }
