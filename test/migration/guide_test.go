package migration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const guide = "../../docs/migrating-from-a-monolith.md"

// paste writes a block of the guide's code to a file in dir, as a reader would, and
// gives its path. The block is known by its language and its file's name.
func paste(t *testing.T, dir, language, name string) string {
	t.Helper()
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(text), "\n```"+language+" "+name+"\n")
	code, _, ended := strings.Cut(code, "\n```\n")
	if !found || !ended {
		t.Fatalf("%s has no block %s %s", guide, language, name)
	}
	path := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, []byte(code+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
