package tier

import (
	"sync"
	"time"
)

const (
	// leastPatience is how long a server may be silent where machines are not
	// busy: new calls have left it for others within 300 ms of its end.
	leastPatience = 240 * time.Millisecond
	// mostPatience is how long it may be anywhere.
	mostPatience = 3 * time.Second
	// calming halves what is remembered of slow answers.
	calming = 10 * time.Second
)

// patience is how long servers may be silent: longer where answers have taken
// long. Machines that are busy answer late, and to make their calls again
// elsewhere would only make them busier. Its zero value is ready for use.
type patience struct {
	mu      sync.Mutex
	slowest time.Duration // of the answers of late, as it was at the time of
	at      time.Time
}

// heard takes how long an answer took.
func (p *patience) heard(took time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if remembered := p.remembered(now); took >= remembered {
		p.slowest, p.at = took, now
	}
}

// limit is how long a server may be silent at now.
func (p *patience) limit(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(leastPatience, 4*p.remembered(now)), mostPatience)
}

func (p *patience) remembered(now time.Time) time.Duration {
	slowest := p.slowest
	for passed := now.Sub(p.at); passed >= calming && slowest > 0; passed -= calming {
		slowest /= 2
	}
	return slowest
}
