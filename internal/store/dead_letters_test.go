package store_test

import (
	"testing"
	"time"

	"registrar/internal/deadletter"
	"registrar/internal/store"
)

// TestDeadLetters: a decision is one on a letter, not on its place: another
// letter may lie there after the topic was lost.
func TestDeadLetters(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		d := open(t, o).DeadLetters()
		mark := func(partition int, offset, written int64) deadletter.Mark {
			return deadletter.Mark{ID: deadletter.ID{Partition: partition, Offset: offset}, WrittenAt: written}
		}
		at := now()
		discarded, replayed := deadletter.Verdict{Decision: deadletter.Discarded, At: at}, deadletter.Verdict{Decision: deadletter.Replayed, At: at.Add(time.Second)}
		old, another, undecided := mark(0, 7, 1_000), mark(0, 7, 2_000), mark(1, 7, 1_000)
		var many []deadletter.Mark
		for i := range 600 { // more than one statement takes
			many = append(many, mark(2, int64(i), 0))
		}
		decide := func(v deadletter.Verdict, marks ...deadletter.Mark) {
			t.Helper()
			if err := d.Decide(t.Context(), marks, v); err != nil {
				t.Fatal(err)
			}
		}
		decide(discarded, old)
		decide(discarded, many...)
		decide(replayed, many[599])
		decide(replayed, many[599]) // again, as after a crash
		decide(discarded)

		asked := append([]deadletter.Mark{old, another, undecided}, many...)
		verdicts, err := d.Verdicts(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked {
			want := discarded
			switch m {
			case another, undecided:
				want = deadletter.Verdict{}
			case many[599]:
				want = replayed
			}
			if verdicts[m] != want {
				t.Errorf("%+v: %+v, want %+v", m, verdicts[m], want)
			}
		}
	})
}
