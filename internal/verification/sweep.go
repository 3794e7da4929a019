package verification

import (
	"context"
	"log/slog"
	"time"

	"registrar/internal/sweep"
)

// Quotas is where the codes that recipients were sent are counted.
type Quotas interface {
	// Forget drops the counts of days that are over everywhere at now, in small
	// transactions.
	Forget(ctx context.Context, now time.Time) error
}

// Sweep forgets the counts of past days, about every hour until ctx ends. Every
// server does. The error is always nil.
func Sweep(ctx context.Context, quotas Quotas, log *slog.Logger) error {
	return sweep.Sweep{
		What: "verification: counts of codes of past days", Every: time.Hour, Timeout: time.Minute, Forget: quotas.Forget, Log: log,
	}.Run(ctx)
}
