package schema_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"registrar/schema"
)

// TestSQLiteDialect: nothing of MariaDB's own is left, and the files are
// otherwise the same.
func TestSQLiteDialect(t *testing.T) {
	names, err := fs.Glob(schema.SQLite(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	types := regexp.MustCompile(`(?i)\b(VARCHAR|VARBINARY|BINARY|BIGINT|MEDIUMTEXT|DATETIME|TINYINT|ENGINE|CHARSET)\b`)
	for _, name := range names {
		text, err := fs.ReadFile(schema.SQLite(), name)
		if err != nil {
			t.Fatal(err)
		}
		var statements []string
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "--") {
				statements = append(statements, line)
			}
		}
		if left := types.FindString(strings.Join(statements, "")); left != "" {
			t.Errorf("%s: %s is left", name, left)
		}
		if tables, strict := strings.Count(string(text), "CREATE TABLE"), strings.Count(string(text), ") STRICT, WITHOUT ROWID;"); tables != strict {
			t.Errorf("%s: %d tables, %d are strict", name, tables, strict)
		}
		f, err := schema.SQLite().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil || info.Size() != int64(len(text)) || info.Name() != name {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMariaDBTables: each names its engine, character set and collation.
func TestMariaDBTables(t *testing.T) {
	names, err := fs.Glob(schema.MariaDB(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(schema.MariaDB(), name)
		if err != nil {
			t.Fatal(err)
		}
		const options = ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;"
		if tables, complete := strings.Count(string(text), "CREATE TABLE"), strings.Count(string(text), options); tables != complete {
			t.Errorf("%s: %d tables, %d with all their options", name, tables, complete)
		}
	}
}
