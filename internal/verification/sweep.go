package verification

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Quotas is where the codes that recipients were sent are counted.
type Quotas interface {
	// Forget drops the counts of days that are over everywhere at now, in small
	// transactions.
	Forget(ctx context.Context, now time.Time) error
}

const (
	sweepEvery   = time.Hour
	sweepTimeout = time.Minute
)

// Sweep forgets the counts of past days, about every hour until ctx ends. Every
// server does, at its own time. The error is always nil: what fails is done by
// the next one.
func Sweep(ctx context.Context, quotas Quotas, log *slog.Logger) error {
	for {
		pause := sweepEvery - rand.N(sweepEvery/4) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		err := quotas.Forget(bounded, time.Now())
		cancel()
		if err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "verification: counts of codes of past days cannot be forgotten", "error", err)
		}
	}
}
