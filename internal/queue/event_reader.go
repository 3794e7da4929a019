package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/event"
	"registrar/internal/feed"
	"registrar/internal/registration"
)

// EventReader reads the topic of events, partition by partition. It is one
// goroutine's. It implements feed.Reader, with positions that name the next offset
// of each partition: "0:12,1:40". Partitions that are added are read from their
// beginning, within half a minute.
type EventReader struct {
	client     *Client
	partitions []span    // from the offset that comes next to where the partition ended at first
	turn       int       // of partitions, the one that is read next
	quiet      int       // partitions that had nothing, one after the other
	looked     time.Time // for partitions that were added
}

var _ feed.Reader = (*EventReader)(nil)

// eventWait is how long a broker may hold a fetch when no partition has anything.
const eventWait = 250 * time.Millisecond

// eventLook is how many times as old as the known layout of the cluster may be is
// the time between two looks for partitions that were added.
const eventLook = 30

// EventReader begins to read. Errors: feed.ErrPosition, feed.ErrDropped,
// feed.ErrEarly, registration.ErrUnavailable.
func (c *Client) EventReader(ctx context.Context, from feed.From) (*EventReader, error) {
	r := &EventReader{client: c, looked: time.Now()}
	var err error
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if r.partitions, err = c.spans(limited, c.settings.EventTopic()); err != nil {
		return nil, eventsUnavailable(err)
	}
	switch {
	case from.Now:
		for i := range r.partitions {
			r.partitions[i].first = r.partitions[i].end
		}
	case !from.Time.IsZero():
		return r, r.seek(ctx, from.Time)
	case from.Position != "":
		return r, r.resume(from.Position)
	}
	return r, nil
}

// seek goes to what was published at a time or later: events are published after
// they happened.
func (r *EventReader) seek(ctx context.Context, at time.Time) error {
	topic := r.client.settings.EventTopic()
	var ask []kafka.OffsetRequest
	for _, p := range r.partitions {
		ask = append(ask, kafka.TimeOffsetOf(p.id, at))
	}
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := r.client.kafka.ListOffsets(limited, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return eventsUnavailable(err)
	}
	early := false
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return eventsUnavailable(p.Error)
		}
		for i := range r.partitions {
			if r.partitions[i].id != p.Partition {
				continue
			}
			kept := r.partitions[i].first
			r.partitions[i].first = r.partitions[i].end // nothing so late is there yet
			for offset := range p.Offsets {
				if offset >= 0 {
					r.partitions[i].first = offset
				}
			}
			early = early || kept > 0 && r.partitions[i].first == kept
		}
	}
	if !early {
		return nil
	}
	// A partition has dropped some, and has none from before the time any more.
	retention, err := r.client.retention(limited, topic)
	switch {
	case err != nil:
		return eventsUnavailable(err)
	case time.Since(at) < retention:
		return nil
	default:
		return feed.ErrEarly
	}
}

// resume goes to a position. A partition that it does not name is newer.
func (r *EventReader) resume(position feed.Position) error {
	named := map[int]int64{}
	for part := range strings.SplitSeq(string(position), ",") {
		id, offset, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(id)
		at, wrong := strconv.ParseInt(offset, 10, 64)
		if err != nil || wrong != nil || n < 0 || at < 0 {
			return feed.ErrPosition
		}
		if _, twice := named[n]; twice {
			return feed.ErrPosition
		}
		named[n] = at
	}
	for i, p := range r.partitions {
		at, there := named[p.id]
		delete(named, p.id)
		switch {
		case !there:
		case at > p.end:
			return feed.ErrPosition
		case at < p.first:
			return feed.ErrDropped
		default:
			r.partitions[i].first = at
		}
	}
	if len(named) > 0 {
		return feed.ErrPosition // a topic never has fewer partitions than before
	}
	return nil
}

// position is behind all that was given.
func (r *EventReader) position() feed.Position {
	parts := make([]string, len(r.partitions))
	for i, p := range r.partitions {
		parts[i] = fmt.Sprintf("%d:%d", p.id, p.first)
	}
	return feed.Position(strings.Join(parts, ","))
}

// End implements feed.Reader.
func (r *EventReader) End() bool {
	return !slices.ContainsFunc(r.partitions, func(p span) bool { return p.first < p.end })
}

// Next implements feed.Reader.
func (r *EventReader) Next(ctx context.Context) ([]feed.Item, error) {
	if time.Since(r.looked) >= eventLook*r.client.settings.MetadataAge {
		if err := r.grow(ctx); err != nil {
			return nil, eventsUnavailable(err)
		}
	}
	p := &r.partitions[r.turn]
	r.turn = (r.turn + 1) % len(r.partitions)
	wait := time.Millisecond
	if r.quiet >= len(r.partitions) {
		wait = eventWait
	}
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := r.client.kafka.Fetch(limited, &kafka.FetchRequest{
		Topic: r.client.settings.EventTopic(), Partition: p.id, Offset: p.first, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: wait,
	})
	if err == nil {
		err = answer.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return nil, feed.ErrDropped
	}
	if err != nil {
		return nil, eventsUnavailable(err)
	}
	items, err := r.items(p, answer.Records)
	if r.quiet++; len(items) > 0 {
		r.quiet = 0
	}
	return items, err
}

// grow takes in the partitions that were added.
func (r *EventReader) grow(ctx context.Context) error {
	topic := r.client.settings.EventTopic()
	ids, err := r.client.partitions(ctx, topic)
	if err == nil && len(ids) > len(r.partitions) {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		var all []span
		all, err = r.client.spans(limited, topic)
		for _, p := range all {
			if !slices.ContainsFunc(r.partitions, func(known span) bool { return known.id == p.id }) {
				r.partitions = append(r.partitions, span{p.id, p.first, p.first}) // End is of those that were there
			}
		}
	}
	if err == nil {
		r.looked = time.Now()
	}
	return err
}

func (r *EventReader) items(p *span, records kafka.RecordReader) (items []feed.Item, err error) {
	for {
		record, err := records.ReadRecord()
		if err != nil {
			if errors.Is(err, io.EOF) || len(items) > 0 { // what follows is fetched again
				return items, nil
			}
			return nil, eventsUnavailable(err)
		}
		opened, err := open(record)
		if err != nil {
			return items, eventsUnavailable(err)
		}
		if record.Offset < p.first {
			continue // a batch may begin before it
		}
		p.first = record.Offset + 1
		if e, ok := eventOf(opened); ok {
			items = append(items, feed.Item{Event: e, Position: r.position()})
		}
	}
}

// eventOf reads a record of EventPublisher's form; others are nobody's events.
func eventOf(f fetched) (e event.Event, ok bool) {
	e.Data = f.value
	for _, h := range f.headers {
		text := string(h.Value)
		var err error
		switch h.Key {
		case "ce_id":
			e.ID, err = registration.ParseID(text)
		case "ce_type":
			e.Type = text
		case "ce_subject":
			e.Subject, err = registration.ParseID(text)
		case "ce_time":
			e.At, err = time.Parse(time.RFC3339Nano, text)
		case "ce_traceparent":
			e.TraceParent = text
		}
		if err != nil {
			return e, false
		}
	}
	return e, !e.ID.IsZero() && e.Type != ""
}

func eventsUnavailable(err error) error {
	return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, fmt.Errorf("queue: events: %w", err))
}
