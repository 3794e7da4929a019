// Package recovery_test does what docs/recovery.md says, by the commands that
// are in it, to a whole system that people register with meanwhile.
package recovery_test

import (
	"path/filepath"
	"testing"
	"time"

	"registrar/test/harness"
)

// recovery is a system, those who register with it, and who repairs it.
type recovery struct {
	*system
	*operator
	load      *load
	databases []*machine
}

// TestRecovery breaks the system in every way that the document knows, and
// repairs it as the document says. In the end everything that was acknowledged
// is there, once, and everybody has got what was theirs. Every command of the
// document has been run then.
func TestRecovery(t *testing.T) {
	r := &recovery{system: newSystem(t)}
	backups := t.TempDir()
	r.operator = newOperator(t, map[string]string{
		"OWNER": owner(), "BACKUP": filepath.Join(backups, "backup"), "BINLOGS": filepath.Join(backups, "binlogs"),
		"CONFIG": r.config, "PROGRAM": r.program,
	})
	for _, n := range r.Galera.Nodes {
		r.databases = append(r.databases, r.database(t, n))
	}
	r.load = &load{service: harness.Endpoint(r.URL(), newClient(t)), run: "person"}
	stop := r.load.begin(t)
	defer stop()
	r.load.goOn(t, 50)

	all := true
	for _, one := range []struct {
		name string
		do   func(*testing.T)
	}{
		{"a database node", r.lostNode},
		{"the quorum", r.lostQuorum},
		{"all database nodes", r.lostNodes},
		{"a backup", r.backups},
		{"a broker's disk", r.lostDisk},
		{"all brokers' disks", r.lostDisks},
		{"an upgrade", r.upgrade},
	} {
		ran := false
		t.Run(one.name, func(t *testing.T) {
			ran = true
			began := time.Now()
			one.do(t)
			r.load.goOn(t, 20)
			r.load.since(t, began)
		})
		if all = all && ran; t.Failed() {
			return
		}
	}
	stop()
	r.check(t, r.load.acknowledged())
	if untried := r.guide.untried(); all && len(untried) > 0 {
		t.Errorf("docs/recovery.md has commands that nobody has tried: %q", untried)
	}
}
