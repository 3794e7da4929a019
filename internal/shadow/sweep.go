package shadow

import (
	"context"
	"log/slog"
	"time"

	"registrar/internal/sweep"
)

// Retention is how long comparisons are kept: as long as it takes to look at
// what a month end brings.
const Retention = 60 * 24 * time.Hour

// Sweep forgets comparisons that are older than Retention, about every hour
// until ctx ends. Every server that has the database does. The error is always
// nil.
func Sweep(ctx context.Context, store Store, log *slog.Logger) error {
	return sweep.Sweep{
		What: "shadow: old comparisons", Every: time.Hour, Timeout: time.Minute, Log: log,
		Forget: func(ctx context.Context, now time.Time) error {
			n, err := store.Forget(ctx, now.Add(-Retention))
			if n > 0 {
				log.InfoContext(ctx, "shadow: old comparisons are forgotten", "comparisons", n)
			}
			return err
		},
	}.Run(ctx)
}
