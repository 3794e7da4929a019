// Package importing_test kills registrar import, and the database under it, at
// random points, and compares what is there in the end with what an import that
// nobody disturbed has made of the same table, row by row.
package importing_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// setting is a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number", name, s)
	}
	return n
}

// monolith is a Laravel application's table, one row in a hundred of which is broken:
// addresses that are twice by case, are none or are not there, names that are too
// long, hashes that are none, times that are none.
const monolith = `CREATE DATABASE laravel; USE laravel;
CREATE TABLE users (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, email VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL UNIQUE,
	email_verified_at TIMESTAMP NULL, password VARCHAR(255) NOT NULL, locale VARCHAR(8) NOT NULL DEFAULT 'ar', allow_notify TINYINT(1) NOT NULL DEFAULT 1, created_at VARCHAR(32) NULL);
INSERT INTO users SELECT seq,
	IF(seq %% 700 = 3, REPEAT('long ', 20), CONCAT('Person ', seq)),
	CASE WHEN seq %% 300 = 7 THEN NULL WHEN seq %% 500 = 11 THEN CONCAT('PERSON', seq - 5, '@EXAMPLE.com') WHEN seq %% 900 = 13 THEN CONCAT('nobody ', seq) ELSE CONCAT('person', seq, '@example.com') END,
	IF(seq %% 2, '2024-01-02 03:04:05', NULL),
	IF(seq %% 800 = 17, 'secret', CONCAT('$2y$10$', SUBSTRING(REPLACE(REPLACE(TO_BASE64(CONCAT(MD5(seq), UNHEX(SHA2(seq, 256)))), '+', '.'), '\n', ''), 1, 21), 'e', SUBSTRING(REPLACE(REPLACE(REPLACE(TO_BASE64(UNHEX(SHA2(seq, 512))), '+', '.'), '=', ''), '\n', ''), 1, 30), 'm')),
	IF(seq %% 3, 'ar', 'en'), seq %% 2, IF(seq %% 1100 = 19, 'long ago', '2023-01-02 03:04:05') FROM seq_1_to_%d`

// rig is a server with the monolith's table, and databases to import it into.
type rig struct {
	node    *devstack.MariaDB
	mapping string
	rows    int
}

func newRig(t *testing.T, rows int) *rig {
	t.Helper()
	node, _ := harness.MariaDB(t)
	if _, err := node.Query(t.Context(), fmt.Sprintf(monolith, rows)); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), harness.Binary(t), "import", "mapping", "laravel").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte(node.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	mapping := strings.NewReplacer("127.0.0.1:3306", node.Address, "registrar_import", node.User, "laravel-password", password).Replace(string(text))
	r := &rig{node: node, mapping: filepath.Join(dir, "mapping.yaml"), rows: rows}
	if err := os.WriteFile(r.mapping, []byte(mapping), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// target is a database that is imported into.
type target struct {
	*rig
	name    string
	config  string
	rejects string
}

func (r *rig) target(t *testing.T, name string) *target {
	t.Helper()
	if err := r.node.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	config := harness.Config(t, fmt.Sprintf("codes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\ndatabase: {driver: mariadb, addresses: [%q], name: %s, user: %s, password: %s}\n",
		r.node.Address, name, r.node.User, r.node.Password))
	out, err := exec.CommandContext(t.Context(), harness.Binary(t), "migrate", "up", "--config", config).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return &target{r, name, config, filepath.Join(t.TempDir(), "rejects.jsonl")}
}

// command is registrar import.
func (x *target) command(ctx context.Context, t *testing.T, log *strings.Builder) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, harness.Binary(t), "import", "--mapping", x.mapping, "--rejects", x.rejects, "--batch", "200", "--config", x.config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	return cmd
}

func (x *target) run(t *testing.T) {
	t.Helper()
	var log strings.Builder
	if err := x.command(t.Context(), t, &log).Run(); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
}

// read is how many rows the import has dealt with. A server that is away has none.
func (x *target) read(ctx context.Context) int {
	text, err := x.node.Query(ctx, "SELECT rows_read FROM "+x.name+".imports")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// await waits until the import has come to a row, and says whether it still runs.
func (x *target) await(t *testing.T, ended <-chan error, row int) (error, bool) {
	t.Helper()
	for limit := time.After(3 * time.Minute); ; {
		select {
		case err := <-ended:
			return err, false
		case <-limit:
			t.Fatalf("the import does not come to row %d", row)
		case <-time.After(10 * time.Millisecond):
			if x.read(t.Context()) >= row {
				return nil, true
			}
		}
	}
}

// people is all that there is of them, but for their ids.
func people(x *target) string {
	return `SELECT a.caller, a.external_id, a.username, a.username_key, a.email, IF(a.email = '', '', a.email_key), a.mobile, a.password_hash, a.status, a.registered_at, a.email_verified_at, a.mobile_verified_at,
			p.first_name, p.last_name, p.locale, p.marketing_consent FROM ` + x.name + `.accounts a JOIN ` + x.name + `.profiles p ON p.account_id = a.id`
}

// same compares two databases row by row, and what the imports tell of themselves.
func same(t *testing.T, want, got *target) {
	t.Helper()
	imports := func(x *target) string {
		return `SELECT caller, source, fingerprint, state, position, rows_read, rows_stored, rows_present, rows_refused, done, total, tally, rejects_size FROM ` + x.name + `.imports`
	}
	equal(t, want, got, people, imports)
	for _, x := range []*target{want, got} {
		text := want.ask(t, fmt.Sprintf("SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM %[1]s.accounts), (SELECT COUNT(*) FROM %[1]s.profiles), (SELECT rows_stored FROM %[1]s.imports), (SELECT SUM(email_key <> LOWER(CONCAT_WS('-', SUBSTR(HEX(id), 1, 8), SUBSTR(HEX(id), 9, 4), SUBSTR(HEX(id), 13, 4), SUBSTR(HEX(id), 17, 4), SUBSTR(HEX(id), 21)))) FROM %[1]s.accounts WHERE email = ''), (SELECT COUNT(*) FROM %[1]s.notifications) + (SELECT COUNT(*) FROM %[1]s.events))", x.name))
		numbers := strings.Fields(text)
		if len(numbers) != 5 || numbers[0] != numbers[1] || numbers[0] != numbers[2] || numbers[3] != "0" || numbers[4] != "0" {
			t.Errorf("%s has accounts, profiles, stored rows, keys of nobody and news: %s", x.name, text)
		}
	}
	sameRejects(t, want, got)
}

func (x *target) ask(t *testing.T, sql string) string {
	t.Helper()
	text, err := x.node.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// equal compares what queries give of two databases.
func equal(t *testing.T, want, got *target, queries ...func(*target) string) {
	t.Helper()
	for _, of := range queries {
		for _, pair := range [][2]*target{{want, got}, {got, want}} {
			if n := want.ask(t, "SELECT COUNT(*) FROM ("+of(pair[0])+" EXCEPT "+of(pair[1])+") AS d"); n != "0" {
				t.Errorf("%s rows are in %s and not in %s:\n%s", n, pair[0].name, pair[1].name, want.ask(t, of(pair[0])+" EXCEPT "+of(pair[1])+" LIMIT 3"))
			}
		}
	}
}

func sameRejects(t *testing.T, want, got *target) {
	t.Helper()
	wanted, err := os.ReadFile(want.rejects)
	if err != nil {
		t.Fatal(err)
	}
	if there, err := os.ReadFile(got.rejects); err != nil || string(there) != string(wanted) {
		t.Errorf("the rejects differ: %d and %d octets, %v", len(wanted), len(there), err)
	}
	if len(wanted) == 0 {
		t.Error("nothing was refused: that proves nothing")
	}
}

// TestKilledImports: kill -9 at random points changes nothing of what is there in
// the end. $IMPORT_KILLS is how many times, $IMPORT_ROWS of how many rows.
func TestKilledImports(t *testing.T) {
	kills, rows := setting(t, "IMPORT_KILLS", 5), setting(t, "IMPORT_ROWS", 12_000)
	r := newRig(t, rows)
	undisturbed := r.target(t, "undisturbed")
	undisturbed.run(t)

	disturbed := r.target(t, "disturbed")
	killed := 0
	for n := range kills {
		var log strings.Builder
		cmd := disturbed.command(t.Context(), t, &log)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		// Somewhere in its share of the rows, and a moment later: inside of a batch.
		err, running := disturbed.await(t, ended, (n*rows+rand.IntN(rows))/(kills+1))
		if !running {
			t.Fatalf("the import ended before it was killed: %v\n%s", err, &log)
		}
		time.Sleep(rand.N(40 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if <-ended != nil {
			killed++
		}
		t.Logf("kill %d of %d at row %d", n+1, kills, disturbed.read(t.Context()))
	}
	if killed < kills-1 { // the last one may have come to its end
		t.Errorf("killed %d times only", killed)
	}
	disturbed.run(t)
	same(t, undisturbed, disturbed)

	// Once more over all that is there: nothing changes but the counts.
	if err := os.Remove(disturbed.rejects); err != nil {
		t.Fatal(err)
	}
	before, err := r.node.Query(t.Context(), "CHECKSUM TABLE disturbed.accounts, disturbed.profiles")
	if err != nil {
		t.Fatal(err)
	}
	disturbed.run(t)
	if after, err := r.node.Query(t.Context(), "CHECKSUM TABLE disturbed.accounts, disturbed.profiles"); err != nil || after != before {
		t.Errorf("an import of what is there has changed it: %s, not %s (%v)", after, before, err)
	}
}

// TestKilledDatabase: the server, of the monolith and of the service, is killed and
// comes back. The import waits, and goes on by itself.
func TestKilledDatabase(t *testing.T) {
	r := newRig(t, 12_000)
	undisturbed := r.target(t, "undisturbed")
	undisturbed.run(t)
	disturbed := r.target(t, "disturbed")
	var log strings.Builder
	cmd := disturbed.command(t.Context(), t, &log)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for n := range 2 {
		if err, running := disturbed.await(t, ended, 1000+n*4000+rand.IntN(3000)); !running {
			t.Fatalf("the import ended: %v\n%s", err, &log)
		}
		r.node.Kill()
		time.Sleep(rand.N(2 * time.Second))
		if err := r.node.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v\n%s", err, &log)
		}
	case <-time.After(3 * time.Minute):
		_ = cmd.Process.Kill()
		t.Fatalf("the import does not end: %v\n%s", <-ended, &log)
	}
	same(t, undisturbed, disturbed)
}
