package password

import (
	"runtime/debug"
	"sync"
	"time"
)

// release gives the hashes' memory back to the system some time after the last
// of them. Left to itself the runtime keeps tens of MiB for minutes: it
// collects an idle heap every two minutes only.
type release struct {
	mu      sync.Mutex
	wait    time.Duration
	timer   *time.Timer
	stopped bool
	free    func()
}

func newRelease(wait time.Duration) *release {
	return &release{wait: wait, free: debug.FreeOSMemory}
}

// after starts the wait anew.
func (r *release) after() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopped:
	case r.timer == nil:
		r.timer = time.AfterFunc(r.wait, r.free)
	default:
		r.timer.Reset(r.wait)
	}
}

func (r *release) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
}
