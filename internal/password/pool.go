package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"registrar/internal/registration"
)

// Pool runs hashes in their callers' goroutines, so many at a time, with a
// bounded first-in-first-out queue in front. It implements registration.Hasher.
//
// It owns one timer; Close stops it.
type Pool struct {
	algorithm Algorithm
	slots     *semaphore.Weighted
	size      int
	queueSize int
	idle      *release

	mu      sync.Mutex
	queued  int
	running int
	shed    uint64
}

// Stats is what a Pool is doing.
type Stats struct {
	Queued        int    // callers that wait
	QueueCapacity int    // callers that may wait
	Running       int    // hashes that run
	Capacity      int    // hashes that may run at once
	Shed          uint64 // callers turned away since the start because the queue was full
}

// NewPool makes a pool of concurrency hashes at a time, 0 for one a core (of
// GOMAXPROCS), and queue waiting callers, 0 for none.
func NewPool(algorithm Algorithm, concurrency, queue int) *Pool {
	if concurrency < 1 {
		concurrency = runtime.GOMAXPROCS(0)
	}
	return &Pool{
		algorithm: algorithm,
		slots:     semaphore.NewWeighted(int64(concurrency)),
		size:      concurrency,
		queueSize: max(queue, 0),
		idle:      newRelease(idleBeforeRelease),
	}
}

// Hash makes a hash of password. Errors: registration.ErrUnavailable at once
// when the queue is full; ctx's error when it ends before the hash begins.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return p.algorithm.Hash(password)
}

// Verify says whether hash was made from password. Errors: as Hash's, and ErrHash.
func (p *Pool) Verify(ctx context.Context, hash, password string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	return Verify(hash, password)
}

// Outdated says whether hash is not what Hash would make today, so that it is
// to be made anew when the password is known: see Outdated. It costs nothing.
func (p *Pool) Outdated(hash string) bool { return Outdated(hash, p.algorithm) }

// Stats gives the present figures, for metrics.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{Queued: p.queued, QueueCapacity: p.queueSize, Running: p.running, Capacity: p.size, Shed: p.shed}
}

// Close stops the timer that gives memory back. Hashes that run are not waited
// for: their callers do.
func (p *Pool) Close() { p.idle.stop() }

var errQueueFull = errors.New("password: queue full")

// enter waits for a slot in the queue, if there is room in it.
func (p *Pool) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("password: %w", err)
	}
	p.mu.Lock()
	if p.slots.TryAcquire(1) { // fails while anyone waits, so that nobody is overtaken
		p.running++
		p.mu.Unlock()
		return nil
	}
	if p.queued >= p.queueSize {
		p.shed++
		p.mu.Unlock()
		return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, errQueueFull)
	}
	p.queued++
	p.mu.Unlock()

	err := p.slots.Acquire(ctx, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queued--
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	p.running++
	return nil
}

func (p *Pool) leave() {
	p.mu.Lock()
	p.running--
	last := p.running == 0 && p.queued == 0
	p.mu.Unlock()
	p.slots.Release(1)
	if last {
		p.idle.after()
	}
}

// idleBeforeRelease is long enough not to run under load and short enough that
// an idle process is soon a small one.
const idleBeforeRelease = 5 * time.Second
