package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// TestDatabaseNodes runs the compose file's database nodes by the very script
// and settings that are mounted into their containers: each in namespaces of its
// own, as the user mysql, without a capability. Only a person makes a cluster,
// or the last node that left; a restart policy does not. It needs root.
func TestDatabaseNodes(t *testing.T) {
	t.Parallel()
	nodes := databaseNodes(t)
	first, second, third := nodes[0], nodes[1], nodes[2]

	// The first time.
	first.once("form")
	for _, n := range nodes {
		n.start()
	}
	awaitAll(nodes)
	first.query("CREATE TABLE kept (n INT PRIMARY KEY)")
	third.query("INSERT INTO kept VALUES (1)")

	// One has less than the others, which outvote it: it leaves for good, is shut
	// down by its health check, and comes back with what they have.
	second.asRoot("SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM registrar.kept; SET SESSION wsrep_on = OFF; DROP TABLE registrar.kept")
	first.query("INSERT INTO kept VALUES (0)")
	second.awaitShutdown()
	second.start()
	awaitAll(nodes)
	if got := second.query("SELECT GROUP_CONCAT(n ORDER BY n) FROM kept"); got != "0,1" {
		t.Errorf("it has %s", got)
	}

	// All are stopped, in the order of compose, and started.
	for _, n := range slices.Backward(nodes) {
		n.process.Stop(time.Minute)
	}
	for _, n := range nodes {
		n.start()
	}
	awaitAll(nodes)
	second.query("INSERT INTO kept VALUES (2)")

	// All die at once. They are the cluster again once all of them are back.
	killAll(nodes)
	for _, n := range nodes {
		n.start()
	}
	awaitAll(nodes)
	first.query("INSERT INTO kept VALUES (3)")

	// All die, and one of them loses its disk, even that which formed the cluster:
	// they wait for a person.
	killAll(nodes)
	first.wipe()
	for _, n := range nodes {
		n.start()
	}
	time.Sleep(5 * time.Second)
	for _, n := range nodes {
		if n.healthy() == nil {
			t.Errorf("%s takes writes: nobody said that it may", n.name)
		}
	}
	killAll(nodes)
	farther := second
	if third.position() > second.position() {
		farther = third
	}
	farther.once("form")
	for _, n := range nodes {
		n.start()
	}
	awaitAll(nodes)
	for _, n := range nodes {
		if got := n.query("SELECT GROUP_CONCAT(n ORDER BY n) FROM kept"); got != "0,1,2,3" {
			t.Errorf("%s has %s", n.name, got)
		}
	}
}

// databaseNode is a container of the compose file, as far as a node needs one.
type databaseNode struct {
	t        *testing.T
	name     string // its address, which stands for its name in the network
	host     *devstack.Host
	dir      string // with etc, data and the log
	environ  []string
	password string
	process  *devstack.Process
}

func databaseNodes(t *testing.T) (nodes []*databaseNode) {
	t.Helper()
	network, err := devstack.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, n := range nodes {
			if n.process != nil {
				n.process.Kill()
			}
		}
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	secrets := makeSecrets(t)
	password, err := os.ReadFile(filepath.Join(secrets, "database.password"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	services := of(t, compose(t), "db")
	for range services {
		host, err := network.Host()
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, &databaseNode{t: t, name: host.IP, host: host, dir: t.TempDir(), password: strings.TrimSpace(string(password))})
		names = append(names, host.IP)
	}
	for i, n := range nodes {
		environ := values(t, services[i])
		environ["GALERA_NODE"], environ["GALERA_NODES"] = n.name, strings.Join(names, ",")
		for name, value := range environ {
			n.environ = append(n.environ, name+"="+strings.Replace(value, "/run/secrets/", "/etc/mysql/secrets/", 1))
		}
		slices.Sort(n.environ)
		n.furnish(secrets)
	}
	return nodes
}

// furnish makes what the container has at /etc/mysql: the settings, smaller
// buffers, and for want of another place the programs and the secrets.
func (n *databaseNode) furnish(secrets string) {
	n.t.Helper()
	etc := filepath.Join(n.dir, "etc")
	write(n.t, filepath.Join(etc, "my.cnf"), "[client-server]\nsocket=/run/mysqld/mysqld.sock\n!includedir /etc/mysql/conf.d/\n")
	write(n.t, filepath.Join(etc, "conf.d/galera.cnf"), read(n.t, "deploy/mariadb/galera.cnf"))
	write(n.t, filepath.Join(etc, "conf.d/small.cnf"), "[mariadbd]\ndatadir=/var/lib/mysql\npid-file=/run/mysqld/pid\nperformance_schema=OFF\ninnodb_buffer_pool_size=64M\ninnodb_log_file_size=32M\n")
	if err := os.CopyFS(filepath.Join(etc, "secrets"), os.DirFS(secrets)); err != nil {
		n.t.Fatal(err)
	}
	write(n.t, filepath.Join(etc, "bin/node"), read(n.t, "deploy/mariadb/node"))
	write(n.t, filepath.Join(etc, "bin/docker-entrypoint.sh"), read(n.t, "test/deploy/testdata/docker-entrypoint.sh"))
	run(n.t, "", nil, "chmod", "-R", "a+rX", etc)
	run(n.t, "", nil, "chmod", "-R", "a+x", filepath.Join(etc, "bin"))
	n.wipe()
}

// wipe is the loss of the disk.
func (n *databaseNode) wipe() {
	n.t.Helper()
	data := filepath.Join(n.dir, "data")
	if err := os.RemoveAll(data); err != nil {
		n.t.Fatal(err)
	}
	run(n.t, "", nil, "install", "-d", "-o", "mysql", "-g", "mysql", "-m", "0700", data)
}

// asMySQL is who it runs as.
var asMySQL = []string{"setpriv", "--reuid=mysql", "--regid=mysql", "--clear-groups", "--no-new-privs", "--bounding-set=-all"}

// contained is a command that runs the node's script in its container.
func (n *databaseNode) contained(args ...string) []string {
	const script = `mount --make-rprivate /
mount --bind "$1/etc" /etc/mysql
mount --bind "$1/data" /var/lib/mysql
mount -t tmpfs tmpfs /run
install -d -o mysql -g mysql /run/mysqld
shift
exec "$@"`
	argv := append(n.environment(), "unshare", "--mount", "sh", "-euc", script, "sh", n.dir)
	return append(append(argv, asMySQL...), append([]string{"/etc/mysql/bin/node"}, args...)...)
}

// environment begins a command with the container's variables alone.
func (n *databaseNode) environment() []string {
	return append([]string{"env", "-i", "PATH=/etc/mysql/bin:" + os.Getenv("PATH") + ":/usr/sbin"}, n.environ...)
}

// start is the container's start. awaitAll does what its restart policy does.
func (n *databaseNode) start() {
	n.t.Helper()
	p, err := n.host.Start("node", n.dir, n.contained("run")...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.process = p
}

// once runs a command of the script while the node does not run.
func (n *databaseNode) once(command string) string {
	n.t.Helper()
	return run(n.t, n.dir, nil, n.contained(command)...)
}

func (n *databaseNode) position() int {
	n.t.Helper()
	said := strings.TrimSpace(n.once("position"))
	_, seqno, _ := strings.Cut(said[strings.LastIndexByte(said, '\n')+1:], ":")
	at, err := strconv.Atoi(seqno)
	if err != nil || at < 0 {
		n.t.Fatalf("%s is at %q", n.name, said)
	}
	return at
}

// healthy is the container's health check.
func (n *databaseNode) healthy() error {
	argv := append(n.environment(), "nsenter", "--target", strconv.Itoa(n.process.PID()), "--mount", "--net")
	argv = append(append(argv, asMySQL...), "/etc/mysql/bin/node", "healthy")
	out, err := exec.CommandContext(n.t.Context(), argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// asRoot runs SQL as root over the node's socket.
func (n *databaseNode) asRoot(sql string) {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, "etc/secrets/database.root.password"))
	if err != nil {
		n.t.Fatal(err)
	}
	password := strings.TrimSpace(string(text))
	cmd := exec.CommandContext(n.t.Context(), "nsenter", "--target", strconv.Itoa(n.process.PID()), "--mount", "mariadb", "--user=root", "--execute="+sql)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %s: %v: %s", n.name, sql, err, out)
	}
}

// awaitShutdown asks for the node's health, as its container is asked, until it
// has ended.
func (n *databaseNode) awaitShutdown() {
	n.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Second) {
		err := n.healthy()
		select {
		case <-n.process.Exited():
			return
		default:
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s has not ended; its health: %v", n.name, err)
		}
	}
}

// query asks the node as the program does.
func (n *databaseNode) query(sql string) string {
	n.t.Helper()
	cmd := exec.CommandContext(n.t.Context(), "mariadb", "--no-defaults", "--host="+n.name, "--user=registrar", "--batch", "--skip-column-names", "registrar", "--execute=SET SESSION wsrep_sync_wait=1; "+sql)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+n.password)
	out, err := cmd.CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s: %s: %v: %s", n.name, sql, err, out)
	}
	return strings.TrimSpace(string(out))
}

// telling are the lines of a node's log that say what it made of itself.
var telling = regexp.MustCompile(`(?m)^(node: |.*(\[ERROR\]|SST|IST|wsrep_sst|safe_to_bootstrap|New COMPONENT|restore pc)).*\n`)

// awaitAll waits until the nodes are one cluster. One that has given up is
// started again, as a restart policy does.
func awaitAll(nodes []*databaseNode) {
	t := nodes[0].t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	waiting := map[*databaseNode]error{}
	for _, n := range nodes {
		waiting[n] = nil
	}
	for len(waiting) > 0 {
		for n := range maps.Clone(waiting) {
			select {
			case <-n.process.Exited():
				n.start()
			default:
			}
			if waiting[n] = n.healthy(); waiting[n] == nil {
				delete(waiting, n)
			}
		}
		select {
		case <-ctx.Done():
			for n, err := range waiting {
				log, _ := os.ReadFile(n.process.Log)
				state, _ := os.ReadFile(filepath.Join(n.dir, "data", "grastate.dat"))
				t.Errorf("%s: %v\n%s%s", n.name, err, state, bytes.Join(telling.FindAll(log, -1), nil))
			}
			t.FailNow()
		case <-time.After(200 * time.Millisecond):
		}
	}
	for _, n := range nodes {
		if size := n.query("SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'WSREP_CLUSTER_SIZE'"); size != strconv.Itoa(len(nodes)) {
			t.Fatalf("%s is in a cluster of %s", n.name, size)
		}
	}
}

func killAll(nodes []*databaseNode) {
	for _, n := range nodes {
		n.process.Kill()
	}
}
