package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"registrar/internal/event"
	"registrar/internal/feed"
	"registrar/internal/queue"
	"registrar/internal/registration"
)

// deleteRecords is Kafka's request by which a broker drops the first records of partitions.
type deleteRecords struct {
	Topics  []deleteTopic `kafka:"min=v0,max=v1"`
	Timeout int32         `kafka:"min=v0,max=v1"` // ms
}

type deleteTopic struct {
	Name       string            `kafka:"min=v0,max=v1"`
	Partitions []deletePartition `kafka:"min=v0,max=v1"`
}

type deletePartition struct {
	Partition int32 `kafka:"min=v0,max=v1"`
	Offset    int64 `kafka:"min=v0,max=v1"` // of the first that stays
}

func (*deleteRecords) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// Broker is the only one that there is.
func (*deleteRecords) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	return cluster.Brokers[cluster.Controller], nil
}

type deletedRecords struct {
	Throttle int32          `kafka:"min=v0,max=v1"`
	Topics   []deletedTopic `kafka:"min=v0,max=v1"`
}

type deletedTopic struct {
	Name       string             `kafka:"min=v0,max=v1"`
	Partitions []deletedPartition `kafka:"min=v0,max=v1"`
}

type deletedPartition struct {
	Partition    int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	Code         int16 `kafka:"min=v0,max=v1"`
}

func (*deletedRecords) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

func init() { protocol.Register(&deleteRecords{}, &deletedRecords{}) }

// admin is a client of the brokers beside ours.
func admin(t *testing.T, s queue.Settings) *kafka.Client {
	t.Helper()
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: transport}
}

// drop deletes the first records of a partition.
func drop(t *testing.T, s queue.Settings, partition int, before int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a := admin(t, s)
	answer, err := a.Transport.RoundTrip(ctx, a.Addr, &deleteRecords{
		Topics: []deleteTopic{{s.EventTopic(), []deletePartition{{int32(partition), before}}}}, Timeout: 10_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	if code := answer.(*deletedRecords).Topics[0].Partitions[0].Code; code != 0 {
		t.Fatal(kafka.Error(code))
	}
}

func someEvents(n int) (events []event.Event) {
	for range n {
		events = append(events, event.Event{ID: newID(), Type: "registrar.test.v1", Subject: newID(), At: time.Now().UTC(), Data: []byte(`{}`)})
	}
	return events
}

func publishEvents(t *testing.T, c *queue.Client, events []event.Event) {
	t.Helper()
	eventually(t, "the events are published", func() bool {
		published, err := c.EventPublisher("/registrar").Publish(t.Context(), events)
		return err == nil && len(published) == len(events)
	})
}

// testEventsDropped: whoever wants more than is kept is told so. Only what is older
// than the topic's retention, or what is not bounded by time, may be missing.
func testEventsDropped(t *testing.T, b *broker) {
	hour := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		retention time.Duration
		dropped   bool
		from      feed.From
		want      error
		events    int
	}{
		"all are kept":                            {10 * time.Minute, false, feed.From{Time: hour}, nil, 12},
		"a time before what is kept":              {10 * time.Minute, true, feed.From{Time: hour}, feed.ErrEarly, 0},
		"a time since which all is kept":          {2 * time.Hour, true, feed.From{Time: hour}, nil, 11},
		"the beginning is what is kept":           {10 * time.Minute, true, feed.From{}, nil, 11},
		"a position before what is kept":          {2 * time.Hour, true, feed.From{Position: "0:0"}, feed.ErrDropped, 0},
		"a time behind all that is there":         {10 * time.Minute, true, feed.From{Time: time.Now().Add(time.Hour)}, nil, 0},
		"a position that names a partition twice": {2 * time.Hour, false, feed.From{Position: "0:0,0:0"}, feed.ErrPosition, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settingsFor(b)
			s.Events, s.Retention = true, test.retention
			c := open(t, s, queue.Observer{})
			if err := c.EnsureTopics(t.Context()); err != nil {
				t.Fatal(err)
			}
			events := someEvents(1)
			for len(events) < 12 { // of one registration: in one partition
				more := someEvents(1)[0]
				more.Subject = events[0].Subject
				events = append(events, more)
			}
			publishEvents(t, c, events)
			if test.dropped {
				partition := held(t, allEvents(t, eventReader(t, c, feed.From{}), 12)[11].Position)
				drop(t, s, partition, 1)
				if test.from.Position != "" {
					test.from.Position = feed.Position(fmt.Sprintf("%d:0", partition))
				}
			}
			var r *queue.EventReader
			var err error
			eventually(t, "the partitions have leaders", func() bool {
				r, err = c.EventReader(t.Context(), test.from)
				return !errors.Is(err, registration.ErrUnavailable)
			})
			if !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			if err == nil {
				if got := allEvents(t, r, test.events); len(got) != test.events {
					t.Errorf("%d events", len(got))
				}
			}
		})
	}
}

// held is the partition that has all the events: the others are at 0.
func held(t *testing.T, position feed.Position) (partition int) {
	t.Helper()
	for part := range strings.SplitSeq(string(position), ",") {
		if id, at, _ := strings.Cut(part, ":"); at != "0" {
			n, err := strconv.Atoi(id)
			if err != nil {
				t.Fatal(err)
			}
			partition = n
		}
	}
	return partition
}

// testPartitionsAdded: a reader takes in partitions that come, from their beginning.
func testPartitionsAdded(t *testing.T, b *broker) {
	s := settingsFor(b)
	s.Events, s.MetadataAge = true, 50*time.Millisecond
	c := open(t, s, queue.Observer{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	r := eventReader(t, c, feed.From{Now: true})
	answer, err := admin(t, s).CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: s.EventTopic(), Count: 2 * queue.EventPartitions}}})
	if err == nil {
		err = answer.Errors[s.EventTopic()]
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * s.MetadataAge) // the publisher knows of them too
	publishEvents(t, c, someEvents(60))
	got := map[string]bool{}
	var last feed.Item
	for len(got) < 60 {
		items, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d events: %v", len(got), err)
		}
		for _, i := range items {
			got[i.ID.String()], last = true, i
		}
	}
	if rest := allEvents(t, eventReader(t, c, feed.From{Position: last.Position}), 0); len(rest) != 0 {
		t.Errorf("behind them come %d", len(rest))
	}
}
