package lease_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/lease"
)

var errDown = errors.New("the database is down")

// rows are the leases of a database.
type rows struct {
	has      lease.Lease
	down     bool
	asked    int
	released []int64 // fences
}

func (r *rows) Acquire(_ context.Context, name, owner string, now time.Time, ttl time.Duration) (lease.Lease, bool, error) {
	r.asked++
	switch {
	case r.down:
		return lease.Lease{}, false, errDown
	case r.has.Owner != owner && r.has.Expires.After(now):
		return lease.Lease{}, false, nil
	}
	r.has = lease.Lease{Name: name, Owner: owner, Fence: r.has.Fence + 1, Expires: now.Add(ttl)}
	return r.has, true, nil
}

func (r *rows) Release(_ context.Context, l lease.Lease) error {
	if r.down {
		return errDown
	}
	r.released = append(r.released, l.Fence)
	r.has.Owner, r.has.Expires = "", time.Time{}
	return nil
}

// TestHolder follows a lease of 6 s through its life: what is done, after how
// long, whether it is held then, and how often the database has been asked.
func TestHolder(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var database rows
	var changes []bool
	var log bytes.Buffer
	h := &lease.Holder{
		Name: "work", Owner: "this", TTL: 6 * time.Second, Store: &database, Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(&log, nil)), Changed: func(held bool) { changes = append(changes, held) },
	}
	for _, step := range []struct {
		what  string
		after time.Duration
		do    func()
		held  bool
		err   error
		asked int
	}{
		{"another has it", 0, func() {
			database.has = lease.Lease{Name: "work", Owner: "other", Fence: 4, Expires: now.Add(time.Second)}
		}, false, nil, 1},
		{"the other's has ended", time.Second, nil, true, nil, 2},
		{"it is renewed when a third is gone, not before", 1999 * time.Millisecond, nil, true, nil, 2},
		{"a third is gone", time.Millisecond, nil, true, nil, 3},
		{"the database is down, and the lease not over", 4999 * time.Millisecond, func() { database.down = true }, true, nil, 4},
		{"too little is left", time.Millisecond, nil, false, errDown, 5},
		{"the database is back", 0, func() { database.down = false }, true, nil, 6},
		{"a transaction says that another has it", 0, h.Lost, true, nil, 7},
		{"the other keeps it", 0, func() {
			h.Lost()
			database.has.Owner = "other"
		}, false, nil, 8},
		{"and it is free", time.Minute, nil, true, nil, 9},
	} {
		now = now.Add(step.after)
		if step.do != nil {
			step.do()
		}
		held, err := h.Acquire(t.Context())
		if held != step.held || !errors.Is(err, step.err) || database.asked != step.asked {
			t.Errorf("%s: held is %v, %v, asked %d times; want %v, %v, %d", step.what, held, err, database.asked, step.held, step.err, step.asked)
		}
		if held && h.Lease().Fence != database.has.Fence {
			t.Errorf("%s: the fence is %d, not %d", step.what, h.Lease().Fence, database.has.Fence)
		}
	}
	if left := h.Left(); left != 5500*time.Millisecond {
		t.Errorf("just acquired, %v is left", left)
	}
	database.down = true
	h.Release(t.Context())
	if !strings.Contains(log.String(), "it ends by itself") || !strings.Contains(log.String(), "lease=work") {
		t.Errorf("the log says %s", &log)
	}
	database.down = false
	h.Release(t.Context()) // it is not ours any more
	if len(database.released) != 0 {
		t.Error("released what was given up before")
	}
	if held, err := h.Acquire(t.Context()); !held || err != nil {
		t.Fatal(held, err)
	}
	h.Release(t.Context())
	if !slices.Equal(database.released, []int64{database.has.Fence}) {
		t.Errorf("released %v, have %+v", database.released, database.has)
	}
	if want := []bool{true, false, true, false, true, false, true, false, true, false}; !slices.Equal(changes, want) {
		t.Errorf("told of %v", changes)
	}
}
