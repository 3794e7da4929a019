package harness

import (
	"os"
	"path/filepath"
	"testing"
)

// CheapHash is the section of a configuration whose password hashes cost the
// least that is allowed, so that a test loads the rest.
const CheapHash = "password:\n  argon2_memory_kib: 7168\n  argon2_passes: 1\n  queue: 1024\n"

// CheapHashing writes a configuration file of CheapHash.
func CheapHashing(tb testing.TB) string {
	tb.Helper()
	return Config(tb, CheapHash)
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
