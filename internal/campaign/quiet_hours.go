package campaign

import (
	"errors"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // a machine may have none of its own

	"registrar/internal/registration"
)

// QuietHours are the hours of each day, in the recipient's time zone, in which
// nobody is written to. Its zero value is none.
type QuietHours struct {
	From, To int // minutes of the day; From is quiet, To is not; To before From is the next day; equal for none
	// TimeZone is the IANA name of the zone of those whose own is not known.
	TimeZone string
}

const minutesADay = 24 * 60

var (
	errQuietHours = errors.New("quiet hours are two times of the day, like 21:00-08:00")
	errTimeZone   = errors.New("a time zone is an IANA name, like Asia/Riyadh")
)

// ParseQuietHours reads "21:00-08:00" and the name of a time zone. "" is no
// quiet hours.
func ParseQuietHours(hours, zone string) (QuietHours, error) {
	if hours == "" {
		return QuietHours{}, nil
	}
	var fromHour, fromMinute, toHour, toMinute int
	if n, err := fmt.Sscanf(hours, "%2d:%2d-%2d:%2d", &fromHour, &fromMinute, &toHour, &toMinute); err != nil || n != 4 {
		return QuietHours{}, errQuietHours
	}
	q := QuietHours{From: fromHour*60 + fromMinute, To: toHour*60 + toMinute, TimeZone: zone}
	if q.hours() != hours || fromMinute > 59 || toMinute > 59 || q.From == q.To {
		return QuietHours{}, errQuietHours // such as 9:00-8:00, which may be an evening's 9
	}
	return q, q.Check()
}

// None says that there are no quiet hours.
func (q QuietHours) None() bool { return q.From == q.To }

// Check says what is wrong with them.
func (q QuietHours) Check() error {
	if q.None() {
		return nil
	}
	if q.From < 0 || q.From >= minutesADay || q.To < 0 || q.To >= minutesADay {
		return errQuietHours
	}
	_, err := zone(q.TimeZone)
	return err
}

func (q QuietHours) hours() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", q.From/60, q.From%60, q.To/60, q.To%60)
}

// String is the form that ParseQuietHours reads, and the time zone.
func (q QuietHours) String() string {
	if q.None() {
		return ""
	}
	return q.hours() + " " + q.TimeZone
}

// Until is when a person may be written to, from t on: t itself, or the end of
// the quiet hours. zones are the IANA names of the zones that the person may be
// in; the quiet hours of each of them are kept. Where that leaves no time of
// the day, or no zone is known, those of TimeZone count.
func (q QuietHours) Until(t time.Time, zones []string) time.Time {
	if q.None() {
		return t
	}
	var places []*time.Location
	for _, name := range zones {
		if place, err := zone(name); err == nil {
			places = append(places, place)
		}
	}
	if len(places) > 0 {
		if end, ok := q.until(t, places); ok {
			return end
		}
	}
	place, err := zone(q.TimeZone)
	if err != nil {
		return t
	}
	end, _ := q.until(t, []*time.Location{place})
	return end
}

// until moves t on for as long as it is quiet anywhere, for two days at most.
func (q QuietHours) until(t time.Time, places []*time.Location) (time.Time, bool) {
	end := t
	for moved := true; moved; {
		moved = false
		for _, place := range places {
			if later := q.end(end, place); later.After(end) {
				end, moved = later, true
			}
		}
		if end.Sub(t) > 48*time.Hour {
			return end, false
		}
	}
	return end, true
}

// end is t, or when the quiet hours that t is in end.
func (q QuietHours) end(t time.Time, place *time.Location) time.Time {
	local := t.In(place)
	minute := local.Hour()*60 + local.Minute()
	day := local.Day()
	switch {
	case q.From < q.To && minute >= q.From && minute < q.To, q.From > q.To && minute < q.To:
	case q.From > q.To && minute >= q.From:
		day++
	default:
		return t
	}
	end := time.Date(local.Year(), local.Month(), day, q.To/60, q.To%60, 0, 0, place)
	if !end.After(t) { // a clock that is put back has these minutes twice
		end = end.Add(time.Hour)
	}
	return end.UTC()
}

// zones are the time zones that were asked for; there are some hundred.
var zones sync.Map

// zone loads a time zone by its IANA name.
func zone(name string) (*time.Location, error) {
	if place, ok := zones.Load(name); ok {
		return place.(*time.Location), nil
	}
	if name == "" || name == "Local" {
		return nil, errTimeZone
	}
	place, err := time.LoadLocation(name)
	if err != nil {
		return nil, errTimeZone
	}
	zones.Store(name, place)
	return place, nil
}

// ZonesOf gives the IANA names of the time zones that a number may be in; nil
// where none is known.
type ZonesOf func(registration.Mobile) []string
