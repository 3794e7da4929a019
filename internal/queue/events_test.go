package queue_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"registrar/internal/event"
	"registrar/internal/queue"
	"registrar/internal/registration"
)

func newID() registration.ID { return registration.ID(uuid.Must(uuid.NewV7())) }

// readEvents reads the whole topic, which holds n.
func readEvents(t *testing.T, s queue.Settings, n int) []kafka.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialer := &kafka.Dialer{Timeout: 5 * time.Second}
	partitions, err := dialer.LookupPartitions(ctx, "tcp", s.Brokers[0], s.EventTopic())
	if err != nil {
		t.Fatal(err)
	}
	if len(partitions) != queue.EventPartitions {
		t.Errorf("%d partitions", len(partitions))
	}
	var all []kafka.Message
	for _, p := range partitions {
		var end int64
		eventually(t, "the partition has a leader", func() bool { // one that is new may not know it yet
			conn, err := dialer.DialLeader(ctx, "tcp", s.Brokers[0], s.EventTopic(), p.ID)
			if err != nil {
				return false
			}
			defer func() { _ = conn.Close() }()
			end, err = conn.ReadLastOffset()
			return err == nil
		})
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: s.Brokers, Topic: s.EventTopic(), Partition: p.ID, MaxWait: 200 * time.Millisecond})
		for at := int64(0); at < end; at++ {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		_ = r.Close()
	}
	if len(all) != n {
		t.Errorf("%d events, want %d", len(all), n)
	}
	return all
}

// testEvents: every attribute is where the binding has it, and what is of one
// registration is in one partition, in order.
func testEvents(t *testing.T, b *broker) {
	s := settingsFor(b)
	s.Events = true
	c := open(t, s, queue.Observer{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	for range 40 {
		subject := newID()
		for i := range 3 {
			events = append(events, event.Event{ID: newID(), Type: "registrar.test.v1", Subject: subject, At: time.Unix(1, 5000).UTC(), TraceParent: traceParent(i), Data: fmt.Appendf(nil, `{"n":%d}`, i)})
		}
	}
	alone := event.Event{ID: newID(), Type: "registrar.test.v1", At: time.Unix(2, 0), TraceParent: "nonsense", Data: []byte(`{}`)}
	events = append(events, alone)
	published, err := c.EventPublisher("https://api.example.com").Publish(ctx, events)
	if err != nil || len(published) != len(events) {
		t.Fatalf("%d of %d published, %v", len(published), len(events), err)
	}

	byID := map[string]event.Event{}
	for _, e := range events {
		byID[e.ID.String()] = e
	}
	partitions, order := map[string]int{}, map[string]string{}
	for _, m := range readEvents(t, s, len(events)) {
		headers := map[string]string{}
		for _, h := range m.Headers {
			headers[h.Key] = string(h.Value)
		}
		e := byID[headers["ce_id"]]
		want := map[string]string{
			"ce_specversion": "1.0", "ce_id": e.ID.String(), "ce_source": "https://api.example.com", "ce_type": "registrar.test.v1",
			"ce_time": "1970-01-01T00:00:01.000005Z", "ce_dataschema": "urn:registrar:event:registrar.test.v1",
			"ce_subject": e.Subject.String(), "ce_traceparent": e.TraceParent, "content-type": "application/json",
		}
		key := e.Subject.String()
		if e.ID == alone.ID {
			key = e.ID.String()
			want["ce_time"] = "1970-01-01T00:00:02Z"
			delete(want, "ce_subject")
			delete(want, "ce_traceparent")
		}
		if !maps.Equal(headers, want) || string(m.Key) != key || string(m.Value) != string(e.Data) {
			t.Errorf("got key %s, %s, %v\nwant %v", m.Key, m.Value, headers, want)
		}
		if before, known := partitions[key]; known && before != m.Partition {
			t.Errorf("%s is in partitions %d and %d", key, before, m.Partition)
		}
		partitions[key] = m.Partition
		order[key] += string(m.Value)
	}
	for key, values := range order {
		if key != alone.ID.String() && values != `{"n":0}{"n":1}{"n":2}` {
			t.Errorf("of %s came %s", key, values)
		}
	}
	if used := slices.Compact(slices.Sorted(maps.Values(partitions))); len(used) != queue.EventPartitions {
		t.Errorf("only the partitions %v are used", used)
	}
}

// testEventTopicLost: a topic that is gone is made again.
func testEventTopicLost(t *testing.T, b *broker) {
	s := settingsFor(b)
	s.Events = true
	c := open(t, s, queue.Observer{})
	one := []event.Event{{ID: newID(), Type: "registrar.test.v1", At: time.Unix(1, 0), Data: []byte(`{}`)}}
	p := c.EventPublisher("/registrar")
	eventually(t, "the topic is made", func() bool {
		published, err := p.Publish(t.Context(), one)
		return err == nil && len(published) == 1
	})
	readEvents(t, s, 1)
}
