package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestPerson: somebody is found by each of their keys, exported and erased.
func TestPerson(t *testing.T) {
	t.Parallel()
	dir, _ := madeDatabase(t, 4)
	if _, err := runOn(t.Context(), dir, "person", "export", "--email", "p0@example.org"); err == nil || !strings.Contains(err.Error(), "codes.key") {
		t.Errorf("without the service's key: %v", err)
	}
	if _, err := ownCodeKey(filepath.Join(dir, codeKeyFile)); err != nil {
		t.Fatal(err)
	}
	out, err := runOn(t.Context(), dir, "person", "export", "--email", "P1@EXAMPLE.org")
	if err != nil {
		t.Fatal(err)
	}
	var document personView
	if err := json.Unmarshal([]byte(out), &document); err != nil || len(document.Registrations) != 1 {
		t.Fatal(err, out)
	}
	p1 := document.Registrations[0]
	if p1.Username != "p1" || p1.Email != "p1@example.org" || strings.Contains(out, "password") || p1.Audit == nil || len(p1.Audit) != 1 || p1.Audit[0].Action != "EXPORT" {
		t.Errorf("the document is %s", out)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--username", "amina"}, "--yes"},
		{[]string{"--yes"}, "say who"},
		{[]string{"--username", "p0", "--email", "p0@example.org", "--yes"}, "say who"},
		{[]string{"--external-id", "portal", "--yes"}, "say who"},
		{[]string{"--username", "p0", "p0", "--yes"}, "say who"},
		{[]string{"--registration", "p0", "--yes"}, "is not an id"},
		{[]string{"--email", "p0", "--yes"}, "is not an e-mail address"},
		{[]string{"--username", "a b", "--yes"}, "none that anybody can have"},
		{[]string{"--username", "nobody", "--yes"}, "nobody of that name"},
		{[]string{"--external-id", "portal", "4711", "--yes"}, "nobody of that name"},
	} {
		if out, err := runOn(t.Context(), dir, append([]string{"person", "erase"}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v\n%s", tt.args, err, out)
		}
	}
	for _, who := range [][]string{{"--registration", p1.RegistrationID}, {"--email", "p2@example.ORG"}, {"--email", "p3@example.org"}} {
		out, err := runOn(t.Context(), dir, append([]string{"person", "erase", "--yes"}, who...)...)
		if err != nil || !strings.Contains(out, "is erased") {
			t.Errorf("%v: %v\n%s", who, err, out)
		}
		if _, err := runOn(t.Context(), dir, append([]string{"person", "export"}, who...)...); err == nil || !strings.Contains(err.Error(), "nobody of that name") {
			t.Errorf("%v is still there: %v", who, err)
		}
	}
	if _, err := runOn(t.Context(), dir, "person", "export", "--email", "p0@example.org"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
}
