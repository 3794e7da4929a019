package attempt_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/attempt"
)

// forgetful counts how often it was asked to forget, and fails at first.
type forgetful struct{ times []time.Time }

func (f *forgetful) Forget(ctx context.Context, now time.Time) error {
	f.times = append(f.times, now)
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("without a deadline")
	}
	if len(f.times) == 1 {
		return errors.New("no database")
	}
	return nil
}

// TestSweep: about every five minutes, also after an error, until it is ended.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		counts := &forgetful{}
		var log strings.Builder
		ended := make(chan error)
		go func() { ended <- attempt.Sweep(ctx, counts, slog.New(slog.NewTextHandler(&log, nil))) }()
		time.Sleep(time.Hour)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := len(counts.times); n < 12 || n > 16 {
			t.Errorf("forgot %d times in an hour", n)
		}
		if n := strings.Count(log.String(), "cannot be forgotten"); n != 1 || !strings.Contains(log.String(), "no database") {
			t.Errorf("the log says\n%s", log.String())
		}
	})
}
