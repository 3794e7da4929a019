package queue

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
)

// Partitions is how many partitions the lanes' topic has at least.
const Partitions = 24

// ErrNoLane is a key, or a message, that names no lane.
var ErrNoLane = errors.New("queue: key names no lane")

// Range is the partitions First to First+Count-1.
type Range struct{ First, Count int }

// layout is version 1 of the map from lanes to partitions. It is written down,
// not computed: a lane keeps its partitions when lanes or partitions are
// added. Another layout is another version and another topic.
var layout = map[lane.Lane]Range{
	lane.SMSOTP:             {0, 4},
	lane.EmailOTP:           {4, 4},
	lane.SMSTransactional:   {8, 4},
	lane.EmailTransactional: {12, 4},
	lane.EmailMarketing:     {16, 4},
	lane.SMSMarketing:       {20, 4},
}

// RangeOf gives a lane's partitions. Errors: ErrNoLane.
func RangeOf(l lane.Lane) (Range, error) {
	r, ok := layout[l]
	if !ok {
		return Range{}, ErrNoLane
	}
	return r, nil
}

// Key is a message's key: its lane, a slash, and its recipient's hash as four
// hexadecimal digits.
func Key(l lane.Lane, recipient uint16) []byte {
	key := make([]byte, 0, len(l)+5)
	key = append(key, l...)
	key = append(key, '/')
	return appendHash(key, recipient)
}

func appendHash(b []byte, hash uint16) []byte {
	const digits = "0123456789abcdef"
	return append(b, digits[hash>>12], digits[hash>>8&15], digits[hash>>4&15], digits[hash&15])
}

// ParseKey reads what Key wrote, and nothing else. Errors: ErrNoLane.
func ParseKey(key []byte) (lane.Lane, uint16, error) {
	name, digits, _ := strings.Cut(string(key), "/")
	l := lane.Lane(name)
	if _, ok := layout[l]; !ok {
		return "", 0, ErrNoLane
	}
	hash, err := parseHash(digits)
	if err != nil {
		return "", 0, fmt.Errorf("%w and a recipient", ErrNoLane)
	}
	return l, hash, nil
}

func parseHash(digits string) (uint16, error) {
	if len(digits) != 4 || strings.ToLower(digits) != digits {
		return 0, strconv.ErrSyntax
	}
	hash, err := strconv.ParseUint(digits, 16, 16)
	return uint16(hash), err
}

// LaneBalancer chooses the partition of a message: the lane's range
// by the key's prefix, and the partition in it by the recipient's hash. It does
// not look at how many partitions there are.
type LaneBalancer struct{}

var _ kafka.Balancer = LaneBalancer{}

// Balance gives the partition, or -1, which is none, for a key that names no lane.
func (LaneBalancer) Balance(msg kafka.Message, _ ...int) int {
	l, recipient, err := ParseKey(msg.Key)
	if err != nil {
		return -1
	}
	r := layout[l]
	// The hash is spread again: taken as it is, its low bits alone would choose.
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(recipient >> 8), byte(recipient)})
	return r.First + int(h.Sum32()%uint32(r.Count))
}
