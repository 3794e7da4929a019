package export_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"registrar/internal/transfer/export"
)

// TestFilesLeftBehind: what an export that was killed has left is removed by the next
// one to the same name, and nothing else is, least of all what another one writes now.
func TestFilesLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "users.csv")
	for _, name := range []string{".users.csv.123.part", ".users.csv.4.part", ".users.csv.old.part", ".others.csv.5.part", "users.csv.6.part"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1,Nadia\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	running, err := export.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	next, err := export.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Abandon(); err != nil {
		t.Error(err)
	}
	if err := running.Commit(); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".others.csv.5.part", ".users.csv.old.part", "users.csv", "users.csv.6.part"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, not %q", left, want)
	}
	if _, err := export.Create(path); err == nil {
		t.Error("a file that is there would be overwritten")
	}
}
