package caller_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// forgetful notes when it was told to forget.
type forgetful struct {
	mu  sync.Mutex
	at  []time.Time
	err error
}

func (f *forgetful) Spend(context.Context, registration.ID, string, [32]byte, time.Time) error {
	return nil
}

func (f *forgetful) Forget(_ context.Context, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = append(f.at, now)
	return f.err
}

// TestSweep: about every minute, also while the store is away, which is told once.
func TestSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		nonces := &forgetful{}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- caller.Sweep(ctx, nonces, slog.New(slog.NewTextHandler(&log, nil))) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(nonces.at); n < 10 || n > 14 {
			t.Errorf("swept %d times in 10 minutes", n)
		}
		before := time.Time{}
		for _, at := range nonces.at {
			if age := at.Sub(before); age < 45*time.Second {
				t.Errorf("swept again after %v", age)
			}
			before = at
		}
		nonces.mu.Lock()
		nonces.err = errors.New("away")
		nonces.mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if strings.Count(log.String(), "cannot be forgotten") != 1 || len(nonces.at) < 20 {
			t.Errorf("after %d times the log is\n%s", len(nonces.at), log.String())
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
