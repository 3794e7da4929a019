package embedded

import (
	"time"

	"registrar/internal/lane"
)

// deadLetters is how many messages of the dead-letter topic are kept.
const deadLetters = 10_000

func (b *Broker) trimEvery(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-ticker.C:
			b.trim()
		}
	}
}

// trim deletes what its lane's group has committed, except a partition's last
// message: with no message left the log would begin at 0 again after an
// unclean end, behind the committed offset. Files go a segment at a time.
func (b *Broker) trim() {
	settings := b.Settings()
	topic, dead := settings.Topic(), settings.DeadLetterTopic()
	partitions := map[int32]int64{} // first offset
	for _, p := range b.cluster.PartitionInfos(topic) {
		partitions[p.Partition] = p.LogStartOffset
	}
	for _, l := range lane.All() {
		group := b.cluster.GroupInfo(settings.GroupID(l))
		if group == nil {
			continue
		}
		for p, commit := range group.Commits[topic] {
			if first, ok := partitions[p]; ok && commit.Offset-1 > first {
				b.deleteBefore(topic, p, commit.Offset-1)
			}
		}
	}
	for _, p := range b.cluster.PartitionInfos(dead) {
		if keep := p.HighWatermark - deadLetters; keep > p.LogStartOffset {
			b.deleteBefore(dead, p.Partition, keep)
		}
	}
}

func (b *Broker) deleteBefore(topic string, partition int32, offset int64) {
	if err := b.cluster.DeleteRecords(topic, partition, offset); err != nil {
		b.log.Warn("queue: embedded broker cannot delete handled messages", "topic", topic, "partition", partition, "error", err)
	}
}
