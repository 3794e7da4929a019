package transfer

import (
	"context"
	"hash/maphash"

	"registrar/internal/registration"
)

// Looker knows what is in the store.
type Looker interface {
	// Look gives the keys of people that are there. It changes nothing.
	Look(ctx context.Context, people []Candidate) (Keys, error)
}

// Rehearsal is a Store that keeps nothing: for a dry run. Of the rows before it
// remembers a hash of 64 bits for each key, some 20 octets in memory: among ten
// million rows the chance that any is wrongly said to be taken is below one to
// fifty thousand.
type Rehearsal struct {
	Looker Looker
	seed   maphash.Seed
	seen   map[uint64]struct{}
	keys   Keys // of the batch
}

// NewRehearsal rehearses an import into the store that looker knows.
func NewRehearsal(looker Looker) *Rehearsal {
	return &Rehearsal{Looker: looker, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
}

// Begin implements Store: a rehearsal always begins at the beginning.
func (*Rehearsal) Begin(_ context.Context, i Import, _ bool) (Import, error) { return i, nil }

// Save implements Store.
func (r *Rehearsal) Save(ctx context.Context, b Batch) (err error) {
	if len(b.People) > 0 {
		if r.keys, err = r.Looker.Look(ctx, b.People); err != nil {
			return err
		}
	}
	outcomes := make([]Outcome, len(b.People))
	for i, c := range b.People {
		if outcomes[i], err = b.Decide(ctx, c.Mapped, r); err != nil {
			return err
		}
		if outcomes[i].Status == StatusStored {
			for _, h := range r.hashes(outcomes[i].Person.Account) {
				r.seen[h] = struct{}{}
			}
		}
	}
	_, err = b.Settle(outcomes)
	return err
}

// Held implements Keys.
func (r *Rehearsal) Held(ctx context.Context, a registration.Account) (Held, error) {
	held, err := r.keys.Held(ctx, a)
	for i, h := range r.hashes(a) {
		if _, there := r.seen[h]; there {
			switch i {
			case 0:
				held.Present = true
			case 1:
				held.Username = true
			default:
				held.Email = true
			}
		}
	}
	return held, err
}

// hashes are of the external id, the user name and, where there is one, the address.
func (r *Rehearsal) hashes(a registration.Account) []uint64 {
	hashes := []uint64{maphash.String(r.seed, "x"+a.ExternalID), maphash.String(r.seed, "u"+a.Username.Key)}
	if a.Email.Text != "" {
		hashes = append(hashes, maphash.String(r.seed, "e"+a.Email.Key))
	}
	return hashes
}
