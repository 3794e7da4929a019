package campaign

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// The JSON of what a campaign's row keeps as text. Members that are not known
// are an error: a newer version's segment is not to be taken for a wider one.

type segmentJSON struct {
	Locales []string `json:"locales,omitempty"`
	Since   int64    `json:"registered_since,omitempty"` // microseconds since 1970 UTC
	Before  int64    `json:"registered_before,omitempty"`
}

type quietJSON struct {
	Hours    string `json:"hours,omitempty"`
	TimeZone string `json:"time_zone,omitempty"`
}

type capJSON struct {
	Messages int   `json:"messages,omitempty"`
	Within   int64 `json:"within,omitempty"` // microseconds
}

// MarshalText writes the segment as JSON.
func (s Segment) MarshalText() ([]byte, error) {
	return json.Marshal(segmentJSON{s.Locales, micros(s.RegisteredSince), micros(s.RegisteredBefore)})
}

// UnmarshalText reads what MarshalText writes, and checks it.
func (s *Segment) UnmarshalText(text []byte) error {
	var j segmentJSON
	if err := strictly(text, &j); err != nil {
		return err
	}
	*s = Segment{j.Locales, timeOf(j.Since), timeOf(j.Before)}
	return s.Check()
}

// MarshalText writes the quiet hours as JSON.
func (q QuietHours) MarshalText() ([]byte, error) {
	if q.None() {
		return []byte("{}"), nil
	}
	return json.Marshal(quietJSON{q.hours(), q.TimeZone})
}

// UnmarshalText reads what MarshalText writes, and checks it.
func (q *QuietHours) UnmarshalText(text []byte) error {
	var j quietJSON
	err := strictly(text, &j)
	if err == nil {
		*q, err = ParseQuietHours(j.Hours, j.TimeZone)
	}
	return err
}

// MarshalText writes the cap as JSON.
func (c FrequencyCap) MarshalText() ([]byte, error) {
	return json.Marshal(capJSON{c.Messages, c.Within.Microseconds()})
}

// UnmarshalText reads what MarshalText writes, and checks it.
func (c *FrequencyCap) UnmarshalText(text []byte) error {
	var j capJSON
	if err := strictly(text, &j); err != nil {
		return err
	}
	const most = int64(365 * 24 * time.Hour / time.Microsecond)
	if j.Within < 0 || j.Within > most {
		return errCap
	}
	*c = FrequencyCap{j.Messages, time.Duration(j.Within) * time.Microsecond}
	return c.Check()
}

func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errors.New("campaign: more than one value")
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
