package sweep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/sweep"
)

// TestRun: about as often as asked for, each time with a deadline, also while it
// fails, which is told once; until it is ended.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			var at []time.Time
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				done <- sweep.Sweep{
					What: "tests: what is over", Every: every, Timeout: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
					Forget: func(ctx context.Context, now time.Time) error {
						if deadline, bounded := ctx.Deadline(); !bounded || deadline.Sub(now) != time.Second {
							t.Errorf("the deadline is %v", deadline)
						}
						if at = append(at, now); len(at)/5%2 == 1 { // 5 to 9, 15 to 19
							return errors.New("no database")
						}
						return nil
					},
				}.Run(ctx)
			}()
			time.Sleep(20 * every)
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if len(at) < 20 || len(at) > 28 {
				t.Errorf("swept %d times in twenty times %v", len(at), every)
			}
			for i := range at[1:] {
				if pause := at[i+1].Sub(at[i]); pause <= every*3/4 || pause > every {
					t.Errorf("swept again after %v of %v", pause, every)
				}
			}
			if told := strings.Count(log.String(), "tests: what is over cannot be forgotten"); told < 2 || told > 3 || !strings.Contains(log.String(), "no database") {
				t.Errorf("the log says\n%s", &log)
			}
		})
	}
}
