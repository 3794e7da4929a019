package campaign

import (
	"sync"
	"time"

	"registrar/internal/registration"
)

// Hours says again, right before a message is sent, whether it is quiet where
// the person is: it may have been queued for hours.
type Hours struct {
	ZonesOf ZonesOf // as the Feeder's

	parsed sync.Map // QuietHours by their text: as many as there are campaigns in a process's life
}

// Hold says until when a campaign's message is to wait. quiet is what the
// campaign's row says; mobile is the account's number, "" for none. Quiet hours
// that cannot be read hold for an hour: a newer version has written them.
func (h *Hours) Hold(quiet string, mobile registration.Mobile, now time.Time) (until time.Time, hold bool) {
	known, ok := h.parsed.Load(quiet)
	if !ok {
		var q QuietHours
		if err := q.UnmarshalText([]byte(quiet)); err != nil {
			return now.Add(time.Hour), true
		}
		known, _ = h.parsed.LoadOrStore(quiet, q)
	}
	q := known.(QuietHours)
	if q.None() {
		return now, false
	}
	until = q.Until(now, zonesOf(h.ZonesOf, mobile))
	return until, until.After(now)
}
