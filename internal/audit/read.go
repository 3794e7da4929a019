package audit

import (
	"context"

	"registrar/internal/registration"
)

// Chain is what a verification reads.
type Chain interface {
	Reader
	// Ends gives where the chain was pruned, the zero Head where it was not, and
	// its last entry.
	Ends(ctx context.Context) (from, to Head, err error)
}

// Verify reads the whole chain, and what is not sealed yet as far as it tells of
// the chain, beside servers and commands that write. broken is nil where the chain
// is not broken: it is whole if the report has no Doubt either. progress, which may
// be nil, is told of entries as they are read. s.From is the chain's own.
func Verify(ctx context.Context, c Chain, s Settings, progress func(read int)) (broken *Break, r Report, err error) {
	for {
		if s.From, _, err = c.Ends(ctx); err != nil {
			return nil, r, err
		}
		v := NewVerifier(s)
		if broken, err = v.read(ctx, c, progress); err != nil || broken == nil {
			return broken, v.Report(), err
		}
		from, _, err := c.Ends(ctx)
		if err != nil || from == s.From {
			return broken, v.Report(), err
		}
		// It was pruned beside this: what was to be read is gone.
	}
}

// verifyRounds is how often the end of a chain is read that others write to.
const verifyRounds = 10

// read takes the entries of a chain, and what waits.
func (v *Verifier) read(ctx context.Context, c Chain, progress func(read int)) (*Break, error) {
	for round, after := 0, v.settings.From.Sequence; round < verifyRounds; round++ {
		begin := after
		for {
			entries, err := c.Sealed(ctx, Filter{}, after, page)
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				after = e.Sequence
				if broken := v.Next(e); broken != nil {
					return broken, nil
				}
			}
			if progress != nil {
				progress(len(entries))
			}
			if len(entries) < page {
				break
			}
		}
		if round > 0 && after == begin {
			break // nothing was sealed since what waits was read
		}
		if err := v.readWaiting(ctx, c); err != nil {
			return nil, err
		}
		if v.settled() {
			break
		}
	}
	return v.End(), nil
}

// readWaiting takes what waits to be sealed and tells of the log.
func (v *Verifier) readWaiting(ctx context.Context, c Chain) error {
	for _, action := range []registration.Action{Prune, Blank} {
		for last, more := (registration.ID{}), true; more; {
			records, err := c.Pending(ctx, Filter{Action: action}, last, page)
			if err != nil {
				return err
			}
			for _, r := range records {
				last = r.ID
				v.Waits(r)
			}
			more = len(records) == page
		}
	}
	return nil
}
