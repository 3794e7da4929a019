package store_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/schema"
)

// migrations names the files of all steps, in their order.
func migrations(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(schema.MariaDB(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	return names
}

func TestMigrateUpDownUp(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			m, err := store.OpenMigrator(b.new(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = m.Close() }()
			names := migrations(t)
			steps := len(names)
			applied := func(want int) {
				t.Helper()
				all, err := m.Status(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, s := range all {
					if s.Applied {
						n++
					}
					if s.Applied == s.AppliedAt.IsZero() {
						t.Errorf("%s is applied: %t, at %s", s.Name, s.Applied, s.AppliedAt)
					}
				}
				if len(all) != steps || n != want {
					t.Fatalf("%d of %d are applied, want %d: %+v", n, len(all), want, all)
				}
			}
			applied(0)
			up, err := m.Up(t.Context())
			if err != nil || len(up) != steps || up[0].Version != 1 || up[0].Name != "00001_accounts.sql" {
				t.Fatal(up, err)
			}
			applied(steps)
			if up, err := m.Up(t.Context()); err != nil || len(up) != 0 {
				t.Fatal(up, err)
			}
			for left := steps - 1; left >= 0; left-- {
				if down, err := m.Down(t.Context()); err != nil || down.Name != names[left] {
					t.Fatal(down, err)
				}
				applied(left)
			}
			if down, err := m.Down(t.Context()); err != nil || down.Version != 0 {
				t.Fatal(down, err)
			}
			if up, err := m.Up(t.Context()); err != nil || len(up) != steps {
				t.Fatal(up, err)
			}
		})
	}
}

// TestMigratorsWait: several at once, each on connections of its own, apply
// every step once.
func TestMigratorsWait(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			o := b.new(t)
			var (
				wg    sync.WaitGroup
				mu    sync.Mutex
				steps int
			)
			for range 8 {
				wg.Go(func() {
					m, err := store.OpenMigrator(o)
					if err != nil {
						t.Error(err)
						return
					}
					defer func() { _ = m.Close() }()
					up, err := m.Up(t.Context())
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					steps += len(up)
					mu.Unlock()
				})
			}
			wg.Wait()
			if all := len(migrations(t)); steps != all {
				t.Errorf("%d steps were applied", steps)
			}
			create(t, open(t, o), person())
		})
	}
}

// TestMigrateAfterACrashAtTheBeginning: the table of versions is there, and its
// first row is not.
func TestMigrateAfterACrashAtTheBeginning(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	if _, err := sharedNode(t).Query(t.Context(), "DELETE FROM "+o.Database+".migrations"); err != nil {
		t.Fatal(err)
	}
	migrate(t, o)
	create(t, open(t, o), person())
}

// TestMigrateAfterACrash: a migration whose statements were committed, as each
// DDL statement of MariaDB is, but whose version was not noted.
func TestMigrateAfterACrash(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	db := open(t, o)
	r := create(t, db, person())
	if _, err := sharedNode(t).Query(t.Context(), "DELETE FROM "+o.Database+".migrations WHERE version_id >= 2; DROP TABLE "+o.Database+".inbox_messages"); err != nil {
		t.Fatal(err)
	}
	migrate(t, o)
	if d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID}); err != nil || len(d.Notifications) != 2 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestSchemaOnMariaDB: what Galera and the contract ask of every table.
func TestSchemaOnMariaDB(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	query := func(sql string) string {
		t.Helper()
		out, err := sharedNode(t).Query(t.Context(), strings.ReplaceAll(sql, "= DB", "= '"+o.Database+"'"))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := query(`SELECT t.table_name FROM information_schema.tables t WHERE t.table_schema = DB AND NOT EXISTS
		(SELECT 1 FROM information_schema.table_constraints c WHERE c.table_schema = DB AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY')`); out != "" {
		t.Errorf("no primary key: %s", out)
	}
	if out := query(`SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = DB AND table_name NOT LIKE 'migration%' AND (engine <> 'InnoDB' OR table_collation <> 'utf8mb4_bin')`); out != "" {
		t.Errorf("not as the others: %s", out)
	}
	if out := query(`SELECT s.index_name, s.column_name, c.data_type FROM information_schema.statistics s JOIN information_schema.columns c
		ON c.table_schema = DB AND c.table_name = s.table_name AND c.column_name = s.column_name
		WHERE s.table_schema = DB AND s.non_unique = 0 AND s.table_name NOT LIKE 'migration%' AND c.data_type NOT IN ('binary', 'varbinary', 'bigint')`); out != "" {
		t.Errorf("unique keys that are not binary: %s", out)
	}
}

// TestPrivateFile: the SQLite file and the log beside it are their owner's.
func TestPrivateFile(t *testing.T) {
	o := backends[0].new(t)
	migrate(t, o)
	create(t, open(t, o), person())
	entries, err := os.ReadDir(filepath.Dir(o.Path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
	}
	if len(entries) < 2 {
		t.Errorf("no log beside the database: %v", entries)
	}
}
