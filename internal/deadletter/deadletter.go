// Package deadletter is what people do about messages that no notifier could
// read: it lists them, puts them back into their lanes, and keeps what was
// decided on which.
//
// What may be relied on: a letter is never removed from its topic by a
// decision, only noted; a replay keeps the letter's key, value and headers, and
// is noted after the broker has the message, so that a crash in between loses
// nothing. What may not: that a letter is replayed once only. A crash between
// the two, or two people at once, put it back twice; the ledger sends what it
// leads to once all the same.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ID is where a letter lies in the dead-letter topic.
type ID struct {
	Partition int
	Offset    int64
}

// String writes "partition/offset".
func (id ID) String() string { return fmt.Sprintf("%d/%d", id.Partition, id.Offset) }

// ParseID reads what String wrote.
func ParseID(s string) (ID, error) {
	p, o, _ := strings.Cut(s, "/")
	partition, err := strconv.ParseInt(p, 10, 32)
	offset, offsetErr := strconv.ParseInt(o, 10, 64)
	id := ID{int(partition), offset}
	if err != nil || offsetErr != nil || partition < 0 || offset < 0 || id.String() != s {
		return ID{}, fmt.Errorf("deadletter: %q is not of the form PARTITION/OFFSET, such as 0/42", s)
	}
	return id, nil
}

// Header is one of a record's.
type Header struct {
	Name  string
	Value []byte
}

// Letter is a message that could not be read, as it lies in the topic. Nothing
// of it is to be believed: anybody who may write to the queue made it.
type Letter struct {
	ID
	WrittenAt time.Time // by the broker's topic, to the millisecond; tells the letter from another at a reused offset
	Key       []byte
	Value     []byte
	Headers   []Header
	Reason    string // why it could not be read
	Lane      string // that its key names; "" when it names none
}

// Decision is what was decided on a letter; "" is nothing yet.
type Decision string

// The decisions.
const (
	Replayed  Decision = "replayed"
	Discarded Decision = "discarded"
)

// Decided is a letter with what was decided on it.
type Decided struct {
	Letter
	Decision Decision
	At       time.Time // of the decision; zero for none
}

// Mark names a letter among all that ever were at its place.
type Mark struct {
	ID
	WrittenAt int64 // microseconds since 1970, UTC
}

// Mark of the letter.
func (l Letter) Mark() Mark { return Mark{l.ID, l.WrittenAt.UnixMicro()} }

// Verdict is one decision as it is kept.
type Verdict struct {
	Decision Decision
	At       time.Time
}

// Topic is where the letters lie.
type Topic interface {
	// Read gives the letters that there are when it is called, in the order of
	// their partitions and offsets, in batches of any size but none, until give
	// returns an error, which is then Read's. Errors: ErrUnavailable.
	Read(ctx context.Context, give func([]Letter) error) error
	// Letter gives one. Errors: ErrUnknown, ErrUnavailable.
	Letter(ctx context.Context, id ID) (Letter, error)
	// Replay puts letters into the lanes that their keys name, and returns when
	// the brokers have them for good. With ErrNoLane none was put anywhere; after
	// another error it is unknown which.
	Replay(ctx context.Context, letters []Letter) error
}

// Decisions keeps what was decided.
type Decisions interface {
	// Verdicts gives what was decided on those of marks on which something was.
	Verdicts(ctx context.Context, marks []Mark) (map[Mark]Verdict, error)
	// Decide notes a decision on each of marks, over what was noted before.
	Decide(ctx context.Context, marks []Mark, v Verdict) error
}

// What may be wrong.
var (
	ErrUnknown     = errors.New("deadletter: there is no such letter")
	ErrNoLane      = errors.New("deadletter: the key names no lane, so there is nowhere to put the message back")
	ErrUnavailable = errors.New("deadletter: the brokers do not answer")
)
