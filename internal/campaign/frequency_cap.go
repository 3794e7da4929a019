package campaign

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// FrequencyCap is how many campaign messages a person may get, over all
// campaigns and both channels, within a time. Its zero value is no cap.
type FrequencyCap struct {
	Messages int // 1 to 1,000; 0 for no cap
	Within   time.Duration
}

const maxCap = 1000

var errCap = errors.New("a frequency cap is a number of messages and a time, like 2/7d: 1 to 1000 messages, 1m to 365d")

// ParseFrequencyCap reads "2/7d". "" is no cap.
func ParseFrequencyCap(s string) (FrequencyCap, error) {
	if s == "" {
		return FrequencyCap{}, nil
	}
	number, within, found := strings.Cut(s, "/")
	n, err := strconv.Atoi(number)
	if !found || err != nil {
		return FrequencyCap{}, errCap
	}
	d, err := ParseDuration(within)
	if err != nil || n == 0 {
		return FrequencyCap{}, errCap
	}
	c := FrequencyCap{n, d}
	return c, c.Check()
}

// Check says what is wrong with it.
func (c FrequencyCap) Check() error {
	if c == (FrequencyCap{}) {
		return nil
	}
	if c.Messages < 1 || c.Messages > maxCap || c.Within < time.Minute || c.Within > 365*24*time.Hour {
		return errCap
	}
	return nil
}

// String is the form that ParseFrequencyCap reads.
func (c FrequencyCap) String() string {
	if c.Messages == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%s", c.Messages, FormatDuration(c.Within))
}

// ParseDuration reads a time.Duration that may begin with days, which have 24
// hours: "7d", "1d12h".
func ParseDuration(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		return time.ParseDuration(s)
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration, like 7d or 36h", s)
	}
	d := time.Duration(n) * 24 * time.Hour
	if rest == "" {
		return d, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more >= 24*time.Hour {
		return 0, fmt.Errorf("%q is no duration, like 7d or 36h", s)
	}
	return d + more, nil
}

// FormatDuration is the form that ParseDuration reads, with days.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	text := ""
	if days > 0 {
		text = fmt.Sprintf("%dd", days)
	}
	if rest > 0 || days == 0 {
		short := rest.String()
		if strings.HasSuffix(short, "m0s") {
			short = strings.TrimSuffix(short, "0s")
		}
		if strings.HasSuffix(short, "h0m") {
			short = strings.TrimSuffix(short, "0m")
		}
		text += short
	}
	return text
}
