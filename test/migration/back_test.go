package migration_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// erase: who wants to be forgotten is not brought back.
func (s *story) erase(t *testing.T) {
	const id = 11
	count := fmt.Sprintf("SELECT COUNT(*) FROM registrar.accounts WHERE caller = 'monolith' AND external_id = '%d'", id)
	if number(t, s.node, count) != 1 {
		t.Fatal("nobody is there to be erased")
	}
	s.feed.kill(t)
	s.registrar(t, "person", "erase", "--external-id", "monolith", fmt.Sprint(id), "--yes")
	d := s.diff(t, "--repair")
	if number(t, s.node, count) != 0 || !slices.Equal(d.found["erased"], []string{fmt.Sprint(id)}) || d.summary.Different {
		t.Errorf("after the repair: %+v %v", d.summary, d.found)
	}
	s.erased = id
	s.feed.start(t)
	s.feed.await(t, fmt.Sprintf("SELECT COUNT(*) FROM laravel.users WHERE id = %d", id), 0)
	if d := s.alike(t); d.summary.Findings["erased"] != 0 {
		t.Errorf("when the application has forgotten them too: %+v", d.summary)
	}
}

// odd are names that end a field, a line or a text in one form or another.
var odd = []string{
	`\" \"`, `A\B Noor`, `Foo\ Noor`, `x\`, `\N`, `\0 Tab\t`, `NULL`, `"`, `"quoted" "twice"`, "O'Hara, 2nd", `","`, "😀 👨\u200d👩", "\u200fمحمد الحداد", "e\u0301 é",
}

// firstOdd is above the ids of the table, and below those of phase 5.
const firstOdd = 900_000_000

// addOdd registers people at the application who are called so, and imports them.
func (s *story) addOdd(t *testing.T) {
	rows := make([]string, len(odd))
	for i, name := range odd {
		rows[i] = fmt.Sprintf("(%d, x'%x', 'odd%d@example.net', '', '%s', 1, '2024-01-02 03:04:05')", firstOdd+i, name, i, []string{"ar", "ar_SA"}[i%2])
	}
	sql(t, s.node, "SET NAMES utf8mb4; INSERT INTO laravel.users (id, name, email, password, locale, allow_notify, created_at) VALUES "+strings.Join(rows, ", "))
	if d := s.diff(t, "--repair"); d.summary.Different {
		t.Errorf("after the repair: %+v %v", d.summary, d.found)
	}
}

// goBack: the application gets everybody back, in its own columns.
func (s *story) goBack(t *testing.T) {
	s.addOdd(t)
	file := filepath.Join(s.dir, "users.mysql")
	type exported struct {
		Written int
		NoHash  int `json:"without_password"`
		Hashes  map[string]int
		Emptied map[string]int `json:"hashes_left_empty"`
		PHP     int            `json:"hashes_that_php_verifies"`
		Columns []string       `json:"columns_left_null"`
		Lost    map[string]int `json:"not_written_back"`
		Table   string
		Load    string `json:"load_data"`
	}
	got := decode[exported](t, s.registrar(t, "export", "--mapping", s.mapping, "--format", "mysql", "--json", file))
	everybody := s.accounts(t, "monolith")
	if got.Written != everybody || len(got.Columns) != 0 || len(got.Emptied) != 0 || got.Table != "users_back" {
		t.Errorf("%d accounts: %+v", everybody, got)
	}
	for field := range got.Lost {
		if field != "first_name" && field != "last_name" { // where a full name has its first word
			t.Errorf("not written back: %v", got.Lost)
		}
	}
	sql(t, s.node, "CREATE TABLE laravel.users_back LIKE laravel.users")
	if warnings := sql(t, s.node, "USE laravel; "+got.Load+" SHOW WARNINGS"); warnings != "" {
		t.Errorf("the server warns: %.300s", warnings)
	}
	if n := number(t, s.node, "SELECT COUNT(*) FROM laravel.users_back"); n != everybody {
		t.Errorf("%d rows are back, not %d", n, everybody)
	}
	const same = "id BETWEEN %d AND %d AND BINARY users.name = users_back.name AND BINARY users.locale = users_back.locale"
	if n := number(t, s.node, fmt.Sprintf("SELECT COUNT(*) FROM laravel.users JOIN laravel.users_back USING (id) WHERE "+same, firstOdd, firstOdd+len(odd))); n != len(odd) {
		t.Errorf("%d people of %d have the name and the language that they had", n, len(odd))
	}

	// By the mapping, what is back is what is here.
	mapping, err := os.ReadFile(s.mapping)
	if err != nil {
		t.Fatal(err)
	}
	back := *s.rig
	back.mapping = filepath.Join(s.dir, "back.yaml")
	if err := os.WriteFile(back.mapping, []byte(strings.Replace(string(mapping), "table: users", "table: users_back", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	back.alike(t)

	// The application's own login takes old and new people, but for those whose hash PHP does not know.
	valid := func(id int, password string) bool {
		var at verdict
		s.app.must(t, "ownLogin", fields{"table": "users_back", "id": id, "password": password}, &at)
		return at.Valid
	}
	foreign := []string{"ldap-sha1", "pbkdf2", "phpass"}
	for _, kind := range slices.Sorted(maps.Keys(kinds(s.hashes))) {
		ids := ofKind(s.hashes, kind, s.people, 5)
		for _, id := range ids {
			password := s.hashes[id%len(s.hashes)].Password
			// Who has logged in since has a hash of today.
			if want := s.loggedIn[id] || !slices.Contains(foreign, kind); valid(id, password) != want && id != s.erased || valid(id, password+"x") {
				t.Errorf("%s, person %d: %t", kind, id, !want)
			}
		}
	}
	for _, p := range s.living {
		if !valid(p.id, "velvet-anchor-tuesday") || valid(p.id, "velvet-anchor-monday") {
			t.Errorf("%s cannot log in", p.email)
		}
	}
	s.intoOwnTable(t, everybody)
	got = decode[exported](t, s.registrar(t, "export", "--mapping", s.mapping, "--format", "csv", "--hashes", "bcrypt,argon2id", "--json", filepath.Join(s.dir, "verifiable.csv")))
	verifiable, emptied := 0, 0
	for _, n := range got.Hashes {
		verifiable += n
	}
	for _, n := range got.Emptied {
		emptied += n
	}
	if got.PHP != verifiable || emptied == 0 || verifiable+emptied+got.NoHash != everybody {
		t.Errorf("%d people: %+v", everybody, got)
	}
	s.registrar(t, "caller", "disable", "monolith")
}

// intoOwnTable: by the guide's SQL the application's rows get their hashes back and
// keep all else that they have; rows that it lacks are added.
func (s *story) intoOwnTable(t *testing.T, everybody int) {
	t.Helper()
	text, err := os.ReadFile(paste(t, s.dir, "sql", "back.sql"))
	if err != nil {
		t.Fatal(err)
	}
	sql(t, s.node, "USE laravel; CREATE TABLE before_back LIKE users; INSERT INTO before_back SELECT * FROM users; DELETE FROM users WHERE id % 100 = 7; "+string(text))
	for what, query := range map[string]string{
		"rows of before are not there":     "SELECT COUNT(*) FROM laravel.before_back LEFT JOIN laravel.users USING (id) WHERE users.id IS NULL",
		"rows of before have another name": "SELECT COUNT(*) FROM laravel.before_back JOIN laravel.users USING (id) WHERE id % 100 <> 7 AND NOT (BINARY users.name <=> before_back.name AND users.locale <=> before_back.locale AND users.email <=> before_back.email)",
		"people have another hash than they should": "SELECT COUNT(*) FROM laravel.users JOIN registrar.accounts ON caller = 'monolith' AND external_id = CAST(users.id AS CHAR CHARACTER SET binary) LEFT JOIN laravel.before_back ON before_back.id = users.id " +
			"WHERE BINARY users.password <> IF(before_back.id IS NULL OR users.id % 100 = 7 OR before_back.password IN ('', before_back.registrar_hash), password_hash, before_back.password)",
	} {
		if n := number(t, s.node, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if n := number(t, s.node, "SELECT COUNT(*) FROM laravel.users JOIN laravel.users_back USING (id)"); n != everybody {
		t.Errorf("%d people are in the table, not %d", n, everybody)
	}
}
