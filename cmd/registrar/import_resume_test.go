package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// stopped runs a command that imports, and stops it as soon as somebody is there.
func stopped(t *testing.T, dir string, db *store.DB, externalID string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		defer cancel()
		for ctx.Err() == nil {
			if _, err := db.Accounts().Details(ctx, registration.Key{Caller: "monolith", ExternalID: externalID}); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	if _, err := runCommand(ctx, dir, args...); err == nil || !strings.Contains(err.Error(), "the same command goes on") {
		t.Fatalf("stopped it says %v", err)
	}
}

// TestWhatAnImportIsGoneOnWith: an interrupted import goes on with what it was begun
// with: the file, what others are told, and the rejects.
func TestWhatAnImportIsGoneOnWith(t *testing.T) {
	dir, db := madeDatabase(t, 0)
	const n = 300
	// The first two have one address, so that there is a reject.
	users := usersFile(t, n, func(line int, row string) string { return strings.Replace(row, "nadia2@", "nadia1@", 1) })
	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	args := []string{"import", "--mapping", "laravel", "--batch", "2", users}
	stopped(t, dir, db, "1", append(args, "--events", "--rejects", rejects)...)

	was, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, text string // of the file
		args       []string
		want       []string
	}{
		{"without --events", string(was), nil, []string{"begun with --events", "--restart"}},
		{"with --notify", string(was), []string{"--events", "--notify", "registration_completed"}, []string{"begun with --events:"}},
		{"with other rejects", string(was), []string{"--events", "--rejects", rejects + "2"}, []string{"runs now or was interrupted (its last batch was at ", "writes its rejects to " + rejects, "leave --rejects out"}},
		{"with another file of the same length", strings.Replace(string(was), "nadia200@", "nadia999@", 1), []string{"--events"}, []string{"the file is not any more what it was", "--restart"}},
	} {
		if err := os.WriteFile(users, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := runCommand(t.Context(), dir, append(args, test.args...)...)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %v", test.name, want, err)
			}
		}
	}
	if err := os.WriteFile(users, was, 0o600); err != nil {
		t.Fatal(err)
	}
	var view importView
	if err := json.Unmarshal([]byte(must(t, dir, append(args, "--events", "--json")...)), &view); err != nil || view.Stored != n-1 || view.Refused != 1 {
		t.Errorf("gone on with it is %+v, %v", view, err)
	}
	if events := strings.Count(must(t, dir, "event", "tail", "--json"), "\n"); events != n-1 {
		t.Errorf("%d events of %d people", events, n-1)
	}
}

// TestARepairIsGoneOnWith: the same command does, and its rejects are written anew.
func TestARepairIsGoneOnWith(t *testing.T) {
	dir, db := madeDatabase(t, 0)
	const n = 3500
	users := usersFile(t, n, func(line int, row string) string {
		if id := line - 1; id%700 == 1 && id > 1 { // the address of the one before
			return strings.Replace(row, fmt.Sprintf("nadia%d@", id), fmt.Sprintf("NADIA%d@", id-1), 1)
		}
		return row
	})
	must(t, dir, "import", "--mapping", "laravel", usersFile(t, 1, func(int, string) string { return "x,,,,,,," }))
	rejects := filepath.Join(t.TempDir(), "rejects.csv")
	args := []string{"diff", "--mapping", "laravel", users, "--repair", "--rejects", rejects}
	stopped(t, dir, db, "1", args...)
	text, err := os.ReadFile(rejects)
	if err != nil || !strings.Contains(string(text), "email_taken") {
		t.Fatalf("the rejects of the repair that was stopped are %v:\n%s", err, text)
	}
	found, summary, code := compared(t, dir, args[3:]...)
	if len(found) != 5 || code != 3 || summary.Repaired == nil || summary.Repaired.Refused != 4 || summary.Here >= n {
		t.Errorf("gone on with it is %v, %+v, code %d", found, summary, code)
	}
	if text, err = os.ReadFile(rejects); err != nil || strings.Count(string(text), "email_taken") != 4 {
		t.Errorf("rejects %v:\n%s", err, text)
	}
	// It has come to its end: what it has written is somebody's to mend.
	if _, err := runCommand(t.Context(), dir, args...); err == nil || exitCode(err) != 1 || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("rejects would be overwritten: %v", err)
	}
}
