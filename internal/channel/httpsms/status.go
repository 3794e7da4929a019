package httpsms

import (
	"errors"
	"fmt"
	"strconv"

	"registrar/internal/notify"
)

// accepted stands beside the classes of failure.
const accepted notify.Class = "ACCEPTED"

// Statuses say what an answer's status means for the message, each as a code
// ("409") or a class ("5xx"). A code goes before a class, and both before the
// defaults: 2xx is accepted; 401, 402, 407, 408, 425, 429, 3xx and 5xx are
// transient, for they are about the client, its configuration or the moment;
// every other 4xx is permanent.
type Statuses struct {
	Accepted  []string
	Transient []string
	Permanent []string
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
	for _, code := range []int{401, 402, 407, 408, 425, 429} {
		t[code] = notify.Transient
	}
	sets := []struct {
		class   notify.Class
		entries []string
	}{{accepted, s.Accepted}, {notify.Transient, s.Transient}, {notify.Permanent, s.Permanent}, {notify.Ambiguous, s.Ambiguous}}
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
