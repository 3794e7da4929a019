package transfer

import "time"

// A batch is one transaction. On a cluster everybody else's commits wait while a
// large one is certified and executed, and a node that is behind makes all of them
// wait (flow control): both are seen as transactions that take longer. So the time
// that a batch took decides how large the next one is, and no status of the server
// is asked for.
const (
	batchLeast = 50
	// batchBytes bounds the content of a batch's rows: some hundred times less than
	// what Galera takes as one transaction (wsrep_max_ws_size), and below
	// max_allowed_packet's default.
	batchBytes = 2 << 20
	// batchSlow is when a batch is taken to be in others' way.
	batchSlow = 500 * time.Millisecond
	// longestRest bounds the pause after a slow batch.
	longestRest = 2 * time.Second
)

// pace decides how many rows a batch has.
type pace struct {
	rows int
	most int
}

// after takes how long a batch of n rows took, and gives how long to leave the
// database to others: as long as a slow batch took.
func (p *pace) after(n int, took time.Duration) (rest time.Duration) {
	switch {
	case took > batchSlow:
		p.rows = max(batchLeast, min(p.rows, n)/2)
		return min(took, longestRest)
	case took < batchSlow/2:
		p.rows += p.rows/4 + 1
	}
	p.rows = min(p.rows, p.most)
	return 0
}
