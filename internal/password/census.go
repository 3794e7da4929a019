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
	// Imported is when hashes of another system were last brought in; zero for
	// never. It is asked often. Errors: registration.ErrUnavailable.
	Imported(ctx context.Context) (time.Time, error)
}

const (
	censusEvery   = 6 * time.Hour
	censusLook    = time.Minute      // between two looks whether it is time, and after a count that failed
	censusDuring  = 10 * time.Minute // between two counts while an import goes on
	censusTimeout = 10 * time.Minute
)

// Follow counts the classes of the hashes that there are, and makes the decoys
// like them, until ctx ends: at once, within two minutes of an import's end, every
// ten minutes while one goes on, and about every six hours. Until the first count
// is done they are as NewDecoys made them. It reads all hashes: of a million it
// takes some seconds of one core. The error is always nil: what fails is done a
// minute later.
func (d *Decoys) Follow(ctx context.Context, hashes Hashes, log *slog.Logger) error {
	var last count
	failing := false
	for {
		err := d.look(ctx, hashes, &last)
		if err != nil && ctx.Err() == nil && !failing {
			log.WarnContext(ctx, "password: the classes of stored hashes cannot be counted; decoys stay as they are", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(censusLook - rand.N(censusLook/4)): //nolint:gosec // jitter
		}
	}
}

// count is what is known of the last census.
type count struct {
	again    time.Time // when it is old
	began    time.Time
	imported time.Time // the last import that it has seen
	looked   time.Time // the last import at the last look
}

// look counts if it is time to.
func (d *Decoys) look(ctx context.Context, hashes Hashes, last *count) error {
	ctx, cancel := context.WithTimeout(ctx, censusTimeout)
	defer cancel()
	imported, err := hashes.Imported(ctx)
	if err != nil {
		return err //nolint:wrapcheck // the store's own
	}
	now := time.Now()
	settled := imported.Equal(last.looked)
	last.looked = imported
	fresh := imported.Equal(last.imported) || !settled && now.Before(last.began.Add(censusDuring))
	if fresh && now.Before(last.again) {
		return nil
	}
	if err := d.follow(ctx, hashes); err != nil {
		return err
	}
	*last = count{again: now.Add(censusEvery - rand.N(censusEvery/4)), began: now, imported: imported, looked: imported} //nolint:gosec // jitter
	return nil
}

// follow counts.
func (d *Decoys) follow(ctx context.Context, hashes Hashes) error {
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
