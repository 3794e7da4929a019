package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// operator works on machines by the document's commands alone.
type operator struct {
	guide    *guide
	machines string // the directory of all of them
	programs string // the directory of programs that all machines have
	values   map[string]string
	services string // URL

	mu    sync.Mutex
	units map[string]unit // by machine and name
}

// unit is what systemd would keep: it does a verb.
type unit func(ctx context.Context, verb string) error

var errVerb = errors.New("no such verb")

// blockTime is for the commands of one block.
const blockTime = 2 * time.Minute

// newOperator is one whose machines have the services that are added to it.
// Instead of systemd, which a test has none of, there is this process.
func newOperator(t *testing.T, values map[string]string) *operator {
	t.Helper()
	o := &operator{guide: readGuide(t), machines: t.TempDir(), programs: t.TempDir(), values: values, units: map[string]unit{}}
	o.guide.take(t, "settings") // their values are those of the test; a missing one is an error of the shell
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(o.serve), ReadHeaderTimeout: time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	o.services = "http://" + l.Addr().String()

	cache, err := devstack.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	java := `exec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp '` + filepath.Join(cache, "kafka-4.1.1", "libs", "*") + `' `
	for name, text := range map[string]string{
		"systemctl":                `exec curl --silent --show-error --fail-with-body --request POST "$SERVICES/${2%.service}/$1"`,
		"galera_new_cluster":       `exec curl --silent --show-error --fail-with-body --request POST "$SERVICES/mariadb/new-cluster"`,
		"kafka-storage.sh":         java + `kafka.tools.StorageTool "$@"`,
		"kafka-topics.sh":          java + `org.apache.kafka.tools.TopicCommand "$@"`,
		"kafka-metadata-quorum.sh": java + `org.apache.kafka.tools.MetadataQuorumCommand "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(o.programs, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// serve does what systemctl on one of the machines was told.
func (o *operator) serve(w http.ResponseWriter, r *http.Request) {
	machine, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name, verb, _ := strings.Cut(rest, "/")
	o.mu.Lock()
	do := o.units[machine+"/"+name]
	o.mu.Unlock()
	err := fmt.Errorf("%s has no unit %s", machine, name)
	if do != nil {
		ctx, cancel := context.WithTimeout(r.Context(), blockTime)
		defer cancel()
		err = do(ctx, verb)
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("%s %s on %s: %v", verb, name, machine, err), http.StatusInternalServerError)
	}
}

// machine is where commands are run.
type machine struct {
	*operator
	name   string
	values map[string]string
}

// machine is a new one.
func (o *operator) machine(t *testing.T, name string, values map[string]string, units map[string]unit) *machine {
	t.Helper()
	m := &machine{operator: o, name: name, values: maps.Clone(o.values)}
	maps.Copy(m.values, values)
	if err := os.MkdirAll(m.home(), 0o700); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for unit, do := range units {
		o.units[name+"/"+unit] = do
	}
	return m
}

func (m *machine) home() string { return filepath.Join(m.machines, m.name) }

// database is the machine of a database node: its settings are where all of
// MariaDB's programs look for them.
func (o *operator) database(t *testing.T, node *devstack.MariaDB) *machine {
	t.Helper()
	dir := directory(node)
	m := o.machine(t, node.About().Name+"-"+filepath.Base(dir), map[string]string{"DATA": filepath.Join(dir, "data")}, map[string]unit{"mariadb": databaseUnit(node)})
	text, err := os.ReadFile(filepath.Join(dir, "node.cnf"))
	if err != nil {
		t.Fatal(err)
	}
	text = fmt.Appendf(nil, "[client]\nuser=root\nsocket=%s\n%s", filepath.Join(dir, "s"), strings.Replace(string(text), "[mariadbd]", "[mysqld]", 1))
	if err := os.WriteFile(filepath.Join(m.home(), ".my.cnf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// databaseUnit starts and stops a node as MariaDB's unit does: a start says by
// the node's own log where it is.
func databaseUnit(node *devstack.MariaDB) unit {
	return func(ctx context.Context, verb string) error {
		switch verb {
		case "start":
			return node.Restart(ctx)
		case "restart":
			node.Stop()
			return node.Restart(ctx)
		case "stop":
			node.Stop()
			return nil
		case "new-cluster":
			// As the server itself would say, were it not started by what sees to that.
			state, err := os.ReadFile(filepath.Join(directory(node), "data", "grastate.dat"))
			if err == nil && !strings.Contains(string(state), "safe_to_bootstrap: 1") {
				return errors.New("it may not be safe to bootstrap the cluster from this node")
			}
			return (&devstack.Galera{Nodes: []*devstack.MariaDB{node}}).Bootstrap(ctx)
		default:
			return errVerb
		}
	}
}

// partUnit starts and stops another part.
func partUnit(part devstack.Part) unit {
	return func(ctx context.Context, verb string) error {
		switch verb {
		case "start":
			return part.Restart(ctx)
		case "restart":
			part.Stop()
			return part.Restart(ctx)
		case "stop":
			part.Stop()
			return nil
		default:
			return errVerb
		}
	}
}

// run runs a block of the document and gives what it printed.
func (m *machine) run(t *testing.T, block string) string {
	t.Helper()
	return m.shell(t, block, m.guide.take(t, block))
}

// fill runs a block of which a line was filled in.
func (m *machine) fill(t *testing.T, block, line, with string) string {
	t.Helper()
	return m.shell(t, block, example(t, m.guide.take(t, block), line, with))
}

func (m *machine) shell(t *testing.T, block, text string) string {
	t.Helper()
	out, err := m.try(t, block, text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try is shell for where several machines work at once.
func (m *machine) try(t *testing.T, block, text string) (string, error) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), blockTime)
	defer cancel()
	shell := m.command(ctx, text)
	var said strings.Builder
	shell.Stderr = &said
	out, err := shell.Output()
	if err != nil {
		return "", fmt.Errorf("%s on %s: %w\n%s\n%s\n%s", block, m.name, err, text, out, tail(said.String()))
	}
	t.Logf("%-14s on %-9s %6v", block, m.name, time.Since(began).Round(10*time.Millisecond))
	return strings.TrimSpace(string(out)), nil
}

// command is a root shell's.
func (m *machine) command(ctx context.Context, text string) *exec.Cmd {
	shell := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	shell.Dir, shell.WaitDelay = m.home(), time.Second
	shell.Env = []string{"PATH=" + m.programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + m.home(), "SERVICES=" + m.services + "/" + m.name}
	for name, value := range m.values {
		shell.Env = append(shell.Env, name+"="+value)
	}
	return shell
}

func tail(s string) string { return s[max(0, len(s)-3000):] }
