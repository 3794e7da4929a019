package audit

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// Disorder is by how much, at most, an entry may be sealed behind one that is
// younger: far above the time that any call may take.
const Disorder = time.Hour

// Filter says which entries are meant. What is zero selects nothing.
type Filter struct {
	Since, Until time.Time // from the first on, and before the second
	Caller       string
	AccountID    registration.ID
	ExternalID   string
	Action       registration.Action
	Outcome      string
}

// Reader reads the log.
type Reader interface {
	// Sealed gives up to limit entries of the chain that fit, behind a sequence number, in their order.
	Sealed(ctx context.Context, f Filter, after int64, limit int) ([]Sealed, error)
	// Pending gives up to limit records that fit and are not sealed, behind an id, in the order of ids.
	Pending(ctx context.Context, f Filter, after registration.ID, limit int) ([]Record, error)
	// Begins gives a sequence number behind which all entries from a time on are.
	Begins(ctx context.Context, since time.Time) (after int64, err error)
}

// page is how many entries are read at once.
const page = 500

// Each gives each entry that fits: those of the chain in its order, then what
// is not sealed yet, whose Sequence is 0. An entry that is sealed meanwhile comes
// once. It stops at the first error of each, and gives it.
func Each(ctx context.Context, r Reader, f Filter, each func(Sealed) error) error {
	after, err := r.Begins(ctx, f.Since)
	if err != nil {
		return err
	}
	seen := map[registration.ID]bool{}
	chained := func() error {
		for {
			all, err := r.Sealed(ctx, f, after, page)
			if err != nil {
				return err
			}
			for _, s := range all {
				after = s.Sequence
				if seen[s.ID] {
					continue
				}
				if err := each(s); err != nil {
					return err
				}
			}
			if len(all) < page {
				return nil
			}
		}
	}
	if err := chained(); err != nil {
		return err
	}
	for last := (registration.ID{}); ; {
		all, err := r.Pending(ctx, f, last, page)
		if err != nil {
			return err
		}
		for _, p := range all {
			last = p.ID
			seen[p.ID] = true
			if err := each(Sealed{Record: p}); err != nil {
				return err
			}
		}
		if len(all) < page {
			return chained() // what was sealed between the two
		}
	}
}
