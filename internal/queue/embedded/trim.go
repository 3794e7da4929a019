package embedded

import (
	"time"

	"registrar/internal/lane"
	"registrar/internal/queue"
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
	partitions := map[int32]int64{} // first offset
	for _, p := range b.cluster.PartitionInfos(queue.Topic) {
		partitions[p.Partition] = p.LogStartOffset
	}
	for _, l := range lane.All() {
		group := b.cluster.GroupInfo(queue.GroupID(l))
		if group == nil {
			continue
		}
		for p, commit := range group.Commits[queue.Topic] {
			if first, ok := partitions[p]; ok && commit.Offset-1 > first {
				b.deleteBefore(queue.Topic, p, commit.Offset-1)
			}
		}
	}
	for _, p := range b.cluster.PartitionInfos(queue.DeadLetterTopic) {
		if keep := p.HighWatermark - deadLetters; keep > p.LogStartOffset {
			b.deleteBefore(queue.DeadLetterTopic, p.Partition, keep)
		}
	}
}

func (b *Broker) deleteBefore(topic string, partition int32, offset int64) {
	if err := b.cluster.DeleteRecords(topic, partition, offset); err != nil {
		b.log.Warn("queue: embedded broker cannot delete handled messages", "topic", topic, "partition", partition, "error", err)
	}
}
