package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"

	"github.com/google/uuid"
)

// Galera is a cluster of MariaDB nodes: what one commits all have. With three,
// it goes on without any one of them.
type Galera struct {
	Nodes []*MariaDB // db1, db2, ...
}

// Setting is one of a server's settings, as in its configuration file.
type Setting struct{ Name, Value string }

// providerOptions is the setting that holds those of the cluster's own library.
const providerOptions = "wsrep_provider_options"

// GaleraSettings are the settings on which the service relies, whatever machine
// the nodes are on. To wsrep_provider_options each adds its own addresses.
//
// A dead node holds up all commits until the others give it up:
// evs.suspect_timeout and the time to agree on it. keepalive_period has to be a
// fifth of that at most, or those that live lose the quorum with it.
func GaleraSettings() []Setting {
	return []Setting{
		{"character-set-server", "utf8mb4"},
		{"skip-name-resolve", "ON"},
		{"max_connections", "500"},
		{"binlog_format", "ROW"},
		{"default_storage_engine", "InnoDB"},
		{"innodb_autoinc_lock_mode", "2"},
		{"innodb_flush_log_at_trx_commit", "1"}, // what was acknowledged outlives the end of all nodes at once
		{"innodb_lock_wait_timeout", "5"},
		{"wsrep_on", "ON"},
		{"wsrep_cluster_name", "registrar"},
		{"wsrep_slave_threads", "4"},
		{"wsrep_sst_method", "mariabackup"}, // it holds up the node that it copies least
		{providerOptions, "gcache.size=128M;evs.keepalive_period=PT0.1S;evs.inactive_check_period=PT0.1S;evs.suspect_timeout=PT1S;" +
			"evs.inactive_timeout=PT3S;evs.install_timeout=PT1S;evs.join_retrans_period=PT0.2S;gmcast.peer_timeout=PT1S"},
	}
}

// StartGalera starts a cluster with a node on each host, their data below dir,
// which should be empty, and waits until all take writes.
func StartGalera(ctx context.Context, dir string, hosts []*Host) (*Galera, error) {
	g := &Galera{}
	for i, h := range hosts {
		name := "db" + strconv.Itoa(i+1)
		m, err := newMariaDB(name, filepath.Join(dir, name), h)
		if err != nil {
			return nil, err
		}
		g.Nodes = append(g.Nodes, m)
	}
	for _, m := range g.Nodes {
		for _, peer := range g.Nodes {
			m.peers = append(m.peers, peer.group)
		}
		if err := m.configure(); err != nil {
			return nil, err
		}
	}
	if err := g.begin(ctx); err != nil {
		g.Kill()
		return nil, err
	}
	return g, nil
}

// begin makes the first node's data, and the others' as copies of it, which is
// faster than to let each have one sent.
func (g *Galera) begin(ctx context.Context) error {
	first, others := g.Nodes[0], g.Nodes[1:]
	if err := first.install(ctx); err != nil {
		return err
	}
	cluster := uuid.NewString()
	for _, m := range others {
		if err := os.CopyFS(m.data(), os.DirFS(first.data())); err != nil {
			return fmt.Errorf("devstack: %s: %w", m.name, err)
		}
	}
	if err := first.saveState(cluster, 0, true); err != nil {
		return err
	}
	if err := first.start(ctx, newCluster); err != nil {
		return err
	}
	for _, m := range others {
		// Up to here nothing has happened but nodes coming in, which is counted too:
		// the copy is as good as the first one's data.
		at, err := first.Status(ctx, "wsrep_last_committed")
		if err != nil {
			return err
		}
		seqno, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return fmt.Errorf("devstack: %s: %w", first.name, err)
		}
		if err := m.saveState(cluster, seqno, false); err != nil {
			return err
		}
		if err := m.start(ctx); err != nil {
			return err
		}
	}
	return first.grant(ctx)
}

// newCluster makes the node that is started with it one that asks nobody.
const newCluster = "--wsrep-new-cluster"

// saveState writes what a server that was stopped in order leaves.
func (m *MariaDB) saveState(cluster string, seqno int64, safeToBootstrap bool) error {
	safe := 0
	if safeToBootstrap {
		safe = 1
	}
	text := fmt.Sprintf("# GALERA saved state\nversion: 2.1\nuuid:    %s\nseqno:   %d\nsafe_to_bootstrap: %d\n", cluster, seqno, safe)
	if err := os.WriteFile(m.stateFile(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("devstack: %s: %w", m.name, err)
	}
	return nil
}

func (m *MariaDB) stateFile() string { return filepath.Join(m.data(), "grastate.dat") }

var safeToBootstrap = regexp.MustCompile(`(?m)^safe_to_bootstrap:.*$`)

// CreateDatabase makes an empty database of this name on all nodes, by the first
// one that can.
func (g *Galera) CreateDatabase(ctx context.Context, name string) error {
	var failed []error
	for _, m := range g.Nodes {
		err := m.CreateDatabase(ctx, name)
		if err == nil {
			return nil
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// Kill kills all nodes that run.
func (g *Galera) Kill() {
	_ = g.each(func(_ int, m *MariaDB) error {
		if m.process != nil {
			m.Kill()
		}
		return nil
	})
}

// Bootstrap starts all nodes, none of which runs, from the data of the one that
// has come farthest: what any of them has acknowledged, that one has. The others
// come one after the other, so that each has a whole node to learn from.
func (g *Galera) Bootstrap(ctx context.Context) error {
	at := make([]position, len(g.Nodes))
	err := g.each(func(i int, m *MariaDB) (err error) {
		at[i], err = m.recoverPosition(ctx)
		return err
	})
	if err != nil {
		return err
	}
	farthest := 0
	for i := range at {
		if at[i].seqno > at[farthest].seqno {
			farthest = i
		}
	}
	first := g.Nodes[farthest]
	if err := first.declareSafe(); err != nil {
		return err
	}
	if err := first.start(ctx, append(at[farthest].flags(), newCluster)...); err != nil {
		return err
	}
	for i, m := range g.Nodes {
		if i == farthest {
			continue
		}
		if err := m.start(ctx, at[i].flags()...); err != nil {
			return err
		}
	}
	return nil
}

// declareSafe says that no other node has come farther.
func (m *MariaDB) declareSafe() error {
	saved, err := os.ReadFile(m.stateFile())
	if err == nil {
		err = os.WriteFile(m.stateFile(), safeToBootstrap.ReplaceAll(saved, []byte("safe_to_bootstrap: 1")), 0o600) //nolint:gosec // our own directory
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // without the file a node is new
		return fmt.Errorf("devstack: %s: %w", m.name, err)
	}
	return nil
}

// Promote makes of a node without quorum, and of those that it still sees, the
// whole cluster, and waits until it takes writes. It is for when the others are
// known to be lost: if they live, there are two clusters.
func (g *Galera) Promote(ctx context.Context, m *MariaDB) error {
	if _, err := m.Query(ctx, "SET GLOBAL "+providerOptions+"='pc.bootstrap=1'"); err != nil {
		return err
	}
	return m.AwaitSynced(ctx)
}

// AwaitSynced waits until the node, which runs, takes writes.
func (m *MariaDB) AwaitSynced(ctx context.Context) error { return m.process.AwaitReady(ctx, m.synced) }

// each does the same to all nodes at once.
func (g *Galera) each(do func(i int, m *MariaDB) error) error {
	failed := make([]error, len(g.Nodes))
	var all sync.WaitGroup
	for i, m := range g.Nodes {
		all.Go(func() { failed[i] = do(i, m) })
	}
	all.Wait()
	return errors.Join(failed...)
}
