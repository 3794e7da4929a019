package caller

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	sweepEvery   = time.Minute
	sweepTimeout = 30 * time.Second
)

// Sweep forgets nonces that have expired, about every minute until ctx ends.
// Every server that has the database does, at its own time. The error is always
// nil: what fails is done by the next one.
func Sweep(ctx context.Context, nonces Nonces, log *slog.Logger) error {
	failing := false
	for {
		pause := sweepEvery - rand.N(sweepEvery/4) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		err := nonces.Forget(bounded, time.Now())
		cancel()
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "caller: nonces that have expired cannot be forgotten", "error", err)
		}
		failing = err != nil
	}
}
