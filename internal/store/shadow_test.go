package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"registrar/internal/shadow"
	"registrar/internal/store"
)

func TestComparisons(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		comparisons := open(t, o).Shadow()
		t0 := now().Add(-time.Hour)
		add := func(second int, caller, ours, theirs string, refused ...string) shadow.Comparison {
			c := shadow.Comparison{
				ID: newID(), At: t0.Add(time.Duration(second) * time.Second), Caller: caller, RequestID: fmt.Sprint("r", second), ExternalID: "ü", Ours: ours, Theirs: theirs, Refused: refused,
			}
			if added, err := comparisons.Add(t.Context(), c); err != nil || !added {
				t.Fatalf("added %t, %v", added, err)
			}
			return c
		}
		agreed := add(0, "mono", "REGISTERED", "REGISTERED")
		taken := add(1, "mono", "EMAIL_TAKEN", "REGISTERED", "email:TAKEN")
		untold := add(2, "mono", "REGISTERED", "")
		other := add(3, "legacy", "VALIDATION_FAILED", "REGISTERED", "firstName:MAX_LENGTH", "locale:LANGUAGE_TAG")
		strict := add(4, "mono", "REGISTERED", "BLACKLISTED")

		repeated := taken
		repeated.Theirs, repeated.At = "EMAIL_TAKEN", t0.Add(time.Minute)
		if added, err := comparisons.Add(t.Context(), repeated); err != nil || added {
			t.Errorf("the same again: added %t, %v", added, err)
		}
		for name, tt := range map[string]struct {
			filter shadow.Filter
			limit  int
			want   []shadow.Comparison
		}{
			"all":         {shadow.Filter{}, 100, []shadow.Comparison{strict, other, untold, taken, agreed}},
			"the newest":  {shadow.Filter{}, 2, []shadow.Comparison{strict, other}},
			"differences": {shadow.Filter{Differing: true}, 100, []shadow.Comparison{strict, other, taken}},
			"of a caller": {shadow.Filter{Caller: "mono", Differing: true}, 100, []shadow.Comparison{strict, taken}},
			"ours":        {shadow.Filter{Ours: "REGISTERED"}, 100, []shadow.Comparison{strict, untold, agreed}},
			"theirs":      {shadow.Filter{Theirs: "REGISTERED"}, 100, []shadow.Comparison{other, taken, agreed}},
			"in a time":   {shadow.Filter{Since: t0.Add(time.Second), Before: t0.Add(3 * time.Second)}, 100, []shadow.Comparison{untold, taken}},
			"none":        {shadow.Filter{Caller: "nobody"}, 100, []shadow.Comparison{}},
		} {
			got, err := comparisons.List(t.Context(), tt.filter, tt.limit)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: got %+v, %v\nwant %+v", name, got, err, tt.want)
			}
		}
		tallies, err := comparisons.Tally(t.Context(), shadow.Filter{Since: t0})
		want := []shadow.Tally{
			{Caller: "legacy", Ours: "VALIDATION_FAILED", Theirs: "REGISTERED", N: 1}, {Caller: "mono", Ours: "EMAIL_TAKEN", Theirs: "REGISTERED", N: 1},
			{Caller: "mono", Ours: "REGISTERED", Theirs: "", N: 1}, {Caller: "mono", Ours: "REGISTERED", Theirs: "BLACKLISTED", N: 1}, {Caller: "mono", Ours: "REGISTERED", Theirs: "REGISTERED", N: 1},
		}
		if err != nil || !reflect.DeepEqual(tallies, want) {
			t.Errorf("tallied %+v, %v", tallies, err)
		}
		if n, err := comparisons.Forget(t.Context(), t0.Add(3*time.Second)); err != nil || n != 3 {
			t.Errorf("forgot %d, %v", n, err)
		}
		if left, err := comparisons.List(t.Context(), shadow.Filter{}, 100); err != nil || !reflect.DeepEqual(left, []shadow.Comparison{strict, other}) {
			t.Errorf("left %+v, %v", left, err)
		}
	})
}
