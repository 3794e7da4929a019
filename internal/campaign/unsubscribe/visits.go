package unsubscribe

import (
	"encoding/binary"
	"sync"
	"time"

	"registrar/internal/registration"
)

const (
	slots     = 1024
	perMinute = 120 // of the accounts of one slot
)

// visits bounds how often the links of an account are used, whoever does,
// without a row for each account: some share a slot. Its zero value is ready
// for use.
type visits struct {
	mu   sync.Mutex
	slot [slots]struct {
		minute int64 // since 1970 UTC
		n      int
	}
}

// admit counts a visit, and says whether it is within the bound.
func (v *visits) admit(account registration.ID, now time.Time) bool {
	minute := now.Unix() / 60
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &v.slot[binary.BigEndian.Uint16(account[14:])%slots] // the end of a UUID is random
	if s.minute != minute {
		s.minute, s.n = minute, 0
	}
	if s.n >= perMinute {
		return false
	}
	s.n++
	return true
}
