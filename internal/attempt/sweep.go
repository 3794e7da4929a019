package attempt

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Counts is where tries are counted.
type Counts interface {
	// Forget drops the counts that say nothing any more at now, in small
	// transactions. Errors: registration.ErrUnavailable.
	Forget(ctx context.Context, now time.Time) error
}

const (
	sweepEvery   = 5 * time.Minute
	sweepTimeout = time.Minute
)

// Sweep forgets counts that are over, about every five minutes until ctx ends.
// Every server that has the database does, at its own time. The error is always
// nil: what fails is done by the next one.
func Sweep(ctx context.Context, counts Counts, log *slog.Logger) error {
	failing := false
	for {
		pause := sweepEvery - rand.N(sweepEvery/4) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		err := counts.Forget(bounded, time.Now())
		cancel()
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "attempt: counts of password tries that are over cannot be forgotten", "error", err)
		}
		failing = err != nil
	}
}
