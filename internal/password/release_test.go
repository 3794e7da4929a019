package password_test

import (
	"runtime"
	"testing"
	"time"

	"registrar/internal/password"
)

// TestReleaseReachesTheSystem: what hashes took is the system's again, soon
// after the last of them. It measures the process and so runs by itself.
//
//nolint:paralleltest // see above
func TestReleaseReachesTheSystem(t *testing.T) {
	const hash = 19456 << 10
	kept := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapSys - m.HeapReleased
	}
	pool := password.NewPool(password.DefaultArgon2id, 1, 0)
	defer pool.Close()
	pool.ReleaseAfter(time.Hour)
	for range 3 {
		if _, err := pool.Hash(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if before := kept(); before < hash {
		t.Fatalf("%d bytes after three hashes: not even one of them", before)
	}
	pool.ReleaseAfter(10 * time.Millisecond)
	if _, err := pool.Hash(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); kept() > hash; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are kept", kept())
		}
	}
}
