package password

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Hashes is where the hashes of accounts' passwords are.
type Hashes interface {
	// EachHash gives all of them. Errors: registration.ErrUnavailable.
	EachHash(ctx context.Context, give func(hash string)) error
}

const (
	censusEvery   = 6 * time.Hour
	censusAgain   = time.Minute // after one that failed
	censusTimeout = 10 * time.Minute
)

// Follow counts the classes of the hashes that there are, at once and about
// every six hours until ctx ends, and makes the decoys like them. Until the first
// count is done they are as NewDecoys made them. It reads all hashes: of a
// million it takes some seconds of one core. The error is always nil: what fails
// is done a minute later.
func (d *Decoys) Follow(ctx context.Context, hashes Hashes, log *slog.Logger) error {
	failing := false
	for {
		err := d.follow(ctx, hashes)
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "password: the classes of stored hashes cannot be counted; decoys stay as they are", "error", err)
		}
		failing = err != nil
		pause := censusAgain
		if !failing {
			pause = censusEvery - rand.N(censusEvery/4) //nolint:gosec // jitter
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

func (d *Decoys) follow(ctx context.Context, hashes Hashes) error {
	ctx, cancel := context.WithTimeout(ctx, censusTimeout)
	defer cancel()
	census := Census{}
	err := hashes.EachHash(ctx, func(hash string) {
		if class, err := Classify(hash); err == nil { // one that cannot be verified is a decoy's work too
			census[class]++
		}
	})
	if err != nil {
		return err
	}
	return d.Recount(census)
}
