package queue

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/event"
	"registrar/internal/registration"
)

// EventPartitions is how many partitions the topic of events is made with. One
// that is there may have any number.
const EventPartitions = 6

// EventPublisher publishes events for other systems: CloudEvents 1.0 in the
// Kafka protocol binding's binary content mode.
type EventPublisher struct {
	client *Client
	source string
	// Java's own, so that other producers' topics with the same keys and as many
	// partitions can be joined with this one.
	balancer kafka.Balancer
}

// EventPublisher of this client, whose Settings have Events. source is the
// attribute of every event: a URI reference that names this installation.
func (c *Client) EventPublisher(source string) *EventPublisher {
	return &EventPublisher{client: c, source: source, balancer: kafka.Murmur2Balancer{Consistent: true}}
}

// Publish implements outbox.EventPublisher. Events of one key go to one
// partition, in one request, in their order.
func (p *EventPublisher) Publish(ctx context.Context, events []event.Event) ([]registration.ID, error) {
	topic := p.client.settings.EventTopic()
	partitions, err := p.client.partitions(ctx, topic)
	if err != nil {
		if missing(err) {
			p.client.ensureAgain(ctx)
		}
		return nil, fmt.Errorf("queue: publish events: %w", err)
	}
	to := make([]int, len(events))
	left := batch{}
	for i, e := range events {
		record := p.record(e)
		to[i] = p.balancer.Balance(record, partitions...)
		left[to[i]] = append(left[to[i]], record)
	}
	err = p.client.produce(ctx, topic, left) // takes what was acknowledged out of left
	published := make([]registration.ID, 0, len(events))
	for i, e := range events {
		if _, unknown := left[to[i]]; !unknown {
			published = append(published, e.ID)
		}
	}
	return published, err
}

// record is an event in binary content mode (CloudEvents' Kafka protocol
// binding 1.0.2, section 3.2).
func (p *EventPublisher) record(e event.Event) kafka.Message {
	m := kafka.Message{Key: []byte(e.Key()), Value: e.Data}
	add := func(name, value string) {
		m.Headers = append(m.Headers, kafka.Header{Key: name, Value: []byte(value)})
	}
	add("ce_specversion", "1.0")
	add("ce_id", e.ID.String())
	add("ce_source", p.source)
	add("ce_type", e.Type)
	add("ce_time", e.At.UTC().Format(time.RFC3339Nano))
	add("ce_dataschema", event.SchemaOf(e.Type))
	if !e.Subject.IsZero() {
		add("ce_subject", e.Subject.String())
	}
	if wellFormed([]byte(e.TraceParent)) {
		add("ce_traceparent", e.TraceParent)
	}
	add("content-type", "application/json")
	return m
}

// partitions of a topic, from what is known of the cluster.
func (c *Client) partitions(ctx context.Context, topic string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	if err := meta.Topics[0].Error; err != nil {
		return nil, err
	}
	all := make([]int, len(meta.Topics[0].Partitions))
	for i, p := range meta.Topics[0].Partitions {
		all[i] = p.ID
	}
	if len(all) == 0 {
		return nil, kafka.UnknownTopicOrPartition
	}
	slices.Sort(all)
	return all, nil
}
