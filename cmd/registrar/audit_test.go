package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/audit"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// runOn runs a command on the database of dir.
func runOn(ctx context.Context, dir string, args ...string) (out string, err error) {
	cmd := root()
	var b bytes.Buffer
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	cmd.SetArgs(append(args, "--data-dir", dir))
	err = cmd.ExecuteContext(ctx)
	return b.String(), err
}

// auditedDatabase has n entries in its chain, an hour apart, the last of them
// half an hour old, and one that is not sealed.
func auditedDatabase(t *testing.T, n int) (dir string, db *store.DB) {
	t.Helper()
	dir, db = madeDatabase(t, 0)
	begin := time.Now().Add(-time.Duration(n) * time.Hour).Add(30 * time.Minute).UTC().Truncate(time.Microsecond)
	put := func(at time.Time, outcome, external string) {
		id, err := newID()
		if err != nil {
			t.Fatal(err)
		}
		e := audit.Entry{ID: id, At: at, Action: registration.AuditRegister, Outcome: outcome, Caller: "portal", ExternalID: external}
		if err := db.Audit().Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		put(begin.Add(time.Duration(i)*time.Hour), registration.AuditOK, "crm-1")
	}
	lease, held, err := db.Leases().Acquire(t.Context(), "audit-sealer", "test", time.Now(), time.Minute)
	if err != nil || !held {
		t.Fatal(held, err)
	}
	if _, _, err := db.Audit().Seal(t.Context(), lease, n); err != nil {
		t.Fatal(err)
	}
	put(time.Now().UTC().Truncate(time.Microsecond), string(registration.EmailTaken), "crm-2\x1b[2J")
	return dir, db
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	dir, _ := auditedDatabase(t, 30)
	for _, tt := range []struct {
		args  string
		lines int
		want  []string
		err   string
	}{
		{"--since 0", 32, []string{"SEQUENCE", "30 ", `\x1b[2J`}, ""},
		{"", 26, []string{"EMAIL_TAKEN"}, ""},
		{"--outcome email_taken", 2, []string{"-         20"}, ""},
		{"--since 0 --external-id crm-1 --limit 3", 5, []string{"There are more"}, ""},
		{"--since 0 --limit 0 --action register --caller portal", 32, nil, ""},
		{"--action export", 1, []string{"There is no such entry"}, ""},
		{"--registration 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55", 1, []string{"--since 0"}, ""},
		{"--since 2001-02-03 --until 2002-02-03T00:00:00Z", 1, []string{"no such entry"}, ""},
		{"--action fly", 0, nil, "--action is none"},
		{"--since yesterday", 0, nil, "how long ago"},
		{"--until yesterday", 0, nil, "2025-01-01"},
		{"--registration 1", 0, nil, "is not an id"},
		{"--limit -1", 0, nil, "--limit"},
	} {
		out, err := runOn(t.Context(), dir, append([]string{"audit", "list"}, strings.Fields(tt.args)...)...)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		if n := strings.Count(out, "\n"); err == nil && n != tt.lines {
			t.Errorf("%s: %d lines\n%s", tt.args, n, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", tt.args, want, out)
			}
		}
	}
	out, err := runOn(t.Context(), dir, "audit", "list", "--since", "0", "--json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var first, last auditView
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &first), json.Unmarshal([]byte(lines[30]), &last)); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 31 || first.Sequence != 1 || len(first.Hash) != 64 || last.Sequence != 0 || last.Outcome != "EMAIL_TAKEN" || last.ExternalID != "crm-2\x1b[2J" {
		t.Errorf("%d lines, the first %+v, the last %+v", len(lines), first, last)
	}
}

func TestAuditVerifyAndPrune(t *testing.T) {
	t.Parallel()
	dir, _ := auditedDatabase(t, 30)
	head, err := runOn(t.Context(), dir, "audit", "head")
	if err != nil || !strings.HasPrefix(head, "30:") {
		t.Fatal(head, err)
	}
	heads := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(heads, []byte("\n"+head+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := func(entries string, args ...string) {
		t.Helper()
		out, err := runOn(t.Context(), dir, append([]string{"audit", "verify"}, args...)...)
		if err != nil || !strings.Contains(out, "whole") || !strings.Contains(out, entries) {
			t.Errorf("%v\n%s", err, out)
		}
	}
	whole("30", "--heads", heads)
	out, err := runOn(t.Context(), dir, "audit", "verify", "--head", strings.Replace(strings.TrimSpace(head), "30:", "31:", 1))
	if err == nil || exitCode(err) != brokenExit || !strings.Contains(out, "BROKEN at entry 31") || !strings.Contains(out, "cut") {
		t.Errorf("%v, exit %d\n%s", err, exitCode(err), out)
	}
	for _, args := range [][]string{{"--head", "x"}, {"--heads", heads + ".not"}, {"--keyed-from", "1"}} {
		if _, err := runOn(t.Context(), dir, append([]string{"audit", "verify"}, args...)...); err == nil || exitCode(err) != 1 {
			t.Errorf("%v: %v", args, err)
		}
	}

	before := time.Now().Add(-20 * time.Hour).UTC().Format(time.RFC3339)
	if out, err := runOn(t.Context(), dir, "audit", "prune", "--before", before); err != nil || !strings.Contains(out, "10 entries would be removed, up to 10:") {
		t.Errorf("%v\n%s", err, out)
	}
	whole("30")
	var line string
	if out, err := runOn(t.Context(), dir, "audit", "prune", "--before", before, "--yes"); err != nil || !strings.Contains(out, "10 entries were removed") {
		t.Errorf("%v\n%s", err, out)
	} else if i := slices.IndexFunc(strings.Split(out, "\n"), func(line string) bool { return strings.HasPrefix(line, "10:") && strings.HasSuffix(line, " pruned") }); i < 0 {
		t.Errorf("no line to be kept in\n%s", out)
	} else {
		line = strings.Split(out, "\n")[i]
	}
	whole("20", "--heads", heads)
	whole("20", "--head", line)
	old := "4:" + strings.Repeat("ab", 32)
	whole("2 of 3", "--heads", heads, "--head", old, "--head", line)
	for _, args := range [][]string{{"--head", old}, {"--head", old, "--heads", heads}, {"--json", "--head", old, "--head", strings.TrimSuffix(line, " pruned")}} {
		out, err := runOn(t.Context(), dir, append([]string{"audit", "verify"}, args...)...)
		if err == nil || exitCode(err) != 1 || strings.Contains(out, "whole\n") || strings.Contains(out, `"whole": true`) || !strings.Contains(err.Error(), "audit prune printed") {
			t.Errorf("%v: %v, exit %d\n%s", args, err, exitCode(err), out)
		}
	}
	if out, err := runOn(t.Context(), dir, "audit", "prune", "--before", before, "--yes"); err != nil || !strings.Contains(out, "nothing to remove") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{}, {"--before", "soon"}, {"--before", "2999-01-01"}} {
		if _, err := runOn(t.Context(), dir, append([]string{"audit", "prune"}, args...)...); err == nil {
			t.Errorf("%v is taken", args)
		}
	}
	told, err := runOn(t.Context(), dir, "audit", "list", "--action", "PRUNE", "--json")
	if err != nil || !strings.Contains(told, "through=10") || !strings.Contains(told, "by=uid:") {
		t.Errorf("%v\n%s", err, told)
	}
	bySQL(t, dir, `UPDATE audit_log SET external_id = NULL, external_salt = NULL WHERE sequence IN (12, 20)`)
	out, err = runOn(t.Context(), dir, "audit", "verify", "--heads", heads)
	if err == nil || exitCode(err) != brokenExit || !strings.Contains(out, "BROKEN at entry 12") || !strings.Contains(out, "at first 12 20") {
		t.Errorf("%v, exit %d\n%s", err, exitCode(err), out)
	}
	bySQL(t, dir, `DELETE FROM audit_log`, `DELETE FROM audit_pending`, `UPDATE audit_checkpoints SET sequence = 30`)
	out, err = runOn(t.Context(), dir, "audit", "verify", "--head", line)
	if err == nil || exitCode(err) != brokenExit || !strings.Contains(out, "BROKEN at entry 1\n") || !strings.Contains(out, "NO ENTRY TELLS") {
		t.Errorf("%v, exit %d\n%s", err, exitCode(err), out)
	}
}

// bySQL changes the database of dir as nobody should.
func bySQL(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "registrar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCallersAreAudited: each change of a caller, and no look at it.
func TestCallersAreAudited(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, args := range [][]string{
		{"add", "erp"}, {"list"}, {"show", "erp"}, {"update", "erp", "--rate", "5"}, {"disable", "erp"}, {"enable", "erp"}, {"rotate", "erp"},
	} {
		if out, err := runOn(t.Context(), dir, append([]string{"caller"}, args...)...); err != nil {
			t.Fatal(args, err, out)
		}
	}
	if _, err := runOn(t.Context(), dir, "caller", "add", "erp"); err == nil {
		t.Error("added twice")
	}
	out, err := runOn(t.Context(), dir, "audit", "list", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for line := range strings.Lines(out) {
		var v auditView
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.Caller != "erp" || v.Outcome != "OK" || !strings.HasPrefix(v.Detail, "by=uid:") {
			t.Errorf("%+v", v)
		}
		actions = append(actions, v.Action)
	}
	if got := strings.Join(actions, " "); got != "CALLER_ADD CALLER_CHANGE CALLER_DISABLE CALLER_ENABLE CALLER_ROTATE" {
		t.Errorf("the actions are %s", got)
	}
}
