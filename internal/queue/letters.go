package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/deadletter"
)

const (
	letterWait    = 500 * time.Millisecond // that a broker may hold a fetch for letters
	letterTries   = 10                     // at one request, before the brokers are said not to answer
	letterBatches = 256                    // letters given at once at most
)

// Letters is the dead-letter topic, for people; it implements deadletter.Topic.
type Letters struct{ client *Client }

// Letters of this client.
func (c *Client) Letters() *Letters { return &Letters{c} }

var _ deadletter.Topic = (*Letters)(nil)

// Read implements deadletter.Topic.
func (l *Letters) Read(ctx context.Context, give func([]deadletter.Letter) error) error {
	partitions, err := l.bounds(ctx)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		for at := p.first; at < p.end; {
			letters, err := l.fetch(ctx, p.id, at, p.end)
			if errors.Is(err, kafka.OffsetOutOfRange) { // its beginning was deleted meanwhile
				if at, err = l.firstAfter(ctx, p.id, at); err == nil {
					continue
				}
			}
			if err != nil {
				return err
			}
			at = letters[len(letters)-1].Offset + 1
			for len(letters) > 0 {
				n := min(letterBatches, len(letters))
				if err := give(letters[:n]); err != nil {
					return err
				}
				letters = letters[n:]
			}
		}
	}
	return nil
}

// firstAfter is where the partition begins by now, when that is behind at.
func (l *Letters) firstAfter(ctx context.Context, partition int, at int64) (int64, error) {
	partitions, err := l.bounds(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range partitions {
		if p.id == partition && p.first > at {
			return p.first, nil
		}
	}
	return 0, fmt.Errorf("%w: letter %d/%d cannot be read", deadletter.ErrUnavailable, partition, at)
}

// Letter implements deadletter.Topic.
func (l *Letters) Letter(ctx context.Context, id deadletter.ID) (deadletter.Letter, error) {
	partitions, err := l.bounds(ctx)
	if err != nil {
		return deadletter.Letter{}, err
	}
	for _, p := range partitions {
		if p.id != id.Partition || id.Offset < p.first || id.Offset >= p.end {
			continue
		}
		letters, err := l.fetch(ctx, id.Partition, id.Offset, id.Offset+1)
		switch {
		case err == nil:
			return letters[0], nil
		case !errors.Is(err, kafka.OffsetOutOfRange): // else it was deleted meanwhile
			return deadletter.Letter{}, err
		}
	}
	return deadletter.Letter{}, deadletter.ErrUnknown
}

// Replay implements deadletter.Topic. The reason is not part of the message.
func (l *Letters) Replay(ctx context.Context, letters []deadletter.Letter) error {
	back := batch{}
	for _, letter := range letters {
		m := kafka.Message{Key: letter.Key, Value: letter.Value}
		for _, h := range letter.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
		}
		partition := LaneBalancer{}.Balance(m)
		if partition < 0 {
			return fmt.Errorf("%s: %w", letter.ID, deadletter.ErrNoLane)
		}
		back[partition] = append(back[partition], m)
	}
	if err := l.client.produce(ctx, l.client.topic, back); err != nil {
		return fmt.Errorf("%w: %w", deadletter.ErrUnavailable, err)
	}
	return nil
}

// span is a partition's first offset and the one behind its last.
type span struct {
	id         int
	first, end int64
}

// bounds of the partitions that there are now; none without the topic:
// it is made with the others.
func (l *Letters) bounds(ctx context.Context) (all []span, err error) {
	err = l.try(ctx, func(ctx context.Context) error {
		all, err = l.client.spans(ctx, l.client.dead)
		return err
	})
	if missing(err) {
		return nil, nil
	}
	return all, err
}

// spans of the partitions of a topic.
func (c *Client) spans(ctx context.Context, topic string) ([]span, error) {
	partitions, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	var ask []kafka.OffsetRequest
	for _, p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	answer, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return nil, err
	}
	var all []span
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		all = append(all, span{p.Partition, p.FirstOffset, p.LastOffset})
	}
	slices.SortFunc(all, func(a, b span) int { return a.id - b.id })
	return all, nil
}

var errNothing = errors.New("queue: a broker gives nothing where it has something")

// fetch gives letters from an offset on, at least one if there is one before end.
func (l *Letters) fetch(ctx context.Context, partition int, from, end int64) (letters []deadletter.Letter, err error) {
	err = l.try(ctx, func(ctx context.Context) error {
		letters = nil
		answer, err := l.client.kafka.Fetch(ctx, &kafka.FetchRequest{
			Topic: l.client.dead, Partition: partition, Offset: from, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: letterWait,
		})
		if err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		for {
			record, err := answer.Records.ReadRecord()
			switch {
			case err == nil:
			case len(letters) > 0: // what follows is fetched again
				return nil
			case errors.Is(err, io.EOF):
				return errNothing
			default:
				return err
			}
			opened, err := open(record)
			if err != nil {
				return err
			}
			if record.Offset >= from && record.Offset < end { // a batch may begin before it
				letters = append(letters, letterOf(partition, opened, record.Time))
			}
		}
	})
	return letters, err
}

func letterOf(partition int, f fetched, at time.Time) deadletter.Letter {
	letter := deadletter.Letter{
		ID: deadletter.ID{Partition: partition, Offset: f.offset}, WrittenAt: at.UTC().Truncate(time.Millisecond), Key: f.key, Value: f.value,
	}
	headers := f.headers
	if n := len(headers); n > 0 && headers[n-1].Key == reasonHeader { // the last is bury's
		letter.Reason, headers = string(headers[n-1].Value), headers[:n-1]
	}
	for _, h := range headers {
		letter.Headers = append(letter.Headers, deadletter.Header{Name: h.Key, Value: h.Value})
	}
	if name, _, err := ParseKey(f.key); err == nil {
		letter.Lane = string(name)
	}
	return letter
}

// try does what may fail for now a few times. What the brokers refuse for good,
// and OffsetOutOfRange, is told at once.
func (l *Letters) try(ctx context.Context, do func(context.Context) error) error {
	wait := newBackoff(100*time.Millisecond, 2*time.Second)
	for n := 1; ; n++ {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		err := do(limited)
		cancel()
		switch {
		case err == nil || errors.Is(err, kafka.OffsetOutOfRange):
			return err
		case ctx.Err() != nil || n == letterTries || !passing(err) && !missing(err):
			return fmt.Errorf("%w: %w", deadletter.ErrUnavailable, err)
		}
		sleep(ctx, wait.NextBackOff())
	}
}
