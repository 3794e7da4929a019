package embedded_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
)

// TestRunning: another process finds the broker by its directory, and only
// while it runs.
func TestRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := run(t, embedded.Options{Dir: dir})
	info, err := os.Stat(filepath.Join(dir, "address"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the address: %v, %v", info, err)
	}
	if _, err := embedded.Start(embedded.Options{Dir: dir, Log: logTo(t)}); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("a second broker on the directory: %v", err)
	}
	s, err := embedded.Running(t.Context(), dir)
	if err != nil || len(s.Brokers) != 1 || s.Brokers[0] != b.Address() || s.Replication != 1 {
		t.Fatalf("settings %+v, %v", s, err)
	}
	c, err := queue.Open(s, slog.New(slog.NewTextHandler(t.Output(), nil)), queue.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.EnsureTopics(t.Context()), c.Ping(t.Context()), c.Close()); err != nil {
		t.Error(err)
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if s, err := embedded.Running(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a broker that has ended: %+v, %v", s, err)
	}
}

// TestRunningWaits for a broker that has only begun to start, and does not
// believe what one that was killed left behind once there is another.
func TestRunningWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	found := make(chan string, 1)
	go func() {
		s, err := embedded.Running(t.Context(), dir)
		if err != nil {
			found <- err.Error()
			return
		}
		found <- s.Brokers[0]
	}()
	b, stop := run(t, embedded.Options{Dir: dir})
	if got := <-found; got != b.Address() {
		t.Errorf("found %s, want %s", got, b.Address())
	}
	stop()
	if err := os.WriteFile(filepath.Join(dir, "address"), []byte("127.0.0.1:1"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, _ = run(t, embedded.Options{Dir: dir})
	if s, err := embedded.Running(t.Context(), dir); err != nil || s.Brokers[0] != b.Address() {
		t.Errorf("found %+v, %v; want %s", s, err, b.Address())
	}
	if err := os.WriteFile(filepath.Join(dir, "address"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := embedded.Running(t.Context(), dir); err == nil {
		t.Errorf("nonsense is taken for an address: %+v", s)
	}
}
