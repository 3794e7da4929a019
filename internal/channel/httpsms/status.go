package httpsms

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"registrar/internal/notify"
)

// accepted stands beside the classes of failure.
const accepted notify.Class = "ACCEPTED"

// Statuses say what an answer's status means for the message, each as a code
// ("409") or a class ("5xx"). A code goes before a class, and both before the
// defaults: 2xx is accepted; 401, 402, 407, 408, 425, 3xx and 5xx are
// transient, for they are about the client, its configuration or the moment,
// and all of them but 425 are the gateway's own failure, whatever the message;
// 429 is throttled (RFC 6585 section 4); every other 4xx is permanent.
type Statuses struct {
	Accepted  []string
	Transient []string
	Permanent []string
	Throttled []string
	// Ambiguous is for a gateway that may have taken a message although it
	// answers so, 504 for instance. None by default.
	Ambiguous []string
}

// table is the class of each status from 100 to 599.
type table [600]notify.Class

func (t *table) of(status int) notify.Class {
	if status < 100 || status >= len(t) {
		return notify.Ambiguous
	}
	return t[status]
}

// isGateways says whether a transient or throttling answer would be the same to
// any other message.
func isGateways(class notify.Class, status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusProxyAuthRequired, http.StatusRequestTimeout:
		return true
	default:
		return class == notify.Throttled || status/100 == 3 || status/100 == 5
	}
}

// longestRetryAfter bounds what a gateway may ask for.
const longestRetryAfter = 24 * time.Hour

// retryAfter reads the header Retry-After, a number of seconds or a date (RFC
// 9110 section 10.2.3): 0 where there is none, or none that can be read.
func retryAfter(value string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetryAfter)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), longestRetryAfter)
}

var errStatus = errors.New(`a status is a code from 100 to 599 or a class such as "5xx"`)

func (s Statuses) table() (*table, error) {
	t := new(table)
	for code := range t {
		switch code / 100 {
		case 2:
			t[code] = accepted
		case 4:
			t[code] = notify.Permanent
		case 3, 5:
			t[code] = notify.Transient
		default:
			t[code] = notify.Ambiguous
		}
	}
	for _, code := range []int{401, 402, 407, 408, 425} {
		t[code] = notify.Transient
	}
	t[http.StatusTooManyRequests] = notify.Throttled
	sets := []struct {
		class   notify.Class
		entries []string
	}{{accepted, s.Accepted}, {notify.Transient, s.Transient}, {notify.Permanent, s.Permanent}, {notify.Throttled, s.Throttled}, {notify.Ambiguous, s.Ambiguous}}
	seen := make(map[string]bool)
	for _, exact := range []bool{false, true} {
		for _, set := range sets {
			for _, entry := range set.entries {
				from, to, err := span(entry)
				if err != nil {
					return nil, fmt.Errorf("httpsms: %q: %w", entry, err)
				}
				if exact != (from == to) {
					continue
				}
				if seen[entry] {
					return nil, fmt.Errorf("httpsms: the status %q is in two sets", entry)
				}
				seen[entry] = true
				for code := from; code <= to; code++ {
					t[code] = set.class
				}
			}
		}
	}
	return t, nil
}

// span reads a code or a class.
func span(entry string) (from, to int, err error) {
	if len(entry) == 3 && entry[1:] == "xx" && entry[0] >= '1' && entry[0] <= '5' {
		from = int(entry[0]-'0') * 100
		return from, from + 99, nil
	}
	code, err := strconv.Atoi(entry)
	if err != nil || code < 100 || code > 599 || len(entry) != 3 {
		return 0, 0, errStatus
	}
	return code, code, nil
}
