package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

// onMariaDB is the way to a table of a real server.
func onMariaDB(t *testing.T, table, sql string) mapping.Source {
	t.Helper()
	m := sharedNode(t)
	if _, err := m.Query(t.Context(), "USE laravel; "+sql); err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(m.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return mapping.Source{Kind: mapping.Database, Address: m.Address, Name: "laravel", User: m.User, PasswordFile: password, Table: table, Key: "id"}
}

// TestTables: all rows, each once, in the order of the key, whatever its type; and
// from any of them on.
func TestTables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, key, values string }{
		{"numbers", "BIGINT UNSIGNED", "seq * 7 + 18446744073709500000"},
		{"negative_numbers", "INT", "CAST(seq AS SIGNED) - 1250"},
		{"texts", "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "CONCAT(CHAR(97 + seq % 26), IF(seq % 2, 'É', 'z'), seq)"},
		{"fixed_texts", "CHAR(36) CHARACTER SET ascii", "UUID()"},
		{"octets", "BINARY(16)", "UNHEX(MD5(seq))"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := onMariaDB(t, test.name, fmt.Sprintf("CREATE TABLE %s (id %s NOT NULL PRIMARY KEY, n INT NOT NULL, note TEXT NULL); INSERT INTO %[1]s SELECT %[3]s, seq, IF(seq %% 3, 'a note', NULL) FROM seq_1_to_2500", test.name, test.key, test.values))
			rows := all(t, s, "", []string{"n", "note"}, "")
			seen := map[string]bool{}
			for i, r := range rows {
				seen[r.Values[0].Text] = true
				if r.Number != int64(i+1) || r.Values[1].Null != strings.HasSuffix(r.Values[1].Text, "~") && r.Values[1].Text != "" {
					t.Fatalf("row %d is %+v", i, r)
				}
			}
			if len(rows) != 2500 || len(seen) != 2500 {
				t.Fatalf("%d rows, of which %d are different", len(rows), len(seen))
			}
			for _, i := range []int{0, 998, 999, 1000, 1776, 2498, 2499} {
				if got, want := brief(all(t, s, "", []string{"n", "note"}, rows[i].After)), brief(rows[i+1:]); !slices.Equal(got, want) {
					t.Errorf("behind row %d are %d rows, not %d", i, len(got), len(want))
				}
			}
		})
	}
}

// TestQuery reads what a SELECT gives, and sees a key that is there twice.
func TestQuery(t *testing.T) {
	t.Parallel()
	s := onMariaDB(t, "", "CREATE TABLE members (id INT NOT NULL PRIMARY KEY, mail VARCHAR(100), gone BOOLEAN NOT NULL); INSERT INTO members SELECT seq, CONCAT('m', seq, '@example.com'), seq % 2 FROM seq_1_to_10; "+
		"CREATE TABLE phones (member INT NOT NULL, phone VARCHAR(30)); INSERT INTO phones VALUES (2, '050'), (4, '054'), (4, '055'), (6, NULL)")
	s.Query = "SELECT m.id, m.mail, p.phone FROM members m LEFT JOIN (SELECT member, MIN(phone) AS phone FROM phones GROUP BY member) p ON p.member = m.id WHERE NOT m.gone;"
	want := []string{"1:m2@example.com|050", "2:m4@example.com|054", "3:m6@example.com|~", "4:m8@example.com|~", "5:m10@example.com|~"}
	if got := brief(all(t, s, "", []string{"mail", "phone"}, "")); !slices.Equal(got, want) {
		t.Errorf("the rows are %q, not %q", got, want)
	}
	s.Query = "SELECT m.id, p.phone FROM members m LEFT JOIN phones p ON p.member = m.id"
	src, err := source.Open(t.Context(), s, "", []string{"phone"}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	if _, err := src.Next(t.Context(), 100); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a key that is there twice: %v", err)
	}
}

// TestTimesAreTheMonoliths: TIMESTAMP columns come in the session's time zone,
// DATETIME columns as they are.
func TestTimesAreTheMonoliths(t *testing.T) {
	t.Parallel()
	s := onMariaDB(t, "moments", "SET time_zone = '+00:00'; CREATE TABLE moments (id INT NOT NULL PRIMARY KEY, a TIMESTAMP NULL, b DATETIME(3) NULL, c BIT(1)); INSERT INTO moments VALUES (1, '2024-01-01 00:00:00', '2024-01-01 00:00:00.5', b'1'), (2, NULL, NULL, NULL)")
	s.TimeZone = "+03:00"
	want := []string{"1:2024-01-01 03:00:00|2024-01-01 00:00:00.500|\x01", "2:~|~|~"}
	if got := brief(all(t, s, "", []string{"a", "b", "c"}, "")); !slices.Equal(got, want) {
		t.Errorf("the rows are %q, not %q", got, want)
	}
}

func TestTablesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := onMariaDB(t, "loose", "CREATE TABLE loose (id INT NOT NULL PRIMARY KEY, email VARCHAR(100), part INT NOT NULL, whole INT NOT NULL, at DATETIME NOT NULL, maybe INT NULL, UNIQUE (part, whole), UNIQUE (at), UNIQUE (maybe)); INSERT INTO loose VALUES (1, 'x', 1, 1, '2024-01-01', 1)")
	for _, test := range []struct {
		name   string
		change func(*mapping.Source)
		err    string
	}{
		{"a key that is not unique", func(s *mapping.Source) { s.Key = "email" }, "has no unique index of the column email alone"},
		{"a part of a key", func(s *mapping.Source) { s.Key = "part" }, "has no unique index of the column part alone"},
		{"a key with null", func(s *mapping.Source) { s.Key = "maybe" }, "has no unique index of the column maybe alone"},
		{"a key of another type", func(s *mapping.Source) { s.Key = "at" }, "is of the type DATETIME"},
		{"no such table", func(s *mapping.Source) { s.Table = "nobody" }, "there is no table nobody in the database laravel that the user "},
		{"a wrong password", func(s *mapping.Source) { s.PasswordFile = "" }, "Access denied"},
		{"no such file", func(s *mapping.Source) { s.PasswordFile = "/nowhere" }, "password_file"},
		{"no TLS at the server", func(s *mapping.Source) { s.TLS = true }, "TLS"},
	} {
		changed := s
		test.change(&changed)
		src, err := source.Open(t.Context(), changed, "", []string{"email"}, "")
		if err == nil {
			_, err = src.Next(t.Context(), 1)
			_ = src.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if _, err := source.Open(t.Context(), s, "", []string{"email"}, "12:1"); err == nil {
		t.Error("a position in a file is taken")
	}
}
