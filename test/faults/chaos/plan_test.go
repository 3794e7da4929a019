package chaos_test

import (
	"slices"
	"testing"
	"time"
)

var sizes = map[tier]int{databases: 3, brokers: 3, balancers: 2, webs: 2, apps: 3, notifiers: 2, sinkTier: 2}

// TestPlan: a seed gives the same events again, another one others; the first
// ten have every kind of fault and every tier; times are as they are meant.
func TestPlan(t *testing.T) {
	drawn := func(seed uint64) (texts []string, all []event) {
		p := newPlan(seed, sizes)
		for range 500 {
			e := p.draw()
			texts, all = append(texts, e.String()), append(all, e)
		}
		return texts, all
	}
	first, events := drawn(7)
	if again, _ := drawn(7); !slices.Equal(first, again) {
		t.Error("a seed gives other events the second time")
	}
	if other, _ := drawn(8); slices.Equal(first, other) {
		t.Error("another seed gives the same events")
	}
	for seed := range uint64(20) {
		_, all := drawn(seed)
		kinds, struck, pairs := map[kind]bool{}, map[tier]bool{}, 0
		for _, e := range all[:10] {
			for _, f := range e {
				kinds[f.kind], struck[f.tier] = true, true
			}
			if len(e) == 2 {
				pairs++
			}
		}
		if len(kinds) != 9 || len(struck) != len(tiers) || pairs != 1 {
			t.Errorf("seed %d begins with %d kinds of faults in %d tiers, %d of them two at once", seed, len(kinds), len(struck), pairs)
		}
	}
	bounds := map[kind][2]time.Duration{
		kill: {300 * time.Millisecond, 5 * time.Second}, stop: {300 * time.Millisecond, 5 * time.Second}, restart: {0, 0},
		pause: {time.Second, 20 * time.Second}, partition: {time.Second, 15 * time.Second},
		allDatabases: {500 * time.Millisecond, 4 * time.Second}, allBrokers: {500 * time.Millisecond, 4 * time.Second},
		diskFull: {3 * time.Second, 8 * time.Second}, clockJump: {3 * time.Second, 10 * time.Second},
	}
	for _, e := range events {
		if len(e) == 2 && e[0].tier == e[1].tier {
			t.Errorf("both in one tier: %v", e)
		}
		for _, f := range e {
			if b := bounds[f.kind]; f.hold < b[0] || f.hold > b[1] || f.part < 0 || f.part >= sizes[f.tier] {
				t.Errorf("out of bounds: %v", f)
			}
			if f.kind == clockJump && (f.jump.Abs() < 5*time.Second || f.jump.Abs() > maxJump) {
				t.Errorf("out of bounds: %v", f)
			}
		}
	}
}

// TestPersons: a seed and a number give the same person again, and many of them
// have all that is to be tried.
func TestPersons(t *testing.T) {
	conflicts, mobiles, verified := 0, 0, 0
	for n := range 1000 {
		p, again := newPerson(3, 12, n), newPerson(3, 12, n)
		if p.email != again.email || p.pauses != again.pauses || !slices.Equal(p.requests, again.requests) || !slices.Equal(p.lookups, again.lookups) {
			t.Fatalf("person %d is another one the second time", n)
		}
		if roundOf(p.email) != 12 || roundOf(p.requests[0].Username) != 12 {
			t.Fatalf("person %d is not known to be of its round: %s", n, p.email)
		}
		if len(p.requests) > 1 {
			conflicts++
		}
		if p.mobile != "" {
			mobiles++
		}
		if p.verify[0] {
			verified++
		}
	}
	if conflicts < 50 || mobiles < 500 || verified < 400 {
		t.Errorf("of 1000 persons %d are wanted by two callers, %d have a number, %d verify", conflicts, mobiles, verified)
	}
}
