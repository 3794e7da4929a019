package devstack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Join starts another node of m's cluster in dir, which should be empty, with a
// copy of m's data; m is stopped for that, and started again. Both then take
// writes. The user and password are m's. Neither may be started again after its
// end: m would make a cluster of its own.
func (m *MariaDB) Join(ctx context.Context, dir string) (*MariaDB, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: mariadb: %w", err)
	}
	joined, ports, err := newMariaDB(dir)
	if err != nil {
		return nil, err
	}
	joined.peer = m.cluster
	if err := joined.configure(ports); err != nil {
		return nil, err
	}
	m.Stop()
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(m.dir, "data"))); err != nil {
		return nil, fmt.Errorf("devstack: mariadb: %w", err)
	}
	if err := m.Restart(ctx); err != nil {
		return nil, err
	}
	if err := joined.adopt(ctx, m); err != nil {
		return nil, err
	}
	if err := joined.Restart(ctx); err != nil {
		return nil, err
	}
	size, err := joined.Query(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_size'")
	if err == nil && !strings.HasSuffix(size, "\t2") {
		err = fmt.Errorf("devstack: mariadb: the cluster has another size: %q", size)
	}
	if err != nil {
		joined.Kill()
		return nil, err
	}
	return joined, nil
}

var savedPosition = regexp.MustCompile(`(?m)^seqno: .*$`)

// adopt says that a copy of peer's data is where peer is now: it has only
// started since, which is a position of its own and no change. The copy then
// needs no state transfer, for which it would have to let other users write.
func (m *MariaDB) adopt(ctx context.Context, peer *MariaDB) error {
	status, err := peer.Query(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_last_committed'")
	if err != nil {
		return err
	}
	_, position, _ := strings.Cut(status, "\t")
	path := filepath.Join(m.dir, "data", "grastate.dat")
	saved, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, savedPosition.ReplaceAll(saved, []byte("seqno: "+position)), 0o600) //nolint:gosec // our own directory
	}
	if err != nil {
		return fmt.Errorf("devstack: mariadb: %w", err)
	}
	return nil
}
