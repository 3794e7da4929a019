package recovery_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// backups: a backup of a running node, a database that is restored from it and
// the binary logs on a machine aside, and a wrong statement undone.
func (r *recovery) backups(t *testing.T) {
	writer := r.databases[0].run(t, "writer")
	i := slices.IndexFunc(r.Galera.Nodes, func(n *devstack.MariaDB) bool { return strings.HasPrefix(writer, n.About().Name+"/") })
	if i < 0 {
		t.Fatalf("the document finds that %q is written to", writer)
	}
	i = (i + 1) % len(r.databases)
	node, at := r.Galera.Nodes[i], r.databases[i]
	r.keepBinaryLogs(t, node, at)

	// Nobody is written to from here on, so what is to be sent when the backup is
	// made is sent by this system after it.
	r.Notifiers[0].Stop()
	before := r.load.acknowledged()
	at.run(t, "backup")
	stopCopy := r.copyBinaryLogs(t, node, at)
	defer stopCopy()
	r.load.goOn(t, 50)

	aside, err := devstack.StartMariaDB(t.Context(), filepath.Join(t.TempDir(), "aside"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(aside.Kill)
	restored := r.database(t, aside)
	restored.run(t, "restore")
	there := accounts(t, aside)
	missing(t, "the restored backup", there, before)
	if open := count(t, aside, "outbox"); open == 0 {
		t.Error("nothing is to be sent in the restored database: that proves nothing")
	}

	after := r.load.acknowledged()
	r.awaitCopy(t, node, at)
	restored.run(t, "replay")
	there = accounts(t, aside)
	missing(t, "the backup with the binary logs", there, after)
	t.Logf("%d registrations were acknowledged before the backup, %d more when the binary logs were replayed", len(before), len(after)-len(before))

	r.notifyOnce(t, aside, restored)
	r.undo(t, node, at, aside, restored)
}

// keepBinaryLogs gives a node the document's settings.
func (r *recovery) keepBinaryLogs(t *testing.T, node *devstack.MariaDB, at *machine) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(directory(node), "node.cnf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(r.guide.take(t, "binlog")); err != nil {
		t.Fatal(err)
	}
	at.shell(t, "restart", "systemctl restart mariadb")
}

// copyBinaryLogs keeps copying until the returned function is called.
func (r *recovery) copyBinaryLogs(t *testing.T, node *devstack.MariaDB, at *machine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	log, err := os.Create(filepath.Join(at.home(), "copy.log"))
	if err != nil {
		t.Fatal(err)
	}
	shell := at.command(ctx, r.guide.take(t, "copy-binlogs"))
	shell.Stdout, shell.Stderr = log, log
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		cancel()
		_ = shell.Wait() // it was killed
		if said, err := os.ReadFile(log.Name()); err != nil || len(said) > 0 {
			t.Logf("the copy of the binary logs says: %s, %v", said, err)
		}
		_ = log.Close()
	}
}

// awaitCopy waits until the copies have what the node has now.
func (r *recovery) awaitCopy(t *testing.T, node *devstack.MariaDB, at *machine) {
	t.Helper()
	status, err := node.Query(t.Context(), "SHOW MASTER STATUS")
	if err != nil {
		t.Fatal(err)
	}
	file, rest, _ := strings.Cut(status, "\t")
	position, _, _ := strings.Cut(rest, "\t")
	want, err := strconv.ParseInt(position, 10, 64)
	if err != nil {
		t.Fatalf("SHOW MASTER STATUS: %q", status)
	}
	harness.Eventually(t, time.Minute, func(context.Context) error {
		info, err := os.Stat(filepath.Join(r.values["BINLOGS"], file))
		if err == nil && info.Size() < want {
			err = fmt.Errorf("the copy of %s has %d of %d bytes", file, info.Size(), want)
		}
		return err
	})
}

// notifyOnce: what the system sends after the backup is not sent again by the
// restored one, which goes on for the rest.
func (r *recovery) notifyOnce(t *testing.T, aside *devstack.MariaDB, restored *machine) {
	t.Helper()
	if err := r.Notifiers[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting, err := aside.Query(t.Context(), "SELECT n.recipient FROM registrar.outbox o JOIN registrar.notifications n ON n.id = o.notification_id")
	if err != nil {
		t.Fatal(err)
	}
	due := strings.Fields(waiting)
	if len(due) < 20 {
		t.Fatalf("only %d notifications are to be sent in the restored database: that proves nothing", len(due))
	}
	r.awaitMail(t, due...)
	restored.run(t, "settle")

	s := harness.Plain(t, "--config", r.aside(t, aside.Address))
	s.Start(t)
	other := &load{service: s, run: "aside"}
	var last acknowledged
	for range 3 {
		if last, err = other.register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.awaitMail(t, last.Email)
	if err := s.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	came := r.mailed(t)
	for _, address := range due {
		if came[address] != 1 {
			t.Errorf("%s got %d messages", address, came[address])
		}
	}
	unknown, err := aside.Query(t.Context(), "SELECT COUNT(*) FROM registrar.notifications WHERE state = 'UNKNOWN' AND reason = 'RESTORED'")
	if err != nil || unknown != strconv.Itoa(len(due)) {
		t.Errorf("%s notifications are UNKNOWN after the restore, %v; want %d", unknown, err, len(due))
	}
}

// undo: somebody deletes accounts, on all nodes. What they were is taken from
// a restored database, and put back while people register.
func (r *recovery) undo(t *testing.T, node *devstack.MariaDB, at *machine, aside *devstack.MariaDB, restored *machine) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error { // until it meets nobody
		_, err := r.Galera.Nodes[0].Query(ctx, "DELETE FROM registrar.accounts WHERE username LIKE '%7'")
		return err
	})
	r.load.goOn(t, 30)
	after := r.load.acknowledged()
	r.awaitCopy(t, node, at)

	found := strings.Fields(restored.run(t, "find"))
	if len(found) != 5 {
		t.Fatalf("the wrong transaction is %q", found)
	}
	restored.run(t, "restore")
	restored.fill(t, "replay-without", "wrong=binlog.000002 begin=12345 next=23456 ", fmt.Sprintf("wrong=%s begin=%s next=%s ", found[2], found[3], found[4]))
	missing(t, "the database without the wrong statement", accounts(t, aside), after)
	restored.run(t, "rows")
	at.run(t, "rows-back")
	missing(t, "the database with the rows that were deleted", accounts(t, r.Galera.Nodes[0]), after)
}

func count(t *testing.T, node *devstack.MariaDB, table string) int {
	t.Helper()
	text, err := node.Query(t.Context(), "SELECT COUNT(*) FROM registrar."+table)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
