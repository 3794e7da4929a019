package person_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"registrar/internal/audit"
	"registrar/internal/person"
	"registrar/internal/registration"
)

func keys(t *testing.T, first byte) *person.Keys {
	t.Helper()
	secret := make([]byte, person.KeySize)
	secret[0] = first
	k, err := person.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// graveyard is a store with one account and what was kept of it. It fails at
// what is asked for by name.
type graveyard struct {
	person.Store
	account registration.Account
	tombs   []person.Tombstone
	most    int // external ids that were asked for at once
	rest    int
	fails   error
}

func (g *graveyard) Erased(_ context.Context, caller string, externalIDs []string, digests [][]byte) (found []person.Tombstone, err error) {
	g.most = max(g.most, len(externalIDs), len(digests))
	for _, t := range g.tombs {
		for i := range externalIDs {
			if t.Caller == caller && (t.ExternalID == externalIDs[i] || len(t.Digest) > 0 && bytes.Equal(t.Digest, digests[i])) {
				found = append(found, t)
			}
		}
	}
	return found, g.fails
}

func (g *graveyard) Find(context.Context, registration.Key) ([]registration.Account, error) {
	return []registration.Account{g.account}, nil
}

func (g *graveyard) Unfinished(context.Context) ([]person.Tombstone, error) { return nil, nil }

func (g *graveyard) Bury(_ context.Context, b person.Burial) error {
	g.tombs = append(g.tombs, b.Tombstone)
	if b.Audit.Action != audit.Erase || b.Audit.ExternalID != b.Tombstone.ExternalID || b.Event.ExternalID != b.Tombstone.ExternalID || b.Event.AccountID != g.account.ID {
		return fmt.Errorf("the burial is %+v", b)
	}
	return nil
}

func (g *graveyard) EraseRest(_ context.Context, _ registration.ID, _ time.Time, limit int) (int, int, error) {
	n := min(g.rest, limit)
	g.rest -= n
	return n, 0, nil
}

func (g *graveyard) Finish(context.Context, registration.ID, time.Time) error { return nil }

// TestTombstones: who was erased is known by the caller's own id, whether that was
// kept or not, however many are asked for, and by the same key alone.
func TestTombstones(t *testing.T) {
	t.Parallel()
	g := &graveyard{rest: 250}
	s := &person.Service{
		Store: g, Keys: keys(t, 1), Now: time.Now, RecordEvents: true,
		NewID: func() (registration.ID, error) { return registration.ID{1}, nil },
	}
	for i, keep := range []bool{true, false} {
		g.account = registration.Account{ID: registration.ID{byte(i + 1)}, Caller: "portal", ExternalID: fmt.Sprint("crm-", 100+300*i)}
		if _, err := s.Erase(t.Context(), person.Erasure{KeepExternalID: keep}); err != nil {
			t.Fatal(err)
		}
	}
	if g.rest != 0 || g.tombs[0].ExternalID != "crm-100" || g.tombs[1].ExternalID != "" || len(g.tombs[1].Digest) != 32 {
		t.Errorf("%d are left, the tombstones are %+v", g.rest, g.tombs)
	}
	var asked []string
	for i := range 1000 {
		asked = append(asked, fmt.Sprint("crm-", i))
	}
	known, err := person.Tombstones{Store: g, Keys: keys(t, 1)}.Erased(t.Context(), "portal", asked)
	if err != nil || len(known) != 2 || !known["crm-100"] || !known["crm-400"] || g.most > 200 {
		t.Errorf("erased are %v, %v; %d were asked for at once", known, err, g.most)
	}
	if known, err := (person.Tombstones{Store: g, Keys: keys(t, 2)}).Erased(t.Context(), "portal", asked); err != nil || len(known) != 1 {
		t.Errorf("by another key: %v, %v", known, err)
	}
	if known, err := (person.Tombstones{Store: g, Keys: keys(t, 1)}).Erased(t.Context(), "portal2", asked); err != nil || len(known) != 0 {
		t.Errorf("of another caller: %v, %v", known, err)
	}
	g.fails = registration.ErrUnavailable
	if _, err := (person.Tombstones{Store: g, Keys: keys(t, 1)}).Erased(t.Context(), "portal", asked); !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if _, err := person.NewKeys(make([]byte, 31)); err == nil {
		t.Error("a key that is too short")
	}
}
