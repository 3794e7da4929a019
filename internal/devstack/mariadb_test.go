package devstack_test

import (
	"context"
	"testing"
	"time"

	"registrar/internal/devstack"
)

func TestMariaDB(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	m, err := devstack.StartMariaDB(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Kill)
	query := func(sql, want string) {
		t.Helper()
		if got, err := m.Query(ctx, sql); err != nil || got != want {
			t.Fatalf("%s: got %q, %v; want %q", sql, got, err, want)
		}
	}
	if err := m.CreateDatabase(ctx, "d"); err != nil {
		t.Fatal(err)
	}
	query("SELECT @@wsrep_on, @@innodb_flush_log_at_trx_commit", "1\t1")
	query("CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)", "")
	if err := m.Restart(ctx); err == nil {
		t.Error("was started twice")
	}
	for round, end := range []func(){m.Kill, m.Stop, m.Kill} {
		end()
		if _, err := m.Query(ctx, "SELECT 1"); err == nil {
			t.Error("answers after its end")
		}
		if err := m.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		query("SELECT COUNT(*) FROM d.t", "1")
		query("DELETE FROM d.t; INSERT INTO d.t VALUES ("+string(rune('2'+round))+")", "")
	}
	if err := m.Pause(); err != nil {
		t.Fatal(err)
	}
	short, cancelShort := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancelShort()
	if _, err := m.Query(short, "SELECT 1"); err == nil {
		t.Error("answers while it is paused")
	}
	if err := m.Resume(); err != nil {
		t.Fatal(err)
	}
	query("SELECT id FROM d.t", "4")
	if _, err := m.Query(ctx, "NO SQL"); err == nil {
		t.Error("takes what is no SQL")
	}
}

func TestMariaDBInTooDeepADirectory(t *testing.T) {
	deep := t.TempDir()
	for range 20 {
		deep += "/deeper"
	}
	if m, err := devstack.StartMariaDB(t.Context(), deep); err == nil {
		m.Kill()
		t.Error("was started where its socket cannot be")
	}
}
