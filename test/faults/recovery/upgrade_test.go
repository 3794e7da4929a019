package recovery_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// nextStep is what the version after this one adds to the schema.
const nextStep = `-- +goose Up
ALTER TABLE notifications ADD COLUMN IF NOT EXISTS next_version VARCHAR(30) NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS ix_notifications_next ON notifications (kind, next_version);

-- +goose Down
DROP INDEX IF EXISTS ix_notifications_next ON notifications;
ALTER TABLE notifications DROP COLUMN next_version;
`

// buildNext builds the version after this one: the same source with one more
// step of the schema.
func buildNext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	step, overlay, program := filepath.Join(dir, "step.sql"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "registrar")
	schema, err := filepath.Abs("../../../schema")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(schema, "99999_next.sql"): step}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{step: []byte(nextStep), overlay: text} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-ldflags", "-X main.version=next", "-o", program, "registrar/cmd/registrar")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// rows is how many notifications there are when the schema is changed: $ROWS,
// else not many.
func rows(t *testing.T) int {
	t.Helper()
	s := os.Getenv("ROWS")
	if s == "" {
		return 10_000
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		t.Fatalf("ROWS=%q is not a number of rows", s)
	}
	return n
}

// fill makes notifications that were sent, of nobody who is looked at, a thousand
// at a time: a large transaction would hold up all others.
func fill(t *testing.T, node *devstack.MariaDB, n int) {
	t.Helper()
	const lot = 1000
	for range n / lot {
		_, err := node.Query(t.Context(), fmt.Sprintf(`INSERT INTO registrar.notifications (id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, ambiguous, owner, lease_until, provider, provider_ref, reason, next_attempt_at, deadline, created_at, updated_at)
			SELECT UNHEX(MD5(UUID())), UNHEX(MD5(RAND())), 'REGISTRATION_COMPLETED', 'EMAIL', CONCAT('old', seq, '@example.com'), 'en', '', 'ACCEPTED', 1, 0, '', 0, 'smtp', '', '', 0, 0, 0, 0 FROM registrar.seq_1_to_%d`, lot))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// upgrade: the version after this one takes over, process by process, with more
// in the schema; and one of them goes back, which the schema does not hinder.
func (r *recovery) upgrade(t *testing.T) {
	old := filepath.Join(t.TempDir(), "registrar")
	if err := os.Link(r.program, old); err != nil {
		t.Fatal(err)
	}
	at := r.machine(t, "first", map[string]string{"NEW": buildNext(t)}, nil)
	fill(t, r.Galera.Nodes[0], rows(t))
	began := time.Now()
	if said := at.run(t, "schema"); !strings.Contains(said, "applied 99999_next.sql") {
		t.Errorf("registrar migrate up says %q", said)
	}
	if again := r.load.since(t, began); again > 0 {
		t.Errorf("%d registrations needed more than one try while the schema was changed", again)
	}
	began = time.Now()
	for _, p := range r.processes() {
		r.replace(t, p, at.values["NEW"])
		if version := versionOf(t, p.About().Admin); version != "next" {
			t.Errorf("%s runs version %q", p.About().Name, version)
		}
	}
	r.replace(t, r.Apps[0], old)
	if version := versionOf(t, r.Apps[0].About().Admin); version == "next" {
		t.Error("the version before did not come back")
	}
	if again := r.load.since(t, began); again > 0 {
		t.Errorf("%d registrations needed more than one try while processes were upgraded", again)
	}
}

// replace lets a process run another program.
func (r *recovery) replace(t *testing.T, p *devstack.Registrar, program string) {
	t.Helper()
	name := "registrar-" + p.About().Kind
	at := r.machine(t, p.About().Name, map[string]string{"NEW": program, "ADMIN": p.About().Admin}, map[string]unit{name: partUnit(p)})
	at.fill(t, "upgrade", "unit=registrar-app ", "unit="+name+" ")
}

// versionOf is what a process says of itself.
func versionOf(t *testing.T, admin string) string {
	t.Helper()
	resp, err := newClient(t).Get(fmt.Sprintf("http://%s/metrics", admin))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), `registrar_build_info{version="`)
	if !found {
		t.Fatalf("%s does not say its version", admin)
	}
	version, _, _ := strings.Cut(rest, `"`)
	return version
}
