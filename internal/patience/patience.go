// Package patience says how long to wait for a peer that is silent before it is
// taken for lost: a short while where peers answer quickly, longer where they
// have been slow of late. Machines that are busy answer late, and to do
// elsewhere what they are about to do would only make them busier.
package patience

import (
	"sync"
	"time"
)

// calming halves what is remembered of slow answers.
const calming = 10 * time.Second

// Patience is shared by those who wait for peers of one kind. Least and Most
// bound it and do not change; the rest is ready for use as it is.
type Patience struct {
	Least, Most time.Duration

	mu      sync.Mutex
	slowest time.Duration // of the answers of late, as it was at the time of
	at      time.Time
}

// Heard takes how long an answer took that came at now.
func (p *Patience) Heard(took time.Duration, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took >= p.remembered(now) {
		p.slowest, p.at = took, now
	}
}

// Limit is how long a peer may be silent at now: four times the slowest answer
// of the last ten seconds or so.
func (p *Patience) Limit(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return min(max(p.Least, 4*p.remembered(now)), p.Most)
}

func (p *Patience) remembered(now time.Time) time.Duration {
	slowest := p.slowest
	for passed := now.Sub(p.at); passed >= calming && slowest > 0; passed -= calming {
		slowest /= 2
	}
	return slowest
}
