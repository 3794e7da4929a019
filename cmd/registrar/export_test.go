package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportOfNobody: a name that no caller has, and nobody is stored under, is
// written wrong. A caller without people has an empty export.
func TestExportOfNobody(t *testing.T) {
	dir, _ := madeDatabase(t, 1)
	must(t, dir, "import", "--mapping", "laravel", usersFile(t, 2, nil)) // there is no caller monolith
	must(t, dir, "caller", "add", "portal")
	file := filepath.Join(t.TempDir(), "people.csv")
	if _, err := runCommand(t.Context(), dir, "export", "--caller", "nosuch", file); err == nil || !strings.Contains(err.Error(), "there is no caller nosuch") || !strings.Contains(err.Error(), "registrar caller list") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written")
	}
	for caller, people := range map[string]int64{"portal": 0, "monolith": 2} {
		var view exportView
		out := must(t, dir, "export", "--caller", caller, "--json", filepath.Join(t.TempDir(), "people.csv"))
		if err := json.Unmarshal([]byte(out), &view); err != nil || view.Written != people {
			t.Errorf("%s: the report is %s, %v", caller, out, err)
		}
	}
}

// TestExportToStandardOutput: by no name or by the usual one, and the report beside.
func TestExportToStandardOutput(t *testing.T) {
	dir, _ := madeDatabase(t, 1)
	must(t, dir, "import", "--mapping", "laravel", usersFile(t, 2, nil))
	t.Chdir(t.TempDir())
	for _, args := range [][]string{nil, {"-"}} {
		out := must(t, dir, append([]string{"export", "--caller", "monolith"}, args...)...)
		if strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, "key,external_id,") {
			t.Errorf("%v: %s", args, out)
		}
	}
	if _, err := os.Stat("-"); err == nil {
		t.Error("there is a file named -")
	}
}
