package campaign_test

import (
	"testing"
	"time"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

func quiet(t *testing.T, hours, zone string) campaign.QuietHours {
	t.Helper()
	q, err := campaign.ParseQuietHours(hours, zone)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestUntil(t *testing.T) {
	t.Parallel()
	const riyadh, madrid, newYork = "Asia/Riyadh", "Europe/Madrid", "America/New_York" // +3, +1/+2, -5/-4
	for _, tt := range []struct {
		name, hours string
		zone        string
		zones       []string
		at, want    string
	}{
		{"by day", "21:00-08:00", riyadh, nil, "2026-03-10T12:00:00Z", ""},
		{"in the evening", "21:00-08:00", riyadh, nil, "2026-03-10T18:00:00Z", "2026-03-11T05:00:00Z"},
		{"a moment before", "21:00-08:00", riyadh, nil, "2026-03-10T17:59:59.999999Z", ""},
		{"in the morning", "21:00-08:00", riyadh, nil, "2026-03-11T04:59:59Z", "2026-03-11T05:00:00Z"},
		{"at their end", "21:00-08:00", riyadh, nil, "2026-03-11T05:00:00Z", ""},
		{"at noon", "12:00-15:00", riyadh, nil, "2026-03-10T10:30:00Z", "2026-03-10T12:00:00Z"},
		{"on the last of a month", "21:00-08:00", riyadh, nil, "2026-01-31T20:00:00Z", "2026-02-01T05:00:00Z"},
		{"where the person is", "21:00-08:00", riyadh, []string{newYork}, "2026-03-10T20:00:00Z", ""},
		{"where the person is, at night", "21:00-08:00", riyadh, []string{newYork}, "2026-03-10T06:00:00Z", "2026-03-10T12:00:00Z"},
		{"in one of two places", "21:00-08:00", riyadh, []string{newYork, "America/Los_Angeles"}, "2026-01-10T13:30:00Z", "2026-01-10T16:00:00Z"},
		{"in one, then in the other", "21:00-08:00", riyadh, []string{"Pacific/Honolulu", newYork}, "2026-01-11T03:00:00Z", "2026-01-11T18:00:00Z"},
		{"always, somewhere", "18:00-12:00", "UTC", []string{riyadh, "America/Bogota"}, "2026-03-10T13:00:00Z", ""},
		{"in a place that is none", "21:00-08:00", riyadh, []string{"Moon/Tycho"}, "2026-03-10T18:00:00Z", "2026-03-11T05:00:00Z"},
		// The clock is put on from 2 to 3 in the night to the 29th of March, and back from 3 to 2 in that to the 25th of October.
		{"in a short night", "21:00-08:00", madrid, nil, "2026-03-28T22:00:00Z", "2026-03-29T06:00:00Z"},
		{"in a long night", "21:00-08:00", madrid, nil, "2026-10-24T22:00:00Z", "2026-10-25T07:00:00Z"},
		{"to an hour that is left out", "22:00-02:30", madrid, nil, "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"},
		{"in an hour that is there twice", "01:00-02:30", madrid, nil, "2026-10-25T01:15:00Z", "2026-10-25T01:30:00Z"},
	} {
		from, err := time.Parse(time.RFC3339Nano, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		want := from
		if tt.want != "" {
			if want, err = time.Parse(time.RFC3339Nano, tt.want); err != nil {
				t.Fatal(err)
			}
		}
		if got := quiet(t, tt.hours, tt.zone).Until(from, tt.zones); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
	if got := (campaign.QuietHours{}).Until(at, []string{riyadh}); !got.Equal(at) {
		t.Errorf("without quiet hours: %s", got)
	}
}

func TestParseQuietHours(t *testing.T) {
	t.Parallel()
	if q := quiet(t, "21:00-08:30", "Asia/Riyadh"); q.From != 21*60 || q.To != 8*60+30 || q.String() != "21:00-08:30 Asia/Riyadh" {
		t.Errorf("read as %+v", q)
	}
	for _, bad := range [][2]string{
		{"21:00", "UTC"}, {"21-08", "UTC"}, {"9:00-8:00", "UTC"}, {"24:00-08:00", "UTC"}, {"21:60-08:00", "UTC"}, {"21:00-08:00 ", "UTC"}, {"08:00-08:00", "UTC"}, {"-1:00-08:00", "UTC"},
		{"21:00-08:00", ""}, {"21:00-08:00", "Local"}, {"21:00-08:00", "Riyadh"}, {"21:00-08:00", "../etc/passwd"},
	} {
		if q, err := campaign.ParseQuietHours(bad[0], bad[1]); err == nil {
			t.Errorf("%v is %v", bad, q)
		}
	}
}

// FuzzQuietHours: whatever is read is written the same, and ends.
func FuzzQuietHours(f *testing.F) {
	f.Add("21:00-08:00", "Asia/Riyadh", int64(1_775_000_000))
	f.Add("00:00-23:59", "America/St_Johns", int64(0))
	f.Add("02:00-03:00", "Europe/Madrid", int64(1_774_745_999))
	f.Fuzz(func(t *testing.T, hours, zone string, unix int64) {
		q, err := campaign.ParseQuietHours(hours, zone)
		if err != nil || q.None() {
			return
		}
		if q.String() != hours+" "+zone {
			t.Errorf("%s %s is written %s", hours, zone, q)
		}
		from := time.Unix(unix%4_000_000_000, 0)
		end := q.Until(from, nil)
		if end.Before(from) || end.Sub(from) > 26*time.Hour {
			t.Errorf("%s from %s until %s", q, from, end)
		}
	})
}

// TestHold: right before sending, by the text of the campaign's row.
func TestHold(t *testing.T) {
	t.Parallel()
	text, err := quiet(t, "21:00-08:00", "Asia/Riyadh").MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	hours := campaign.Hours{ZonesOf: func(m registration.Mobile) []string {
		if m == "+34600000000" {
			return []string{"Europe/Madrid"}
		}
		return nil
	}}
	evening := time.Date(2026, 3, 10, 18, 30, 0, 0, time.UTC)
	for range 2 {
		for mobile, want := range map[registration.Mobile]time.Time{"": evening.Add(10*time.Hour + 30*time.Minute), "+1": evening.Add(10*time.Hour + 30*time.Minute), "+34600000000": evening} {
			until, hold := hours.Hold(string(text), mobile, evening)
			if !until.Equal(want) || hold != want.After(evening) {
				t.Errorf("%q: %s, %v", mobile, until, hold)
			}
		}
	}
	if _, hold := hours.Hold("{}", "", evening); hold {
		t.Error("held without quiet hours")
	}
	if until, hold := hours.Hold(`{"hours":"dawn"}`, "", evening); !hold || !until.After(evening) {
		t.Error("hours that cannot be read hold nothing")
	}
}
