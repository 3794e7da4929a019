package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// runImportCommand runs registrar import on the database of dir.
func runImportCommand(ctx context.Context, dir string, args ...string) (stdout, stderr string, err error) {
	cmd := root()
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	args = append([]string{"import"}, args...)
	if len(args) < 2 || args[1] != "mapping" {
		args = append(args, "--data-dir", dir)
	}
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

// usersFile is a Laravel table as CSV, with changes of lines.
func usersFile(t *testing.T, n int, change func(line int, row string) string) string {
	t.Helper()
	text := "id,name,email,password,locale,allow_notify,email_verified_at,created_at\n"
	for i := 1; i <= n; i++ {
		row := fmt.Sprintf("%d,Nadia Hassan,nadia%d@example.com,$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy,ar,1,2024-01-01 00:00:00,2023-01-01 00:00:00", i, i)
		if change != nil {
			row = change(i+1, row)
		}
		text += row + "\n"
	}
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImportCommand: rehearse, import, look, mend, and import what was mended.
func TestImportCommand(t *testing.T) {
	dir, db := madeDatabase(t, 1)
	users := usersFile(t, 20, func(line int, row string) string {
		switch line {
		case 5:
			return strings.Replace(row, "nadia4@", "NADIA3@", 1)
		case 9:
			return strings.Replace(row, "$2y$", "$??$", 1)
		case 12:
			return strings.Replace(row, "nadia11@example.com", "", 1)
		default:
			return row
		}
	})
	rejects := filepath.Join(t.TempDir(), "rejects.csv")

	out, _, err := runImportCommand(t.Context(), dir, "--mapping", "laravel", "--dry-run", users)
	if err != nil {
		t.Fatal(err)
	}
	told := func(out string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("%q is not in\n%s", part, out)
			}
		}
		if strings.Contains(out, "example.com") {
			t.Errorf("the report has addresses in it:\n%s", out)
		}
	}
	told(out, "rows read        20", "would be stored  18", "refused          2", "email_taken        refuse  1     line 5", "password_unusable  refuse  1     line 9", "email_missing      keep    1     line 12")
	if _, err := db.Accounts().Details(t.Context(), registration.Key{Caller: "monolith", ExternalID: "1"}); err == nil {
		t.Error("the dry run has stored somebody")
	}

	if out, _, err = runImportCommand(t.Context(), dir, "--mapping", "laravel", users, "--rejects", rejects); err != nil {
		t.Fatal(err)
	}
	told(out, "stored         18", "The refused rows are in "+rejects)
	d, err := db.Accounts().Details(t.Context(), registration.Key{Caller: "monolith", ExternalID: "7"})
	if err != nil || d.Account.Status != registration.Active || d.Profile.Locale != "ar" || len(d.Notifications) > 0 {
		t.Errorf("%+v, %v", d, err)
	}

	out, _, err = runImportCommand(t.Context(), dir, "status")
	if err != nil {
		t.Fatal(err)
	}
	told(out, users+" of monolith: DONE", "email_taken")

	if _, _, err := runImportCommand(t.Context(), dir, "--mapping", "laravel", users, "--rejects", rejects); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("rejects would be overwritten: %v", err)
	}
	text, err := os.ReadFile(rejects)
	if err != nil {
		t.Fatal(err)
	}
	mended := strings.NewReplacer("NADIA3@", "nadia4@", "$??$", "$2y$").Replace(string(text))
	if err := os.WriteFile(rejects, []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err = runImportCommand(t.Context(), dir, "--mapping", "laravel", rejects, "--json"); err != nil {
		t.Fatal(err)
	}
	var view importView
	if err := json.Unmarshal([]byte(out), &view); err != nil || view.Stored != 2 || view.Refused != 0 || view.State != transfer.Done {
		t.Errorf("%+v, %v", view, err)
	}
}

// TestImportIsStopped: it says how to go on, and does.
func TestImportIsStopped(t *testing.T) {
	dir, db := madeDatabase(t, 0)
	users := usersFile(t, 500, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // as soon as somebody is there
		defer cancel()
		for ctx.Err() == nil {
			if _, err := db.Accounts().Details(ctx, registration.Key{Caller: "monolith", ExternalID: "1"}); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, _, err := runImportCommand(ctx, dir, "--mapping", "laravel", users, "--batch", "1")
	if err == nil || !strings.Contains(err.Error(), "the same command goes on") {
		t.Fatalf("stopped it says %v", err)
	}
	out, _, err := runImportCommand(t.Context(), dir, "status")
	if err != nil || !strings.Contains(out, "OPEN (") {
		t.Errorf("%s, %v", out, err)
	}
	// Another mapping would go on at a place that means nothing.
	text, _, err := runImportCommand(t.Context(), dir, "mapping", "laravel")
	if err == nil {
		other := filepath.Join(t.TempDir(), "mapping.yaml")
		if err := os.WriteFile(other, []byte(text+"# changed\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err = runImportCommand(t.Context(), dir, "--mapping", other, users)
	}
	if err == nil || !strings.Contains(err.Error(), "--restart") {
		t.Errorf("with another mapping: %v", err)
	}
	out, _, err = runImportCommand(t.Context(), dir, "--mapping", "laravel", users)
	if err != nil || !strings.Contains(out, "rows read      500") || !strings.Contains(out, "stored         500") {
		t.Errorf("%s, %v", out, err)
	}
}

// TestImportHelps: what is wrong with a command is told with the next step.
func TestImportHelps(t *testing.T) {
	t.Setenv("REGISTRAR_EVENTS_ENABLED", "false")
	dir, _ := madeDatabase(t, 0)
	users := usersFile(t, 1, nil)
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("version: 1\ncaller: monolith\nsource: {kind: xml}\nfields: {external_id: {column: id}, usernam: {column: x}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"--mapping is needed", "registrar import mapping laravel"}},
		{[]string{"--mapping", "nowhere.yaml", users}, []string{"nowhere.yaml", "laravel"}},
		{[]string{"--mapping", bad, users}, []string{"line 3: source.kind must be one of", "line 4: fields.usernam is not a known key"}},
		{[]string{"--mapping", "laravel", "nowhere.csv"}, []string{"nowhere.csv", "no such file"}},
		{[]string{"--mapping", "laravel"}, []string{"password_file"}},
		{[]string{"--mapping", "laravel", users, users}, []string{"at most one file"}},
		{[]string{"--mapping", "laravel", users, "--batch", "0"}, []string{"1 to 5000"}},
		{[]string{"--mapping", "laravel", users, "--notify", "everybody"}, []string{"registration_completed"}},
		{[]string{"--mapping", "laravel", users, "--events"}, []string{"events.enabled"}},
		{[]string{"--mapping", "laravel", users, "--dry-run", "--restart"}, []string{"stores nothing"}},
		{[]string{"--mapping", "laravel", users, "--rejects", users}, []string{"another name"}},
		{[]string{"mapping", "symfony"}, []string{"laravel"}},
		{[]string{"mapping"}, []string{"laravel"}},
	} {
		_, _, err := runImportCommand(t.Context(), dir, test.args...)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %q is not in %v", test.args, want, err)
			}
		}
	}
}

// TestProgressOfAnImport: rows, rate and time left.
func TestProgressOfAnImport(t *testing.T) {
	t.Parallel()
	first := transfer.Import{Read: 100, Done: 1000, Total: 11_000}
	now := transfer.Import{Read: 600, Done: 6000, Total: 11_000, Refused: 3}
	if got := progressOf(now, first, 10*time.Second); got != "600 rows, 50/s, 10s left, 3 refused" {
		t.Error(got)
	}
	if got := progressOf(transfer.Import{Read: 5}, transfer.Import{}, time.Second); got != "5 rows, 5/s" {
		t.Error(got)
	}
}
