package caller

import (
	"context"
	"log/slog"
	"time"

	"registrar/internal/sweep"
)

// Sweep forgets nonces that have expired, about every minute until ctx ends.
// Every server that has the database does. The error is always nil.
func Sweep(ctx context.Context, nonces Nonces, log *slog.Logger) error {
	return sweep.Sweep{
		What: "caller: nonces that have expired", Every: time.Minute, Timeout: 30 * time.Second, Forget: nonces.Forget, Log: log,
	}.Run(ctx)
}
