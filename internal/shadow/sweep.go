package shadow

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	sweepEvery   = time.Hour
	sweepTimeout = time.Minute
)

// Retention is how long comparisons are kept: as long as it takes to look at
// what a month end brings.
const Retention = 60 * 24 * time.Hour

// Sweep forgets comparisons that are older than Retention, about every hour
// until ctx ends. Every server that has the database does, at its own time. The
// error is always nil: what fails is done by the next one.
func Sweep(ctx context.Context, store Store, log *slog.Logger) error {
	for {
		pause := sweepEvery - rand.N(sweepEvery/4) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		n, err := store.Forget(bounded, time.Now().Add(-Retention))
		cancel()
		switch {
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "shadow: old comparisons cannot be forgotten", "error", err)
		case n > 0:
			log.InfoContext(ctx, "shadow: old comparisons are forgotten", "comparisons", n)
		}
	}
}
