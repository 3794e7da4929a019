package migration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// rig is a database server with the application's table and the service's database,
// and the service behind a balancer.
type rig struct {
	node     *devstack.MariaDB
	service  *harness.Service
	balancer *balancer
	dir      string
	config   string
	mapping  string
	classes  string // of the guide: their files, with colons between
}

func newRig(t *testing.T) *rig {
	t.Helper()
	command(t, example+"/install")
	node, database := harness.MariaDB(t)
	newTable(t, node)
	r := &rig{node: node, balancer: newBalancer(t), dir: t.TempDir()}
	r.classes = paste(t, r.dir, "php", "app/Services/Registrar.php") + ":" + paste(t, r.dir, "php", "app/Services/Accounts.php")
	r.config = harness.Config(t, harness.CheapHash+"callers: {refresh: 200ms}\nevents: {keep: 24h}\npublic_url: "+r.balancer.URL+"\n"+database)
	r.service = harness.New(t, "--config", r.config)
	target, err := url.Parse(r.service.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	r.balancer.target.Store(target)

	password := filepath.Join(r.dir, "laravel-password")
	if err := os.WriteFile(password, []byte(node.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	r.mapping = filepath.Join(r.dir, "mapping.yaml")
	text := strings.NewReplacer("127.0.0.1:3306", node.Address, "registrar_import", node.User, "laravel-password", password).Replace(r.registrar(t, "import", "mapping", "laravel"))
	if err := os.WriteFile(r.mapping, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// variant is the mapping with something replaced, as a file of that name.
func (r *rig) variant(t *testing.T, name, before, after string) string {
	t.Helper()
	text, err := os.ReadFile(r.mapping)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(text), before) != 1 {
		t.Fatalf("the mapping has %q %d times", before, strings.Count(string(text), before))
	}
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), before, after, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// prepare is a command of the program with the service's configuration.
func (r *rig) prepare(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if args[0] != "import" || args[1] != "mapping" {
		args = append(args, "--config", r.config, "--data-dir", filepath.Join(r.service.Dir, "data"))
	}
	return exec.CommandContext(ctx, harness.Binary(t), args...)
}

// run runs a command of the program, and gives its standard output and exit code.
func (r *rig) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := r.prepare(t.Context(), t, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Logf("registrar %v: exit code %d\n%s", args, exit.ExitCode(), &errs)
		return out.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), 0
}

// registrar is run for what has to work.
func (r *rig) registrar(t *testing.T, args ...string) string {
	t.Helper()
	out, code := r.run(t, args...)
	if code != 0 {
		t.Fatalf("registrar %v: exit code %d\n%s", args, code, out)
	}
	return out
}

var shownSecret = regexp.MustCompile(`(?m)^  secret  ([A-Z2-7]{26})$`)

// callerSecret is the secret that registrar caller add has shown.
func callerSecret(t *testing.T, shown string) string {
	t.Helper()
	found := shownSecret.FindStringSubmatch(shown)
	if found == nil {
		t.Fatal("no secret is shown")
	}
	return found[1]
}

// report is that of an import.
type report struct {
	State                          string
	Read, Stored, Present, Refused int
	Findings                       []struct {
		Rule, Action string
		Rows         int
	}
}

func (r report) counts() map[string]int {
	all := map[string]int{}
	for _, f := range r.Findings {
		all[f.Rule+" "+f.Action] = f.Rows
	}
	return all
}

func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return value
}

// accounts counts those of a caller in the store.
func (r *rig) accounts(t *testing.T, caller string) int {
	t.Helper()
	return number(t, r.node, fmt.Sprintf("SELECT COUNT(*) FROM registrar.accounts WHERE caller = '%s'", caller))
}

// users counts the application's.
func (r *rig) users(t *testing.T) int {
	t.Helper()
	return number(t, r.node, "SELECT COUNT(*) FROM laravel.users")
}

// killedImport is registrar import, killed behind a row.
func (r *rig) killedImport(t *testing.T, row int, args ...string) {
	t.Helper()
	cmd := r.prepare(t.Context(), t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		text, err := r.node.Query(ctx, "SELECT COALESCE(MAX(rows_read), 0) FROM registrar.imports")
		if err != nil {
			return err
		}
		read, err := strconv.Atoi(text)
		if err == nil && read < row {
			err = fmt.Errorf("the import is at row %d", read)
		}
		if err != nil {
			return err
		}
		return nil
	})
	_ = cmd.Process.Kill()
	if err := cmd.Wait(); err == nil {
		t.Fatal("the import had ended before it was killed")
	}
}
