package store_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/store"
)

// probed is what a probe of one node found, and what follows.
type probed struct {
	after time.Duration // since the one before
	node  int
	owner string // of the row that it read
	fence int64
	dead  bool
	ended bool // the claim before has come to its end, whichever

	chosen int
	claims string
}

// TestWhichNodeIsWrittenTo goes through what the probes of three nodes find.
func TestWhichNodeIsWrittenTo(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c"}
	for name, steps := range map[string][]probed{
		"nobody is named": {
			{node: 1, chosen: 0}, // nothing is known of the first one
			{node: 0, chosen: 0, claims: "a"},
			{node: 2, chosen: 0}, // the claim is on its way
			{node: 0, owner: "a", fence: 1, chosen: 0, ended: true},
		},
		"the row names one": {
			{node: 0, owner: "c", fence: 3, chosen: 0}, // that is not known to live
			{node: 1, owner: "c", fence: 3, chosen: 0},
			{node: 2, owner: "c", fence: 3, chosen: 2},
		},
		"a node has an older row": {
			{node: 0, owner: "a", fence: 5, chosen: 0},
			{node: 1, owner: "b", fence: 4, chosen: 0},
			{node: 0, owner: "a", fence: 5, chosen: 0},
		},
		"the first one is dead from the beginning": {
			{node: 0, dead: true, chosen: 0},
			{node: 1, chosen: 1, claims: "b"},
			{node: 0, owner: "b", fence: 1, chosen: 1, ended: true},
		},
		"the one that is written to is lost, and comes back": {
			{node: 0, owner: "b", fence: 1, chosen: 0},
			{node: 1, owner: "b", fence: 1, chosen: 1},
			{node: 2, owner: "b", fence: 1, chosen: 1},
			{node: 1, dead: true, chosen: 2, claims: "c"},
			{node: 2, owner: "c", fence: 2, chosen: 2, ended: true},
			{node: 1, owner: "c", fence: 2, chosen: 2},
		},
		"another process is faster": {
			{node: 0, owner: "b", fence: 1, chosen: 0},
			{node: 1, owner: "b", fence: 1, chosen: 1},
			{node: 2, owner: "b", fence: 1, chosen: 1},
			{node: 1, dead: true, chosen: 2, claims: "c"},
			{node: 2, owner: "a", fence: 2, chosen: 0, ended: true},
			{node: 0, owner: "a", fence: 2, chosen: 0},
		},
		"a claim that fails is made again, later": {
			{node: 0, owner: "a", fence: 1, chosen: 0},
			{node: 1, owner: "a", fence: 1, chosen: 0},
			{node: 0, dead: true, chosen: 1, claims: "b"},
			{node: 1, owner: "a", fence: 1, chosen: 1, ended: true},
			{node: 1, owner: "a", fence: 1, chosen: 1, after: 4 * time.Second},
			{node: 1, owner: "a", fence: 1, chosen: 1, after: 2 * time.Second, claims: "b"},
		},
		"it comes back before the claim is there": {
			{node: 0, owner: "a", fence: 1, chosen: 0},
			{node: 1, owner: "a", fence: 1, chosen: 0},
			{node: 0, dead: true, chosen: 1, claims: "b"},
			{node: 0, owner: "a", fence: 1, chosen: 0, ended: true}, // as all others have it
			{node: 0, owner: "b", fence: 2, chosen: 1},
		},
		"the row goes to one that is dead for us": { // which is said once by whoever it was lost to
			{node: 0, owner: "a", fence: 1, chosen: 0},
			{node: 1, owner: "a", fence: 1, chosen: 0},
			{node: 1, dead: true, chosen: 0},
			{node: 0, owner: "b", fence: 2, chosen: 0},
			{node: 0, owner: "b", fence: 2, chosen: 0, after: time.Minute},
			{node: 1, owner: "b", fence: 2, chosen: 1},
		},
		"the row names a node that we do not have": {
			{node: 0, owner: "z", fence: 9, chosen: 0},
			{node: 0, owner: "z", fence: 9, chosen: 0, after: time.Minute},
		},
		"all are lost": {
			{node: 0, owner: "a", fence: 1, chosen: 0},
			{node: 1, owner: "a", fence: 1, chosen: 0},
			{node: 1, dead: true, chosen: 0},
			{node: 0, dead: true, chosen: 0},
			{node: 2, dead: true, chosen: 0},
			{node: 1, owner: "a", fence: 1, chosen: 1, claims: "b"},
			{node: 1, owner: "b", fence: 2, chosen: 1, ended: true},
			{node: 0, owner: "b", fence: 2, chosen: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Minute)
				moves := [][2]string{}
				n := store.NewNodes(len(names), func(from, to string) { moves = append(moves, [2]string{from, to}) })
				at := "0"
				for i, s := range steps {
					time.Sleep(s.after)
					if s.ended {
						n.Written()
					}
					var err error
					if s.dead {
						err = errors.New("does not answer")
					}
					if claims := n.Found(s.node, names[s.node], s.owner, s.fence, err); claims != s.claims || n.InOrder()[0] != s.chosen {
						t.Fatalf("step %d: %d is written to and %q claimed; want %d and %q", i+1, n.InOrder()[0], claims, s.chosen, s.claims)
					}
					if now := strconv.Itoa(s.chosen); now != at {
						if want := [][2]string{{at, now}}; !slices.Equal(moves, want) {
							t.Fatalf("step %d: told of %v, want %v", i+1, moves, want)
						}
						at, moves = now, nil
					}
					if len(moves) > 0 {
						t.Fatalf("step %d: told of %v", i+1, moves)
					}
				}
			})
		})
	}
}

// TestInWhichOrderNodesAreTried: those that are known to be down come last.
func TestInWhichOrderNodesAreTried(t *testing.T) {
	t.Parallel()
	n := store.NewNodes(4, nil)
	n.Found(2, "c", "c", 1, nil)
	n.Found(3, "d", "c", 1, errors.New("does not answer"))
	if got := n.InOrder(); !slices.Equal(got, []int{2, 0, 1, 3}) {
		t.Errorf("%v", got)
	}
	if n.Elsewhere(2) {
		t.Error("a node that has never answered takes writes")
	}
	if !n.Elsewhere(3) {
		t.Error("the one that takes writes is not seen")
	}
}
