package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	mariadbInstall = "mariadb-install-db"
	mariadbServer  = "/usr/sbin/mariadbd"
	mariadbClient  = "mariadb"
	galeraLibrary  = "/usr/lib/galera/libgalera_smm.so"
	// socketPathLimit is what sockaddr_un takes, with its final zero.
	socketPathLimit = 107
)

// MariaDB is a Galera cluster of one MariaDB node, with durable commits, or a
// node that has joined one (see Join). It keeps its data directory and its
// ports over Kill, Stop and Restart.
//
// To be relied on: write-set replication is on, so that statements and COMMIT
// answer as on a cluster (1047, 1213, wsrep_* status).
type MariaDB struct {
	Address  string // host:port on loopback
	User     string // may do everything
	Password string

	dir     string
	config  string
	socket  string
	cluster string // host:port where other nodes join
	peer    string // the cluster that this node joins; "" makes one
	process *Process
}

// StartMariaDB makes a data directory in dir, which should be empty, and
// starts a node on free ports of loopback. It takes about two seconds.
func StartMariaDB(ctx context.Context, dir string) (*MariaDB, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: mariadb: %w", err)
	}
	m, ports, err := newMariaDB(dir)
	if err != nil {
		return nil, err
	}
	if err := m.install(ctx, ports); err != nil {
		return nil, err
	}
	if err := m.Restart(ctx); err != nil {
		return nil, err
	}
	grant := fmt.Sprintf("CREATE USER '%[1]s'@'%%' IDENTIFIED BY '%[2]s'; GRANT ALL ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION", m.User, m.Password)
	if _, err := m.Query(ctx, grant); err != nil {
		m.Kill()
		return nil, err
	}
	return m, nil
}

// newMariaDB is a node that is not there yet, and the ports that it takes.
func newMariaDB(dir string) (*MariaDB, []int, error) {
	ports := make([]int, 3)
	for i := range ports {
		var err error
		if ports[i], err = FreePort(); err != nil {
			return nil, nil, fmt.Errorf("devstack: mariadb: %w", err)
		}
	}
	local := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	m := &MariaDB{
		Address: local(ports[0]), User: "registrar", Password: "devstack", cluster: local(ports[1]),
		dir: dir, config: filepath.Join(dir, "node.cnf"), socket: filepath.Join(dir, "s"),
	}
	if len(m.socket) > socketPathLimit {
		return nil, nil, fmt.Errorf("devstack: mariadb: the directory's path is too long for a socket in it: %s", dir)
	}
	return m, ports, nil
}

// install writes the configuration and the system tables.
func (m *MariaDB) install(ctx context.Context, ports []int) error {
	if err := m.configure(ports); err != nil {
		return err
	}
	install := exec.CommandContext(ctx, mariadbInstall, append([]string{"--no-defaults", "--datadir=" + filepath.Join(m.dir, "data"), //nolint:gosec // our own arguments
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"}, asRoot()...)...)
	install.WaitDelay = time.Second
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("devstack: %s: %w (hack/deps installs it)\n%s", mariadbInstall, err, out)
	}
	return nil
}

// configure makes the directories and writes the configuration.
func (m *MariaDB) configure(ports []int) error {
	if _, err := os.Stat(galeraLibrary); err != nil {
		return fmt.Errorf("devstack: mariadb: %w (hack/deps installs it)", err)
	}
	for _, sub := range []string{"data", "tmp"} {
		if err := os.MkdirAll(filepath.Join(m.dir, sub), 0o700); err != nil {
			return fmt.Errorf("devstack: mariadb: %w", err)
		}
	}
	if err := os.WriteFile(m.config, []byte(m.configuration(ports)), 0o600); err != nil {
		return fmt.Errorf("devstack: mariadb: %w", err)
	}
	return nil
}

// configuration is that of a durable node with small buffers. Without an
// address to join in gcomm:// the node bootstraps itself, also after a kill.
func (m *MariaDB) configuration(ports []int) string {
	return fmt.Sprintf(`[mariadbd]
datadir=%[1]s/data
tmpdir=%[1]s/tmp
socket=%[2]s
pid-file=%[1]s/pid
bind-address=127.0.0.1
port=%[3]d
skip-name-resolve
performance_schema=OFF
character-set-server=utf8mb4
binlog_format=ROW
default_storage_engine=InnoDB
innodb_autoinc_lock_mode=2
innodb_flush_log_at_trx_commit=1
innodb_buffer_pool_size=64M
innodb_log_file_size=32M
innodb_lock_wait_timeout=5
max_connections=500
wsrep_on=ON
wsrep_provider=%[4]s
wsrep_cluster_name=registrar
wsrep_cluster_address=gcomm://%[7]s
wsrep_node_address=127.0.0.1:%[5]d
wsrep_provider_options="gmcast.listen_addr=tcp://127.0.0.1:%[5]d;ist.recv_addr=127.0.0.1:%[6]d;gcache.size=16M"
`, m.dir, m.socket, ports[0], galeraLibrary, ports[1], ports[2], m.peer)
}

// Restart starts the node again after Kill or Stop and waits until it takes
// writes.
func (m *MariaDB) Restart(ctx context.Context) error {
	if m.process != nil {
		select {
		case <-m.process.Exited():
		default:
			return errors.New("devstack: mariadb: still running")
		}
	}
	p, err := StartProcess("mariadb", m.dir, append([]string{mariadbServer, "--defaults-file=" + m.config}, asRoot()...)...)
	if err != nil {
		return err
	}
	m.process = p
	err = p.AwaitReady(ctx, func(ctx context.Context) error {
		state, err := m.Query(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'")
		if err == nil && !strings.HasSuffix(state, "Synced") {
			err = fmt.Errorf("the node's state is %q", state)
		}
		return err
	})
	if err != nil {
		p.Kill()
	}
	return err
}

// Stop ends the node as an operator does.
func (m *MariaDB) Stop() { m.process.Stop(30 * time.Second) }

// Kill is SIGKILL: what was not on disk is lost.
func (m *MariaDB) Kill() { m.process.Kill() }

// Pause stops the node in mid-step; its sockets stay open.
func (m *MariaDB) Pause() error { return m.process.Pause() }

// Resume lets a paused node go on.
func (m *MariaDB) Resume() error { return m.process.Resume() }

// CreateDatabase makes an empty database of this name.
func (m *MariaDB) CreateDatabase(ctx context.Context, name string) error {
	_, err := m.Query(ctx, "CREATE DATABASE `"+strings.ReplaceAll(name, "`", "")+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return err
}

// Query runs SQL by the command-line client as root over the node's socket,
// and gives its output: tab-separated rows without headings.
func (m *MariaDB) Query(ctx context.Context, sql string) (string, error) {
	client := exec.CommandContext(ctx, mariadbClient, "--no-defaults", "--user=root", "--socket="+m.socket, "--batch", "--skip-column-names", "--execute="+sql) //nolint:gosec // our own arguments
	client.WaitDelay = time.Second
	out, err := client.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("devstack: mariadb: %w: %s", err, text)
	}
	return text, nil
}

// asRoot is what MariaDB's programs ask of one who runs them as root.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}
