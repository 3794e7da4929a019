package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
)

const (
	fetchBytes  = 128 << 10
	fetchSlack  = time.Second // that an answer may take after FetchWait
	handlerMost = 100         // messages in one call of the handler
)

// reader reads one partition and has its messages handled.
type reader struct {
	member    *member
	partition int
	cancel    context.CancelFunc
	done      chan struct{}

	watermark atomic.Int64 // everything before it is handled; kafka.FirstOffset until the first fetch
	committed atomic.Int64
}

// handled is the offset to be committed; negative for none yet.
func (r *reader) handled() int64 { return r.watermark.Load() }

// fetched is one record as the broker gave it.
type fetched struct {
	offset  int64
	time    time.Time // to the millisecond, when it was published
	key     []byte
	value   []byte
	headers []kafka.Header
}

// read goes on until ctx ends, whatever fails.
func (r *reader) read(ctx context.Context, position int64) {
	at := place{next: position}
	find := position < 0 // the log's first offset
	wait := newBackoff(50*time.Millisecond, 2*time.Second)
	defer r.member.reading.ok(r.partition)
	for ctx.Err() == nil {
		if find {
			first, err := r.first(ctx)
			if err != nil {
				r.failed(ctx, err)
				sleep(ctx, wait.NextBackOff())
				continue
			}
			if at.begin(first, time.Now()) {
				r.lost(ctx)
			}
			r.advance(first)
			find = false
		}
		from := at.from(time.Now())
		records, end, err := r.fetch(ctx, from)
		if err == nil {
			records, err = at.arrive(records, from, time.Now())
		}
		switch {
		case ctx.Err() != nil:
			return
		case outside(err):
			// What is there is read from its beginning, the ledger knows what has been sent.
			find = true
			sleep(ctx, wait.NextBackOff())
			continue
		case err != nil:
			at.answered, at.hidden = time.Time{}, false
			r.failed(ctx, err)
			sleep(ctx, wait.NextBackOff())
			continue
		}
		wait.Reset()
		r.member.reading.ok(r.partition)
		for len(records) > 0 && ctx.Err() == nil {
			n := min(len(records), handlerMost)
			if !r.take(ctx, records[:n]) {
				return
			}
			at.passed(records[n-1])
			r.advance(at.next)
			records = records[n:]
		}
		if r.member.client.observe.Lag != nil {
			r.member.client.observe.Lag(string(r.member.lane), r.partition, max(0, end-at.next))
		}
	}
}

// lost tells that the log was cut behind the reader, or is another one.
func (r *reader) lost(ctx context.Context) {
	c := r.member.client
	c.log.WarnContext(ctx, "queue: the log is not the one that was read before, reading from its first offset", "lane", string(r.member.lane), "partition", r.partition)
	if c.observe.Lost != nil {
		c.observe.Lost([]lane.Lane{r.member.lane})
	}
}

func (r *reader) advance(to int64) {
	r.watermark.Store(to)
	r.member.changed()
}

// take has records handled, as often as it needs. It says false when ctx ended first.
func (r *reader) take(ctx context.Context, records []fetched) bool {
	c, name := r.member.client, string(r.member.lane)
	messages := make([]lane.Message, 0, len(records))
	for _, record := range records {
		m, err := Decode(record.key, record.value, record.headers)
		if err == nil && m.Lane != r.member.lane {
			err = errMisplaced
		}
		if err != nil {
			if !c.bury(ctx, r, record, err) {
				return false
			}
			continue
		}
		messages = append(messages, m)
	}
	if len(messages) == 0 {
		return true
	}
	wait := newBackoff(100*time.Millisecond, 10*time.Second)
	defer r.member.handling.ok(r.partition)
	for {
		err := r.member.handle(ctx, messages)
		if err == nil {
			if c.observe.Handled != nil {
				c.observe.Handled(name, len(messages))
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if c.observe.Failed != nil {
			c.observe.Failed(name)
		}
		r.member.handling.failed(r.partition, err)
		sleep(ctx, wait.NextBackOff())
		if ctx.Err() != nil {
			return false
		}
	}
}

func (r *reader) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if missing(err) {
		r.member.client.ensureAgain(ctx)
	}
	r.member.reading.failed(r.partition, err)
}

// first is the offset of the first record that the partition still has.
func (r *reader) first(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	c := r.member.client
	answer, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{c.topic: {kafka.FirstOffsetOf(r.partition)}},
	})
	if err != nil {
		return 0, err
	}
	for _, p := range answer.Topics[c.topic] {
		if p.Partition == r.partition {
			return p.FirstOffset, p.Error
		}
	}
	return 0, kafka.UnknownTopicOrPartition
}

// fetch asks the partition's leader for records from position on; none when
// there are none within FetchWait. end is the offset after the last that can
// be read.
func (r *reader) fetch(ctx context.Context, position int64) (records []fetched, end int64, err error) {
	c := r.member.client
	ctx, cancel := context.WithTimeout(ctx, c.settings.FetchWait+fetchSlack)
	defer cancel()
	answer, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{
		Topic: c.topic, Partition: r.partition, Offset: position,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: c.settings.FetchWait,
	})
	if err != nil {
		return nil, 0, err
	}
	if answer.Error != nil {
		return nil, 0, answer.Error
	}
	for {
		record, err := answer.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return records, answer.HighWatermark, nil
		}
		if err != nil {
			if len(records) > 0 {
				return records, answer.HighWatermark, nil // what follows is fetched again
			}
			return nil, 0, fmt.Errorf("records: %w", err)
		}
		f, err := open(record)
		if err != nil {
			return nil, 0, err
		}
		if record.Offset >= position { // a batch may begin before it
			records = append(records, f)
		}
	}
}

func open(record *kafka.Record) (f fetched, err error) {
	f.offset, f.time, f.headers = record.Offset, record.Time, record.Headers
	if f.key, err = readAll(record.Key); err != nil {
		return fetched{}, err
	}
	f.value, err = readAll(record.Value)
	return f, err
}

func readAll(b kafka.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	all, err := kafka.ReadAll(b)
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return all, nil
}
