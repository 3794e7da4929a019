package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// CheapHashing writes a configuration file whose password hashes cost next to
// nothing, so that a test loads everything but the processor.
func CheapHashing(tb testing.TB) string {
	tb.Helper()
	return Config(tb, "password:\n  argon2_memory_kib: 64\n  argon2_passes: 1\n  queue: 1024\n")
}

// Config writes a configuration file.
func Config(tb testing.TB, yaml string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "registrar.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
