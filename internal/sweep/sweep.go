// Package sweep removes what is over, again and again.
//
// To be relied on: a sweep that fails is told once and made again at the next
// time; servers that sweep the same do so at different times.
package sweep

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Sweep is what is to be removed, and how often.
type Sweep struct {
	What    string        // with the package's name, for the log: "caller: nonces that have expired"
	Every   time.Duration // the longest pause; up to a quarter of it is left out at random
	Timeout time.Duration // of one sweep
	// Forget removes what is over at now, in small transactions.
	Forget func(ctx context.Context, now time.Time) error
	Log    *slog.Logger
}

// Run sweeps until ctx ends. The error is always nil: what fails is done by the
// next sweep.
func (s Sweep) Run(ctx context.Context) error {
	failing := false
	for {
		timer := time.NewTimer(s.Every - rand.N(s.Every/4)) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		bounded, cancel := context.WithTimeout(ctx, s.Timeout)
		err := s.Forget(bounded, time.Now())
		cancel()
		if err != nil && ctx.Err() == nil && !failing {
			s.Log.WarnContext(ctx, s.What+" cannot be forgotten", "error", err)
		}
		failing = err != nil
	}
}
