package queue

import (
	"slices"

	"github.com/segmentio/kafka-go"
)

// laneAssigner deals a lane's partitions out to the members of its group. It
// goes by the layout, not by what partitions the leader saw, so that members
// may come before the topic.
type laneAssigner struct {
	topic      string
	partitions Range
}

var _ kafka.GroupBalancer = laneAssigner{}

func (laneAssigner) ProtocolName() string { return "registrar-lanes-v1" }

func (laneAssigner) UserData() ([]byte, error) { return nil, nil }

// AssignGroups gives each partition to one member, and to each member as many
// as to any other, give or take one.
func (a laneAssigner) AssignGroups(members []kafka.GroupMember, _ []kafka.Partition) kafka.GroupMemberAssignments {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.ID
	}
	slices.Sort(ids)
	assigned := kafka.GroupMemberAssignments{}
	for _, id := range ids {
		assigned[id] = map[string][]int{a.topic: nil}
	}
	for i := range a.partitions.Count {
		topics := assigned[ids[i%len(ids)]]
		topics[a.topic] = append(topics[a.topic], a.partitions.First+i)
	}
	return assigned
}
