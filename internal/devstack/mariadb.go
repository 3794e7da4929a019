package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	mariadbInstall = "mariadb-install-db"
	mariadbServer  = "/usr/sbin/mariadbd"
	mariadbClient  = "mariadb"
	mariadbBackup  = "/usr/bin/mariadb-backup"
	galeraLibrary  = "/usr/lib/galera/libgalera_smm.so"
	// socketPathLimit is what sockaddr_un takes, with its final zero.
	socketPathLimit = 107
	// mariadbStop is for what is in progress, and for leaving the cluster.
	mariadbStop = 30 * time.Second
)

// MariaDB is a node of a Galera cluster, with durable commits: the only one
// (StartMariaDB) or one of several (StartGalera). It keeps its data directory
// and its ports over Kill, Stop and Restart.
//
// To be relied on: write-set replication is on, so that statements and COMMIT
// answer as on a cluster (1047, 1213, wsrep_* status).
type MariaDB struct {
	Address  string // host:port for clients
	User     string // may do everything
	Password string

	name     string
	host     *Host
	dir      string
	config   string
	socket   string
	group    string   // host:port where the other nodes reach it
	transfer []string // host:port where it takes write-sets that it missed (IST), and where a whole copy (SST)
	secure   []Setting
	peers    []string // the group addresses of the cluster's nodes; none for the only one
	process  *Process
}

// StartMariaDB makes a data directory in dir, which should be empty, and
// starts a node on free ports of loopback. It takes about two seconds.
func StartMariaDB(ctx context.Context, dir string) (*MariaDB, error) {
	m, err := newMariaDB("db1", dir, Loopback())
	if err != nil {
		return nil, err
	}
	if err := m.configure(); err != nil {
		return nil, err
	}
	if err := m.install(ctx); err != nil {
		return nil, err
	}
	if err := m.Restart(ctx); err != nil {
		return nil, err
	}
	if err := m.grant(ctx); err != nil {
		m.Kill()
		return nil, err
	}
	return m, nil
}

// newMariaDB is a node that is not there yet, and the ports that it takes.
func newMariaDB(name, dir string, host *Host) (*MariaDB, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: %s: %w", name, err)
	}
	m := &MariaDB{
		User: "registrar", Password: "devstack", name: name, host: host,
		dir: dir, config: filepath.Join(dir, "node.cnf"), socket: filepath.Join(dir, "s"), transfer: make([]string, 2),
	}
	for _, address := range []*string{&m.Address, &m.group, &m.transfer[0], &m.transfer[1]} {
		if *address, err = host.Address(); err != nil {
			return nil, fmt.Errorf("devstack: %s: %w", name, err)
		}
	}
	if len(m.socket) > socketPathLimit {
		return nil, fmt.Errorf("devstack: %s: the directory's path is too long for a socket in it: %s", name, dir)
	}
	return m, nil
}

// configure makes the directories and writes the configuration.
func (m *MariaDB) configure() error {
	for _, file := range []string{galeraLibrary, mariadbBackup} {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("devstack: %s: %w (hack/deps installs it)", m.name, err)
		}
	}
	if err := os.MkdirAll(m.temporary(), 0o700); err != nil {
		return fmt.Errorf("devstack: %s: %w", m.name, err)
	}
	text := "[mariadbd]\n"
	for _, s := range slices.Concat(m.place(), m.secure, GaleraSettings()) {
		if s.Name == providerOptions {
			s.Value = fmt.Sprintf(`"gmcast.listen_addr=tcp://%s;ist.recv_addr=%s;%s"`, m.group, m.transfer[0], s.Value)
		}
		text += s.Name + "=" + s.Value + "\n"
	}
	if err := os.WriteFile(m.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("devstack: %s: %w", m.name, err)
	}
	return nil
}

// Secure makes the node that does not run one that takes clients over TCP by TLS
// alone, from its next start on. Both texts are in PEM form.
func (m *MariaDB) Secure(certificate, key []byte) error {
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		if err := os.WriteFile(filepath.Join(m.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("devstack: %s: %w", m.name, err)
		}
	}
	m.secure = []Setting{
		{"ssl-cert", filepath.Join(m.dir, "server.crt")}, {"ssl-key", filepath.Join(m.dir, "server.key")}, {"require-secure-transport", "ON"},
	}
	return m.configure()
}

// place are the settings of this node on this machine: its files, addresses and
// small buffers. Without an address to join in gcomm:// a node makes a cluster
// of its own, at every start.
func (m *MariaDB) place() []Setting {
	_, port, _ := strings.Cut(m.Address, ":")
	return []Setting{
		{"datadir", m.data()}, {"tmpdir", m.temporary()}, {"socket", m.socket}, {"pid-file", filepath.Join(m.dir, "pid")},
		{"bind-address", m.host.IP}, {"port", port},
		{"performance_schema", "OFF"}, {"innodb_buffer_pool_size", "64M"}, {"innodb_log_file_size", logFileSize},
		{"wsrep_provider", galeraLibrary}, {"wsrep_node_name", m.name}, {"wsrep_node_address", m.group}, {"wsrep_node_incoming_address", m.Address},
		{"wsrep_cluster_address", "gcomm://" + strings.Join(m.peers, ",")},
		{"wsrep_sst_auth", "root:"}, {"wsrep_sst_receive_address", m.transfer[1]},
	}
}

const logFileSize = "32M"

func (m *MariaDB) data() string      { return filepath.Join(m.dir, "data") }
func (m *MariaDB) temporary() string { return filepath.Join(m.dir, "tmp") }

// install makes the data directory with the system tables. A server removes what
// it takes for its leavings from its directory of temporary files when it starts:
// one that all share would be emptied under this one's feet.
func (m *MariaDB) install(ctx context.Context) error {
	install := exec.CommandContext(ctx, mariadbInstall, append([]string{"--no-defaults", "--datadir=" + m.data(), "--tmpdir=" + m.temporary(), //nolint:gosec // our own arguments
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=" + logFileSize}, asRoot()...)...)
	install.WaitDelay = time.Second
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("devstack: %s: %w (hack/deps installs it)\n%s", mariadbInstall, err, out)
	}
	return nil
}

// grant makes the user, on all nodes of the cluster.
func (m *MariaDB) grant(ctx context.Context) error {
	_, err := m.Query(ctx, fmt.Sprintf("CREATE USER '%[1]s'@'%%' IDENTIFIED BY '%[2]s'; GRANT ALL ON *.* TO '%[1]s'@'%%' WITH GRANT OPTION", m.User, m.Password))
	return err
}

// About implements Part.
func (m *MariaDB) About() About {
	return About{Name: m.name, Kind: KindDatabase, PID: m.process.PID(), Address: m.Address, Log: m.process.Log}
}

// Stop implements Part.
func (m *MariaDB) Stop() { m.process.Stop(mariadbStop) }

// Kill implements Part.
func (m *MariaDB) Kill() { m.process.Kill() }

// Pause implements Part.
func (m *MariaDB) Pause() error { return m.process.Pause() }

// Resume implements Part.
func (m *MariaDB) Resume() error { return m.process.Resume() }

// Exited implements Part.
func (m *MariaDB) Exited() <-chan struct{} { return m.process.Exited() }

// Partition implements Part.
func (m *MariaDB) Partition() error { return m.host.Partition() }

// Heal implements Part.
func (m *MariaDB) Heal() error { return m.host.Heal() }

// Wipe is the loss of the disk of a node that does not run: after it Restart
// lets the others send all that they have.
func (m *MariaDB) Wipe() error {
	if err := m.mustBeDown(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(m.data()), os.Mkdir(m.data(), 0o700)); err != nil {
		return fmt.Errorf("devstack: %s: %w", m.name, err)
	}
	return nil
}

// CreateDatabase makes an empty database of this name, on all nodes of the
// cluster.
func (m *MariaDB) CreateDatabase(ctx context.Context, name string) error {
	_, err := m.Query(ctx, "CREATE DATABASE `"+strings.ReplaceAll(name, "`", "")+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return err
}

// Status is one of the server's status variables, such as wsrep_cluster_size. A
// node without quorum tells them too.
func (m *MariaDB) Status(ctx context.Context, variable string) (string, error) {
	row, err := m.Query(ctx, "SHOW GLOBAL STATUS LIKE '"+variable+"'")
	if err != nil {
		return "", err
	}
	_, value, found := strings.Cut(row, "\t")
	if !found {
		return "", errors.New("devstack: " + m.name + ": it has no status " + variable)
	}
	return value, nil
}

// Query runs SQL by the command-line client as root over the node's socket,
// and gives its output: tab-separated rows without headings. A node that is cut
// off answers too.
func (m *MariaDB) Query(ctx context.Context, sql string) (string, error) {
	client := exec.CommandContext(ctx, mariadbClient, "--no-defaults", "--user=root", "--socket="+m.socket, "--batch", "--skip-column-names", "--execute="+sql) //nolint:gosec // our own arguments
	client.WaitDelay = time.Second
	out, err := client.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		return "", fmt.Errorf("devstack: %s: %w: %s", m.name, err, text)
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
