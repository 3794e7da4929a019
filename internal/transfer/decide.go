package transfer

import (
	"context"
	"errors"

	"registrar/internal/registration"
)

// Held says which of a person's keys are there.
type Held struct {
	Taken
	Present bool // the caller's external id
	Erased  bool // the external id is of somebody who had their data erased
}

// Keys knows what is there, by the store or by a row before.
type Keys interface {
	Held(ctx context.Context, a registration.Account) (Held, error)
}

var errEndless = errors.New("transfer: the mapping gives a taken key in the place of a taken key")

// Decide says what becomes of somebody: StatusStored where all keys are free, as
// far as keys knows.
func (b Batch) Decide(ctx context.Context, m Mapped, keys Keys) (Outcome, error) {
	// Each turn takes a key from the person or gives another one, and there are two.
	for range 4 {
		held, err := keys.Held(ctx, m.Person.Account)
		switch {
		case err != nil:
			return Outcome{}, err
		case held.Present:
			return Outcome{m, StatusPresent}, nil
		case held.Erased:
			m.Findings = append(m.Findings[:len(m.Findings):len(m.Findings)], Finding{Rule: Erased, Action: Refuse})
			return Outcome{m, StatusRefused}, nil
		case held.Taken == Taken{}:
			return Outcome{m, StatusStored}, nil
		}
		if m = b.Yield(m, held.Taken); m.Refused() {
			return Outcome{m, StatusRefused}, nil
		}
	}
	return Outcome{}, errEndless
}
