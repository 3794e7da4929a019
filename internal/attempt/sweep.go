package attempt

import (
	"context"
	"log/slog"
	"time"

	"registrar/internal/sweep"
)

// Counts is where tries are counted.
type Counts interface {
	// Forget drops the counts that say nothing any more at now, in small
	// transactions. Errors: registration.ErrUnavailable.
	Forget(ctx context.Context, now time.Time) error
}

// Sweep forgets counts that are over, about every five minutes until ctx ends.
// Every server that has the database does. The error is always nil.
func Sweep(ctx context.Context, counts Counts, log *slog.Logger) error {
	return sweep.Sweep{
		What: "attempt: counts of password tries that are over", Every: 5 * time.Minute, Timeout: time.Minute, Forget: counts.Forget, Log: log,
	}.Run(ctx)
}
