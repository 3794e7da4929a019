package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/internal/transfer/diff"
)

// runCommand runs a command on the database of dir.
func runCommand(ctx context.Context, dir string, args ...string) (stdout string, err error) {
	cmd := root()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(append(args, "--data-dir", dir))
	err = cmd.ExecuteContext(ctx)
	return out.String(), err
}

// must is runCommand where nothing may go wrong.
func must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := runCommand(t.Context(), dir, args...)
	if err != nil {
		t.Fatalf("registrar %v: %v\n%s", args, err, out)
	}
	return out
}

// compared is what registrar diff --json has told.
func compared(t *testing.T, dir string, args ...string) (found []string, summary diffView, code int) {
	t.Helper()
	out, err := runCommand(t.Context(), dir, append([]string{"diff", "--mapping", "laravel", "--json"}, args...)...)
	if err != nil {
		if code = exitCode(err); code != 3 {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(out) {
		var v struct {
			findingView
			Summary *diffView `json:"summary"`
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.Summary != nil {
			summary = *v.Summary
			continue
		}
		found = append(found, strings.TrimSpace(fmt.Sprint(v.Kind, " ", v.Key, " ", strings.Join(v.Fields, ","))))
	}
	return found, summary, code
}

// TestDiffCommand: nothing after an import; then what was changed, by names alone;
// then nothing again but what cannot be repaired.
func TestDiffCommand(t *testing.T) {
	dir, _ := madeDatabase(t, 1)
	users := usersFile(t, 30, nil)
	must(t, dir, "import", "--mapping", "laravel", users)
	if found, summary, code := compared(t, dir, users); len(found) > 0 || code != 0 || summary.Different || summary.Same != 30 {
		t.Errorf("after the import: %v, %+v, code %d", found, summary, code)
	}
	changed := usersFile(t, 34, func(line int, row string) string {
		switch line {
		case 3:
			return strings.Replace(row, "Nadia Hassan", "Nadia Someone", 1)
		case 5:
			return "x" + row[1:]
		case 33:
			return strings.Replace(row, "$2y$", "$??$", 1)
		case 34:
			return strings.Replace(row, "nadia33@", "nadia1@", 1)
		default:
			return row
		}
	})
	want := []string{"missing 31", "missing 33", "missing 34", "missing x", "refused 32 password_unusable", "extra 4", "differing 2 last_name"}
	found, summary, code := compared(t, dir, changed)
	if !slices.Equal(found, want) || code != 3 || !summary.Different || summary.Findings[diff.Missing] != 4 || summary.Here != 30 {
		t.Errorf("found %v, %+v, code %d", found, summary, code)
	}
	out, err := runCommand(t.Context(), dir, "diff", "--mapping", "laravel", changed)
	if exitCode(err) != 3 {
		t.Errorf("the code is %d", exitCode(err))
	}
	for _, part := range []string{"rows read    34", "missing      4", "differing  2", "last_name", "refused    32"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not in\n%s", part, out)
		}
	}
	if strings.Contains(out, "Someone") || strings.Contains(out, "example.com") {
		t.Errorf("values are in\n%s", out)
	}

	// x has the address of 4, and 33 that of 1: they stay missing.
	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	want = []string{"missing 33", "missing x", "refused 32 password_unusable", "extra 4", "differing 2 last_name"}
	found, summary, code = compared(t, dir, changed, "--repair", "--rejects", rejects)
	if !slices.Equal(found, want) || code != 3 || summary.Repaired == nil || summary.Repaired.Stored != 2 || summary.Repaired.Refused != 2 {
		t.Errorf("repaired: %v, %+v, code %d", found, summary, code)
	}
	text, err := os.ReadFile(rejects)
	if err != nil || strings.Count(string(text), "email_taken") != 2 {
		t.Errorf("rejects %v:\n%s", err, text)
	}
	if _, err := runCommand(t.Context(), dir, "diff", "--mapping", "laravel", changed, "--rejects", rejects); err == nil || exitCode(err) != 1 {
		t.Errorf("--rejects without --repair: %v", err)
	}
	if _, err := runCommand(t.Context(), dir, "diff", changed); err == nil || !strings.Contains(err.Error(), "--mapping") {
		t.Errorf("without a mapping: %v", err)
	}
}

// hashed is somebody whose password is known.
type hashed struct{ id, password, hash string }

// hashesOf makes hashes as the service would.
func hashesOf(t *testing.T) []hashed {
	t.Helper()
	people := []hashed{{"1", "velvet-anchor-tuesday", ""}, {"2", "كلمة السر الطويلة", ""}, {"3", "velvet-anchor-tuesday", ""}, {"4", "correct horse", "$1$abcdefgh$"}}
	for i, a := range []password.Algorithm{password.Bcrypt{Cost: 10}, password.Bcrypt{Cost: 10}, password.Argon2id{MemoryKiB: 19456, Passes: 2}} {
		var err error
		if people[i].hash, err = a.Hash(people[i].password); err != nil {
			t.Fatal(err)
		}
	}
	people[3].hash = "{SSHA}" + "qvGgHvI6QVzzHWEQZ2SYpm4OnltzYWx0" // some digest: nobody's password
	return people
}

// verifiedByPHP says which of the passwords PHP's password_verify takes, of hashes
// that password_get_info knows where known is asked for.
func verifiedByPHP(t *testing.T, people []hashed) string {
	t.Helper()
	var input bytes.Buffer
	for _, p := range people {
		if err := json.NewEncoder(&input).Encode([]string{p.id, p.password, p.hash}); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "php", "-r", `while ($line = fgets(STDIN)) { [$id, $password, $hash] = json_decode($line);
		echo $id, '=', password_verify($password, $hash) ? password_get_info($hash)['algoName'] : 'no', ' ', password_verify("$password ", $hash) ? 'any' : '', "\n"; }`)
	cmd.Stdin = &input
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v (hack/deps installs PHP)\n%s", err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// TestTheWayBack: what is exported in the monolith's own columns is, imported by
// another service, the same people; and PHP verifies the passwords that it can.
func TestTheWayBack(t *testing.T) {
	people := hashesOf(t)
	users := usersFile(t, 40, func(line int, row string) string {
		if line == 12 {
			return strings.Replace(row, "nadia11@example.com", "", 1)
		}
		if line-2 < len(people) {
			before, after, _ := strings.Cut(row, "$2y$")
			_, after, _ = strings.Cut(after, ",")
			return before + `"` + people[line-2].hash + `",` + after
		}
		return row
	})
	dir, _ := madeDatabase(t, 1)
	must(t, dir, "import", "--mapping", "laravel", users)
	for _, format := range []string{"csv", "jsonl"} {
		file := filepath.Join(t.TempDir(), "users."+format)
		out := must(t, dir, "export", "--mapping", "laravel", "--format", format, file)
		if !strings.Contains(out, "people written") || strings.Contains(out, "not written back") || strings.Contains(out, "null in all rows") {
			t.Errorf("%s: the report is\n%s", format, out)
		}
		elsewhere, _ := madeDatabase(t, 1)
		must(t, elsewhere, "import", "--mapping", "laravel", file)
		for name, in := range map[string]string{"here": dir, "elsewhere": elsewhere} {
			for _, table := range []string{users, file} {
				if found, summary, code := compared(t, in, table); len(found) > 0 || code != 0 || summary.Read != 40 {
					t.Errorf("%s: %s differs from %s: %v", format, name, table, found)
				}
			}
		}
	}

	file := filepath.Join(t.TempDir(), "users.jsonl")
	var view exportView
	if err := json.Unmarshal([]byte(must(t, dir, "export", "--mapping", "laravel", "--format", "jsonl", "--hashes", "bcrypt", "--json", file)), &view); err != nil {
		t.Fatal(err)
	}
	if view.Written != 40 || view.Hashes["bcrypt 10"] != 38 || view.ByPHP != 38 || view.Emptied["argon2id m=19456,t=2,p=1"] != 1 || len(view.Emptied) != 2 {
		t.Errorf("the report is %+v", view)
	}
	if got := verifiedByPHP(t, readHashes(t, file, people)); got != "1=bcrypt 2=bcrypt 3=no 4=no" {
		t.Errorf("PHP says %s", got)
	}
	file = filepath.Join(t.TempDir(), "users.jsonl")
	must(t, dir, "export", "--mapping", "laravel", "--format", "jsonl", "--hashes", "bcrypt,argon2id", file)
	if got := verifiedByPHP(t, readHashes(t, file, people)); got != "1=bcrypt 2=bcrypt 3=argon2id 4=no" {
		t.Errorf("PHP says %s", got)
	}
}

// readHashes gives people with the hashes that a file has.
func readHashes(t *testing.T, file string, people []hashed) []hashed {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	people = slices.Clone(people)
	for line := range strings.Lines(string(text)) {
		var row struct{ ID, Password string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		for i := range people {
			if people[i].id == row.ID {
				people[i].hash = row.Password
			}
		}
	}
	return people
}

// TestPlainExport: without a mapping there is a column for each field, which the
// shipped mapping reads.
func TestPlainExport(t *testing.T) {
	dir, db := madeDatabase(t, 1)
	must(t, dir, "import", "--mapping", "laravel", usersFile(t, 5, nil))
	file := filepath.Join(t.TempDir(), "people.csv")
	must(t, dir, "export", "--caller", "monolith", file)
	elsewhere, other := madeDatabase(t, 1)
	must(t, elsewhere, "import", "--mapping", "plain", file)
	for id := 1; id <= 5; id++ {
		key := registration.Key{Caller: "monolith", ExternalID: fmt.Sprint(id)}
		one, err := db.Accounts().Details(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		two, err := other.Accounts().Details(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		two.Account.ID = one.Account.ID
		if fmt.Sprint(one) != fmt.Sprint(two) {
			t.Errorf("%d is %+v elsewhere, and was %+v", id, two, one)
		}
	}
	for name, args := range map[string][]string{
		"is there already": {"--caller", "monolith", file}, "--caller is needed": {file + "2"}, "--format": {"--caller", "monolith", "--format", "xml", file + "2"},
		"--hashes": {"--caller", "monolith", "--hashes", "rot13", file + "2"}, "is another one": {"--caller", "portal", "--mapping", "laravel", file + "2"},
		"--since": {"--caller", "monolith", "--since", "monday", file + "2"},
	} {
		if _, err := runCommand(t.Context(), dir, append([]string{"export"}, args...)...); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Dir(file)); err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

// TestEventTailCommand: from the beginning, from a position, and as CloudEvents.
func TestEventTailCommand(t *testing.T) {
	dir, _ := madeDatabase(t, 1)
	must(t, dir, "import", "--mapping", "laravel", "--events", usersFile(t, 5, nil))
	lines := strings.Split(strings.TrimSpace(must(t, dir, "event", "tail", "--json")), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d events", len(lines))
	}
	var e struct {
		SpecVersion, Type, Subject, Position, Source string
		Data                                         struct{ RegistrationID, ExternalID, Caller, Status string }
	}
	if err := json.Unmarshal([]byte(lines[2]), &e); err != nil || e.SpecVersion != "1.0" || e.Type != "registrar.registration.created.v1" || e.Subject != e.Data.RegistrationID ||
		e.Source != "/registrar" || e.Data.Caller != "monolith" || e.Data.Status != "ACTIVE" || e.Position == "" {
		t.Errorf("%v: %+v\n%s", err, e, lines[2])
	}
	if got := strings.Split(strings.TrimSpace(must(t, dir, "event", "tail", "--json", "--from", e.Position)), "\n"); !slices.Equal(got, lines[3:]) {
		t.Errorf("behind %s comes %v", e.Position, got)
	}
	if got := must(t, dir, "event", "tail", "--from", "now"); got != "" {
		t.Errorf("from now on comes %s", got)
	}
	if got := must(t, dir, "event", "tail", "--from", "2020-01-01T00:00:00Z"); strings.Count(got, "registrar.registration.created.v1") != 5 {
		t.Errorf("from a time on comes %s", got)
	}
	for _, wrong := range []string{"monday", "99", "0:1,1:2"} {
		if out, err := runCommand(t.Context(), dir, "event", "tail", "--from", wrong); err == nil || out != "" {
			t.Errorf("--from %s: %v, %s", wrong, err, out)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runCommand(ctx, dir, "event", "tail", "--follow"); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("asked to end: %v", err)
	}
}
