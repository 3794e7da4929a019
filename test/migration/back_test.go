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

// goBack: the application gets everybody back, in its own columns.
func (s *story) goBack(t *testing.T) {
	file := filepath.Join(s.dir, "users.csv")
	type exported struct {
		Written int
		NoHash  int `json:"without_password"`
		Hashes  map[string]int
		Emptied map[string]int `json:"hashes_left_empty"`
		PHP     int            `json:"hashes_that_php_verifies"`
		Columns []string       `json:"columns_left_null"`
	}
	got := decode[exported](t, s.registrar(t, "export", "--mapping", s.mapping, "--format", "csv", "--json", file))
	everybody := s.accounts(t, "monolith")
	if got.Written != everybody || len(got.Columns) != 0 || len(got.Emptied) != 0 {
		t.Errorf("%d accounts: %+v", everybody, got)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n")
	columns := strings.Split(strings.TrimSpace(head), ",")
	for i, c := range columns {
		if c == "registration_id" {
			columns[i] = "@registration_id"
		}
	}
	sql(t, s.node, "CREATE TABLE laravel.users_back LIKE laravel.users; ALTER TABLE laravel.users_back CHANGE password password VARCHAR(255) NULL")
	sql(t, s.node, fmt.Sprintf(`USE laravel; LOAD DATA INFILE '%s' INTO TABLE users_back CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' IGNORE 1 LINES (%s)`,
		file, strings.Join(columns, ", ")))
	if n := number(t, s.node, "SELECT COUNT(*) FROM laravel.users_back"); n != everybody {
		t.Errorf("%d rows are back, not %d", n, everybody)
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
