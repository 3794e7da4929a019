package store

import (
	"context"
	"database/sql/driver"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// nodes are the servers of the cluster as this process sees them. One of them
// takes all its writes: several writers gain nothing, and meet in conflicts.
//
// All processes write to the same one as far as they can, by the row of leases
// that is named writer. Whoever loses the node that it writes to goes on with
// the next one of its configuration and writes that one's name into the row;
// the others follow. A node that comes back is not gone back to. A process
// whose network shows it other nodes than the rest goes its own way, which
// costs conflicts and nothing else: what is right is decided by the cluster, at
// COMMIT, whichever node it comes from.
type nodes struct {
	all   []*node
	moved func(from, to string) // nil for nobody to be told

	mu       sync.Mutex
	chosen   int
	row      writerRow
	moves    uint64
	lost     bool      // the row names a node that was lost here, and is to be written
	next     time.Time // when the row may be written again
	claiming bool
}

// writerRow is the row of leases that names the writer. Its fence grows with
// each change.
type writerRow struct {
	Owner string `db:"owner"`
	Fence int64  `db:"fence"`
}

// claimPause is the shortest time between two claims of one process: two that
// do not see the same nodes must not drive the others to and fro.
const claimPause = 5 * time.Second

func newNodes(addresses []string, moved func(from, to string)) *nodes {
	n := &nodes{moved: moved}
	for _, a := range addresses {
		n.all = append(n.all, &node{address: a})
	}
	return n
}

// isChosen says whether a node is the one to write to.
func (n *nodes) isChosen(one *node) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[n.chosen] == one
}

// inOrder are all nodes, the chosen one first and those that are down last.
func (n *nodes) inOrder() []int {
	n.mu.Lock()
	defer n.mu.Unlock()
	order, last := []int{n.chosen}, []int(nil)
	for k := 1; k < len(n.all); k++ {
		if i := (n.chosen + k) % len(n.all); n.all[i].down {
			last = append(last, i)
		} else {
			order = append(order, i)
		}
	}
	return append(order, last...)
}

// found takes what a probe of a node that takes writes found, or what made it
// fail, and gives a claim that is to be written now, if there is one.
func (n *nodes) found(i int, name string, row writerRow, err error) (claim writerRow, by int, due bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.chosen
	defer func() {
		if n.chosen == before {
			return
		}
		if n.moves++; n.moved != nil {
			n.moved(n.all[before].address, n.all[n.chosen].address)
		}
	}()
	if n.all[i].down = err != nil; err == nil {
		n.all[i].name = name
		if row.Fence > n.row.Fence {
			n.row, n.lost = row, false
		}
	}
	n.choose()
	chosen := n.all[n.chosen]
	if n.claiming || !chosen.takesWrites() || n.row.Owner == chosen.name {
		return writerRow{}, 0, false
	}
	if n.row.Fence > 0 && !n.lost || time.Now().Before(n.next) {
		return writerRow{}, 0, false
	}
	n.claiming, n.next = true, time.Now().Add(claimPause+rand.N(claimPause/5)) //nolint:gosec // no secret
	return writerRow{Owner: chosen.name, Fence: n.row.Fence}, n.chosen, true
}

// choose goes to the node that the row names, where it can be reached, and from
// one that cannot to the next.
func (n *nodes) choose() {
	named := slices.IndexFunc(n.all, func(one *node) bool { return one.takesWrites() && one.name == n.row.Owner })
	if named >= 0 {
		n.chosen = named
		return
	}
	chosen := n.all[n.chosen]
	if !chosen.down {
		return
	}
	n.lost = n.lost || n.row.Fence > 0 && chosen.name == n.row.Owner
	for k := 1; k < len(n.all); k++ {
		if next := (n.chosen + k) % len(n.all); n.all[next].takesWrites() {
			n.chosen = next
			return
		}
	}
}

// elsewhere says whether a node other than this one takes writes.
func (n *nodes) elsewhere(i int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.all, func(one *node) bool { return one != n.all[i] && one.takesWrites() })
}

// writerMoves is how often another node has been chosen.
func (n *nodes) writerMoves() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.moves
}

// written takes what became of a claim.
func (n *nodes) written() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.claiming = false
}

// route gives a pool its connections: to the chosen node, and while that one
// does not answer and no probe has noticed yet, to the next one that does.
type route struct {
	nodes      *nodes
	connectors []nodeConnector
}

func newRoute(o Options, n *nodes, variables map[string]string) (*route, error) {
	r := &route{nodes: n}
	for _, one := range n.all {
		c, err := newNodeConnector(o, one, variables)
		if err != nil {
			return nil, err
		}
		r.connectors = append(r.connectors, c)
	}
	return r, nil
}

// Connect implements driver.Connector.
func (r *route) Connect(ctx context.Context) (driver.Conn, error) {
	var failed error
	for _, i := range r.nodes.inOrder() {
		conn, err := r.connectors[i].connect(ctx, r.nodes.isChosen)
		if err == nil {
			return conn, nil
		}
		if failed == nil {
			failed = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// Driver implements driver.Connector.
func (r *route) Driver() driver.Driver { return r.connectors[0].Driver() }
