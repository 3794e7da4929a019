package queue

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
)

// buryFor bounds how long poison may hold its partition while the dead-letter
// topic cannot be written.
const buryFor = 10 * time.Second

// bury puts a record that cannot be decoded aside, with its key, its headers
// and the reason. When that fails for buryFor the record is passed over all
// the same: it stays in the topic at the offset that is logged, and what it
// should have led to is found by its row in the outbox. It says false when ctx
// ended first.
func (c *Client) bury(ctx context.Context, r *reader, record fetched, reason error) bool {
	name := string(r.member.lane)
	limited, cancel := context.WithTimeout(ctx, buryFor)
	defer cancel()
	headers := append([]kafka.Header(nil), record.headers...)
	headers = append(headers, kafka.Header{Key: reasonHeader, Value: []byte(reason.Error())})
	err := c.produce(limited, c.dead, batch{0: {{Key: record.key, Value: record.value, Headers: headers}}})
	if ctx.Err() != nil {
		return false
	}
	if c.observe.Poisoned != nil {
		c.observe.Poisoned(name)
	}
	if err != nil {
		c.log.ErrorContext(ctx, "queue: message cannot be decoded, and the dead-letter topic cannot be written", "lane", name, "partition", r.partition, "offset", record.offset, "reason", reason, "error", err)
	} else {
		c.log.ErrorContext(ctx, "queue: message cannot be decoded; it is in the dead-letter topic", "lane", name, "partition", r.partition, "offset", record.offset, "reason", reason)
	}
	return true
}
