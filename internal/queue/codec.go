package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

const (
	codecVersion      = 1
	maxValue          = 1024 // bytes; version 1 needs under 200
	traceParentHeader = "traceparent"
	reasonHeader      = "reason"
)

// Why a record is poison. The texts name the fault, never the content.
var (
	errMalformed = errors.New("malformed")
	errVersion   = errors.New("unknown version")
	errMismatch  = errors.New("key and value disagree")
	errMisplaced = errors.New("not of this lane")
)

// value is version 1 of a message's JSON form.
type value struct {
	Version   int    `json:"v"`
	ID        string `json:"id"`
	Lane      string `json:"lane"`
	Recipient string `json:"recipient"` // lane.RecipientHash, four hexadecimal digits
	Deadline  int64  `json:"deadline"`  // microseconds since 1970 UTC
}

// encodeValue writes m as value's JSON. Nothing in it needs escaping: the lane
// is one of the layout's.
func encodeValue(m lane.Message) []byte {
	b := make([]byte, 0, 160)
	b = append(b, `{"v":1,"id":"`...)
	b = append(b, m.NotificationID.String()...)
	b = append(b, `","lane":"`...)
	b = append(b, m.Lane...)
	b = append(b, `","recipient":"`...)
	b = appendHash(b, m.Recipient)
	b = append(b, `","deadline":`...)
	b = strconv.AppendInt(b, m.Deadline.UnixMicro(), 10)
	return append(b, '}')
}

// Decode reads a record's key and value back into a message. It accepts version
// 1 with all of its fields and no other. A trace context that is not well-formed
// is dropped, as W3C Trace Context 3.2 asks; it makes no message poison.
func Decode(key, val []byte, headers []kafka.Header) (lane.Message, error) {
	if len(val) > maxValue {
		return lane.Message{}, errMalformed
	}
	var v value
	dec := json.NewDecoder(bytes.NewReader(val))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return lane.Message{}, errMalformed
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return lane.Message{}, errMalformed
	}
	if v.Version != codecVersion {
		return lane.Message{}, errVersion
	}
	id, err := registration.ParseID(v.ID)
	if err != nil || id.IsZero() || v.Deadline <= 0 {
		return lane.Message{}, errMalformed
	}
	l, recipient, err := ParseKey(key)
	if err != nil {
		return lane.Message{}, fmt.Errorf("%w", errMismatch)
	}
	if hash, err := parseHash(v.Recipient); err != nil || hash != recipient || v.Lane != string(l) {
		return lane.Message{}, errMismatch
	}
	m := lane.Message{NotificationID: id, Lane: l, Recipient: recipient, Deadline: time.UnixMicro(v.Deadline).UTC()}
	for _, h := range headers {
		if h.Key == traceParentHeader && wellFormed(h.Value) {
			m.TraceParent = string(h.Value)
		}
	}
	return m, nil
}

// Encode gives the record of a message. Errors: ErrNoLane.
func Encode(m lane.Message) (kafka.Message, error) {
	if _, ok := layout[m.Lane]; !ok {
		return kafka.Message{}, ErrNoLane
	}
	record := kafka.Message{Key: Key(m.Lane, m.Recipient), Value: encodeValue(m)}
	if m.TraceParent != "" {
		record.Headers = []kafka.Header{{Key: traceParentHeader, Value: []byte(m.TraceParent)}}
	}
	return record, nil
}

// wellFormed: version 00 of traceparent is 55 characters, four hexadecimal
// fields with dashes between; later versions may have more after another dash
// (W3C Trace Context 3.2.2, 3.2.4).
func wellFormed(traceParent []byte) bool {
	switch {
	case len(traceParent) < 55 || len(traceParent) > 128:
		return false
	case string(traceParent[:2]) == "ff":
		return false
	case len(traceParent) > 55 && (string(traceParent[:2]) == "00" || traceParent[55] != '-'):
		return false
	}
	for i, c := range traceParent {
		switch {
		case i == 2 || i == 35 || i == 52:
			if c != '-' {
				return false
			}
		case i < 55 && (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		case c < 0x21 || c > 0x7e:
			return false
		}
	}
	return true
}
