package migration_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// difference is what registrar diff has found.
type difference struct {
	found   map[string][]string // keys by kind; of differing ones with the fields behind them
	summary struct {
		Read, Same, Here int
		Rehashed         int `json:"hashed_anew"`
		Findings         map[string]int
		Different        bool
		Repaired         *report
	}
}

// diff is registrar diff with flags.
func (r *rig) diff(t *testing.T, flags ...string) difference {
	t.Helper()
	out, code := r.run(t, append([]string{"diff", "--mapping", r.mapping, "--json"}, flags...)...)
	d := difference{found: map[string][]string{}}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[:len(lines)-1] {
		var f struct {
			Kind, Key string
			Fields    []string
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		d.found[f.Kind] = append(d.found[f.Kind], strings.Join(append([]string{f.Key}, f.Fields...), " "))
	}
	last := struct{ Summary any }{&d.summary}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := map[bool]int{false: 0, true: 3}[d.summary.Different]; code != want {
		t.Errorf("exit code %d, not %d: %+v", code, want, d.summary)
	}
	return d
}

// alike wants both sides to be the same.
func (r *rig) alike(t *testing.T) difference {
	t.Helper()
	d := r.diff(t)
	if d.summary.Different || d.summary.Here != d.summary.Same || d.summary.Here != r.accounts(t, "monolith") {
		t.Errorf("%+v: %v", d.summary, d.found)
	}
	return d
}

// compare: after the import, diff finds who came meanwhile and who was refused,
// repairs, and finds nothing any more when the application has mended its rows.
func (s *story) compare(t *testing.T) {
	refused, users, accounts := refusedInThousand*s.people/1000+1, s.users(t), s.accounts(t, "monolith")
	d := s.diff(t)
	// Two with one address are refused by the store, and not by the mapping: they are missing.
	if n := d.summary.Findings; n["refused"] != (refusedInThousand-1)*s.people/1000 || n["missing"] != users-accounts-n["refused"] || n["extra"]+n["differing"]+n["erased"]+n["keyless"] != 0 {
		t.Errorf("before: %d users, %d accounts: %+v", users, accounts, d.summary)
	}
	d = s.diff(t, "--repair", "--rejects", filepath.Join(s.dir, "unrepaired.jsonl"))
	if s.accounts(t, "monolith") != users-refused {
		t.Errorf("repaired: %d users, %d accounts, %d refused: %+v", users, s.accounts(t, "monolith"), refused, d.summary)
	}

	// Those who are to stay behind are left out, each by its id.
	chosen := *s.rig
	chosen.mapping = s.variant(t, "chosen.yaml", "  table: users", fmt.Sprintf("  query: SELECT * FROM users WHERE (id > %d OR id %% 1000 NOT IN (200, 300, 500, 800, 900, 950)) AND id <> %d", s.people, takenAtShop))
	chosen.alike(t)

	sql(t, s.node, fmt.Sprintf(mend, s.people))
	sql(t, s.node, fmt.Sprintf("UPDATE laravel.users SET email = 'mended%d@example.com' WHERE id = %[1]d", takenAtShop))
	s.diff(t, "--repair")
	s.alike(t)
	if accounts := s.accounts(t, "monolith"); accounts != users {
		t.Errorf("%d users, %d accounts", users, accounts)
	}

	// What differs is told, and not changed.
	sql(t, s.node, "UPDATE laravel.users SET name = 'Zaynab Haddad' WHERE id = 7; UPDATE laravel.users SET id = 1900000000 WHERE id = 8")
	d = s.diff(t)
	if !slices.Equal(d.found["differing"], []string{"7 first_name last_name"}) || !slices.Equal(d.found["extra"], []string{"8"}) || d.summary.Findings["missing"]+d.summary.Findings["refused"] != 1 {
		t.Errorf("changed: %+v %v", d.summary, d.found)
	}
	sql(t, s.node, "SET NAMES utf8mb4; UPDATE laravel.users SET name = 'نورة الحداد 7' WHERE id = 7; UPDATE laravel.users SET id = 8 WHERE id = 1900000000")
	s.alike(t)
}
