package campaign_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

func valid(change ...func(*campaign.Campaign)) campaign.Campaign {
	c := campaign.Campaign{Name: "spring", Template: "spring-offer", Channel: registration.EmailChannel, Life: time.Hour, State: campaign.Created}
	for _, f := range change {
		f(&c)
	}
	return c
}

// TestStates: what each change makes of each state; "" for what cannot be.
func TestStates(t *testing.T) {
	t.Parallel()
	changes := map[string]func(*campaign.Campaign) error{
		"start":  func(c *campaign.Campaign) error { return c.Start(at, 7) },
		"pause":  (*campaign.Campaign).Pause,
		"resume": (*campaign.Campaign).Resume,
		"cancel": func(c *campaign.Campaign) error { return c.Cancel(at) },
	}
	const created, running, paused, resuming, cancelling, cancelled, done = campaign.Created, campaign.Running, campaign.Paused, campaign.Resuming, campaign.Cancelling, campaign.Cancelled, campaign.Done
	table := map[campaign.State]map[string]campaign.State{
		created:    {"start": running, "cancel": cancelled},
		running:    {"start": running, "pause": paused, "resume": running, "cancel": cancelling},
		paused:     {"pause": paused, "resume": resuming, "cancel": cancelling},
		resuming:   {"pause": paused, "resume": resuming, "cancel": cancelling},
		cancelling: {"cancel": cancelling},
		cancelled:  {"cancel": cancelled},
		done:       {},
	}
	for from, to := range table {
		for name, change := range changes {
			c := valid(func(c *campaign.Campaign) { c.State, c.Swept = from, registration.ID{1} })
			err := change(&c)
			want := to[name]
			switch {
			case want == "":
				if _, ok := errors.AsType[*campaign.StateError](err); !ok || c.State != from {
					t.Errorf("%s of %s: %s, %v", name, from, c.State, err)
				}
			case err != nil || c.State != want:
				t.Errorf("%s of %s: %s, %v", name, from, c.State, err)
			case want != from && (want == resuming || want == cancelling) && !c.Swept.IsZero():
				t.Errorf("%s of %s sweeps from the middle", name, from)
			}
		}
	}
	c := valid()
	if err := c.Start(at, 7); err != nil || !c.StartedAt.Equal(at) || !c.Deadline.Equal(at.Add(time.Hour)) || c.Accounts != 7 {
		t.Errorf("started it is %+v, %v", c, err)
	}
}

func TestStoppedAndEnded(t *testing.T) {
	t.Parallel()
	for state, want := range map[campaign.State][2]bool{
		campaign.Created: {true, false}, campaign.Running: {false, false}, campaign.Paused: {true, false}, campaign.Resuming: {false, false},
		campaign.Cancelling: {true, false}, campaign.Cancelled: {true, true}, campaign.Done: {false, true},
	} {
		if got := [2]bool{state.Stopped(), state.Ended()}; got != want {
			t.Errorf("%s: %v", state, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if err := valid().Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*campaign.Campaign){
		"name: ":          func(c *campaign.Campaign) { c.Name = "Spring" },
		"template: ":      func(c *campaign.Campaign) { c.Template = "../spring" },
		"channel: ":       func(c *campaign.Campaign) { c.Channel = "PIGEON" },
		"segment: ":       func(c *campaign.Campaign) { c.Segment.RegisteredSince, c.Segment.RegisteredBefore = at, at },
		"locale":          func(c *campaign.Campaign) { c.Segment.Locales = []string{"?"} },
		"32 locales":      func(c *campaign.Campaign) { c.Segment.Locales = slices.Repeat([]string{"en"}, 33) },
		"time zone":       func(c *campaign.Campaign) { c.Quiet = campaign.QuietHours{From: 1, To: 2, TimeZone: "Mars"} },
		"two times":       func(c *campaign.Campaign) { c.Quiet = campaign.QuietHours{From: 1, To: 1440, TimeZone: "UTC"} },
		"frequency cap: ": func(c *campaign.Campaign) { c.Cap.Messages = 1 },
		"deadline: ":      func(c *campaign.Campaign) { c.Life = time.Second },
	} {
		if err := valid(change).Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestParseLocales(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{"": nil, " ": nil, "en": {"en"}, "EN,ar-sa , en": {"en", "ar-SA"}} {
		if got, err := campaign.ParseLocales(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{",", "en,", "?", "und", "english language"} {
		if got, err := campaign.ParseLocales(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParseFrequencyCap(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]campaign.FrequencyCap{"": {}, "2/7d": {Messages: 2, Within: 7 * day}, "1/36h": {Messages: 1, Within: 36 * time.Hour}, "1000/1m": {Messages: 1000, Within: time.Minute}} {
		if got, err := campaign.ParseFrequencyCap(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"2", "/", "0/7d", "-1/7d", "2/", "2/0d", "2/1s", "1001/7d", "2/366d", "2/7w", "2/7d/7d", "2 / 7d"} {
		if got, err := campaign.ParseFrequencyCap(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzParseFrequencyCap(f *testing.F) {
	for _, text := range []string{"", "2/7d", "1/36h", "0/7d", "1/1d12h", "9/99999999d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := campaign.ParseFrequencyCap(text)
		if err != nil {
			return
		}
		if again, err := campaign.ParseFrequencyCap(c.String()); err != nil || again != c {
			t.Errorf("%q is %v, which is written %s and read as %v, %v", text, c, c, again, err)
		}
	})
}

// TestColumns: what is stored comes back, and nothing that is not known.
func TestColumns(t *testing.T) {
	t.Parallel()
	s := campaign.Segment{Locales: []string{"ar", "en"}, RegisteredSince: at, RegisteredBefore: at.Add(time.Microsecond)}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var again campaign.Segment
	if err := again.UnmarshalText(text); err != nil || !slices.Equal(again.Locales, s.Locales) || again.RegisteredSince != s.RegisteredSince || again.RegisteredBefore != s.RegisteredBefore {
		t.Errorf("%s is read as %+v, %v", text, again, err)
	}
	q, err := campaign.ParseQuietHours("21:00-08:00", "Asia/Riyadh")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []campaign.QuietHours{{}, q} {
		var again campaign.QuietHours
		if text, err := q.MarshalText(); err != nil || again.UnmarshalText(text) != nil || again != q {
			t.Errorf("%s is read as %+v", text, again)
		}
	}
	for _, c := range []campaign.FrequencyCap{{}, {Messages: 2, Within: time.Hour}} {
		var again campaign.FrequencyCap
		if text, err := c.MarshalText(); err != nil || again.UnmarshalText(text) != nil || again != c {
			t.Errorf("%s is read as %+v", text, again)
		}
	}
	for _, text := range []string{"", "[]", `{"locales":["en"],"city":"Riyadh"}`, `{} {}`, `{"locales":["?"]}`, `{"registered_since":2,"registered_before":1}`} {
		if err := new(campaign.Segment).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is a segment", text)
		}
	}
}

func FuzzSegment(f *testing.F) {
	for _, text := range []string{"{}", `{"locales":["ar-SA"],"registered_since":1}`, `{"registered_before":9223372036854775807}`, `{"locales":[""]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s, again campaign.Segment
		if s.UnmarshalText(text) != nil {
			return
		}
		written, err := s.MarshalText()
		if err != nil || again.UnmarshalText(written) != nil || !slices.Equal(s.Locales, again.Locales) || !s.RegisteredSince.Equal(again.RegisteredSince) || !s.RegisteredBefore.Equal(again.RegisteredBefore) {
			t.Errorf("%s is written %s", text, written)
		}
	})
}
