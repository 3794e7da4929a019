package recovery_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// owner is whom the data directories of this test belong to.
func owner() string { return fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid()) }

// lostNode: a node's machine is lost, and another one takes its place.
func (r *recovery) lostNode(t *testing.T) {
	node, at := r.Galera.Nodes[2], r.databases[2]
	node.Kill()
	r.load.goOn(t, 20)
	empty(t, at.values["DATA"])
	at.run(t, "join")
	wantSize(t, node, 3)
}

// lostQuorum: two nodes are lost at once, one of them the one that is written
// to.
func (r *recovery) lostQuorum(t *testing.T) {
	left, at := r.Galera.Nodes[2], r.databases[2]
	for _, n := range r.Galera.Nodes[:2] {
		n.Kill()
	}
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		status, err := left.Status(ctx, "wsrep_cluster_status")
		if err == nil && status != "non-Primary" {
			err = fmt.Errorf("the cluster is %s", status)
		}
		return err
	})
	time.Sleep(500 * time.Millisecond) // for answers that were on their way
	before := len(r.load.acknowledged())
	time.Sleep(time.Second)
	if n := len(r.load.acknowledged()); n != before {
		t.Errorf("%d registrations were acknowledged without a quorum", n-before)
	}
	at.run(t, "quorum")
	r.load.goOn(t, 20)
	for _, other := range r.databases[:2] {
		other.start(t, "mariadb")
	}
	wantSize(t, left, 3)
}

// lostNodes: all nodes die at once.
func (r *recovery) lostNodes(t *testing.T) {
	r.Galera.Kill()
	best, highest := -1, int64(-1)
	for i, at := range r.databases {
		said := at.run(t, "position")
		seqno, err := strconv.ParseInt(said[strings.LastIndexByte(said, ':')+1:], 10, 64)
		if err != nil {
			t.Fatalf("the position is %q", said)
		}
		if seqno > highest {
			best, highest = i, seqno
		}
	}
	r.databases[best].run(t, "first")
	for i, at := range r.databases {
		if i != best {
			at.start(t, "mariadb")
		}
	}
	wantSize(t, r.Galera.Nodes[best], 3)
}

// start is the one command that the document has in its text.
func (m *machine) start(t *testing.T, unit string) {
	t.Helper()
	m.shell(t, "start", "systemctl start "+unit)
}

// wantSize wants a cluster of so many nodes.
func wantSize(t *testing.T, node *devstack.MariaDB, want int) {
	t.Helper()
	size, err := node.Status(t.Context(), "wsrep_cluster_size")
	if err != nil || size != strconv.Itoa(want) {
		t.Errorf("the cluster has %s nodes, %v; want %d", size, err, want)
	}
}

// empty is the loss of what is in a directory.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}
