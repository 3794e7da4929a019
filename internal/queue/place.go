package queue

import (
	"bytes"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
)

// sureFor is how long after an answer a partition's log is taken to be the same
// one: nobody makes it anew and fills it again in that time.
const sureFor = time.Second

var errOtherLog = errors.New("the log is not the one that was read before")

// place is where a reader is in its partition's log.
//
// A log that was lost and made anew may have grown past the place by the time
// that it is looked at again, and offsets alone would not tell. So after a
// while without an answer the record before the place is fetched once more: it
// has to be the one that was read there.
type place struct {
	next     int64     // the offset to go on from; kafka.FirstOffset for the log's first
	last     *fetched  // the record before it; nil: not known
	answered time.Time // when a broker last gave what is there; zero: it has failed since
	hidden   bool      // the record before it could not be read when it was asked for
}

// from is the offset to fetch from.
func (p *place) from(now time.Time) int64 {
	if p.next > 0 && !p.hidden && now.Sub(p.answered) >= sureFor {
		return p.next - 1
	}
	return p.next
}

// arrive takes what was fetched from an offset that from gave, and gives what is
// to be handled of it. errOtherLog: the place means nothing any more.
func (p *place) arrive(records []fetched, from int64, now time.Time) ([]fetched, error) {
	switch {
	case p.hidden:
		p.hidden = false // the broker has an offset behind it: look again
		return nil, nil
	case from == p.next:
	case len(records) == 0:
		// A new leader does not show its last records at once. But a log that ends
		// here answers alike: the next fetch is from behind it, and would fail.
		p.hidden = true
		return nil, nil
	default:
		before := records[0]
		if p.last != nil && !p.last.same(before) {
			return nil, errOtherLog
		}
		if before.offset == from {
			p.last, records = &before, records[1:]
		}
	}
	p.answered = now
	return records, nil
}

// passed: everything up to and with last was handled.
func (p *place) passed(last fetched) {
	p.next, p.last = last.offset+1, &last
}

// begin puts the place at the log's first offset. lost says whether messages may
// be gone unread: not when all that is gone is what was read.
func (p *place) begin(first int64, now time.Time) (lost bool) {
	lost = p.next >= 0 && p.next != first
	*p = place{next: first, answered: now}
	return lost
}

// outside says whether a place is in no log that the broker has.
func outside(err error) bool {
	return errors.Is(err, kafka.OffsetOutOfRange) || errors.Is(err, errOtherLog)
}

// same says whether two records are one.
func (f *fetched) same(other fetched) bool {
	return f.offset == other.offset && f.time.Equal(other.time) && bytes.Equal(f.key, other.key) && bytes.Equal(f.value, other.value)
}
