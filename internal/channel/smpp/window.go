package smpp

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// window bounds how many messages are without an answer. When the message
// centre throttles, the bound is halved and nothing is sent for a while; each
// message that it takes makes the bound grow again, by one for a whole window
// (additive increase, multiplicative decrease).
type window struct {
	mutex   sync.Mutex
	most    float64
	limit   float64
	used    int
	waiting []chan struct{} // first come, first served; closed when it is one's turn

	cut     time.Time // of the last halving
	penalty int       // throttlings in a row
	hold    time.Time // nothing is sent before
	timer   *time.Timer
}

// The first pause after a throttling, and the longest.
const (
	holdBase = 250 * time.Millisecond
	holdCap  = 8 * time.Second
)

func newWindow(most int) *window {
	w := &window{most: float64(most), limit: float64(most)}
	w.timer = time.AfterFunc(time.Hour, w.turn)
	w.timer.Stop()
	return w
}

// errHeld says that the message centre wants nothing for longer than one waits.
var errHeld = errors.New("smpp: throttled")

// acquire waits for a place in the window. It does not wait for the end of a
// pause that lasts longer than patience: errHeld.
func (w *window) acquire(ctx context.Context, patience time.Duration) error {
	w.mutex.Lock()
	now := time.Now()
	if w.hold.Sub(now) > patience {
		w.mutex.Unlock()
		return errHeld
	}
	if len(w.waiting) == 0 && w.free(now) {
		w.used++
		w.mutex.Unlock()
		return nil
	}
	ready := make(chan struct{})
	w.waiting = append(w.waiting, ready)
	w.mutex.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	i := slices.Index(w.waiting, ready)
	if i < 0 { // its turn came in this very moment
		return nil
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	if w.hold.After(time.Now()) {
		return errHeld
	}
	return ctx.Err()
}

// free says whether a message may be sent now. mutex is held.
func (w *window) free(now time.Time) bool {
	return w.used < int(w.limit) && !w.hold.After(now)
}

// turn lets in those that wait, as far as there are places.
func (w *window) turn() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.admit()
}

func (w *window) admit() {
	now := time.Now()
	for len(w.waiting) > 0 && w.free(now) {
		close(w.waiting[0])
		w.waiting = w.waiting[1:]
		w.used++
	}
}

// release gives a place back.
func (w *window) release() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.used--
	w.admit()
}

// accepted notes an answer that took a message which was sent at a time.
func (w *window) accepted(sent time.Time) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.limit = min(w.most, w.limit+1/w.limit)
	if sent.After(w.cut) {
		w.penalty = 0
	}
	w.admit()
}

// throttled notes an answer that asked for fewer messages, and says for how
// long to wait. Messages that were sent before the last one are the same news.
func (w *window) throttled(sent time.Time) time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	now := time.Now()
	if sent.After(w.cut) {
		w.cut = now
		w.limit = max(1, w.limit/2)
		pause := min(holdCap, holdBase<<min(w.penalty, 10))
		w.penalty++
		w.hold = now.Add(pause/2 + rand.N(pause/2)) //nolint:gosec // a wait, not a secret
		w.timer.Reset(w.hold.Sub(now))
	}
	return max(0, w.hold.Sub(now))
}

// left is how long a pause still takes.
func (w *window) left() time.Duration {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return max(0, time.Until(w.hold))
}

// size is how many messages may be without an answer now.
func (w *window) size() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return int(w.limit)
}

func (w *window) stop() { w.timer.Stop() }
