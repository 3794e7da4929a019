package queue

import (
	"fmt"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
)

// TestAssign: each partition of the lane has one member, whatever the order of
// the members and whatever partitions the leader saw.
func TestAssign(t *testing.T) {
	t.Parallel()
	a := laneAssigner{topic: "t", partitions: Range{First: 8, Count: 4}}
	for n := 1; n <= 7; n++ {
		var members []kafka.GroupMember
		for i := range n {
			members = append(members, kafka.GroupMember{ID: fmt.Sprint("m", i)})
		}
		assigned := a.AssignGroups(members, nil)
		slices.Reverse(members)
		reversed := a.AssignGroups(members, []kafka.Partition{{Topic: "t", ID: 0}, {Topic: "other", ID: 9}})
		var all []int
		for _, m := range members {
			mine, ok := assigned[m.ID]
			if !ok || !slices.Equal(mine["t"], reversed[m.ID]["t"]) {
				t.Errorf("%d members: %s has %v, then %v", n, m.ID, mine, reversed[m.ID])
			}
			if most := (4 + n - 1) / n; len(mine["t"]) > most {
				t.Errorf("%d members: %s has %d partitions", n, m.ID, len(mine["t"]))
			}
			all = append(all, mine["t"]...)
		}
		slices.Sort(all)
		if !slices.Equal(all, []int{8, 9, 10, 11}) {
			t.Errorf("%d members: assigned %v", n, all)
		}
	}
}
