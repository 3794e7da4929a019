package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/event"
	"registrar/internal/feed"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseFrom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]feed.From{
		"beginning": {}, "now": {Now: true}, "17": {Position: "17"}, "0:12,1:40": {Position: "0:12,1:40"}, "2026-03-01T12:00:00Z": {Time: at},
	} {
		if got, err := feed.ParseFrom(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{"", "end", "2026-03-01", "-1", "0;1", "p17"} {
		if got, err := feed.ParseFrom(wrong); err == nil {
			t.Errorf("%q: %+v", wrong, got)
		}
	}
}

// TestCloudEvent: all attributes of the JSON format, the position as an extension.
func TestCloudEvent(t *testing.T) {
	t.Parallel()
	item := feed.Item{Event: event.Event{ID: registration.ID{1}, Type: "registrar.contact.verified.v1", Subject: registration.ID{2}, At: time.Unix(1, 5000), Data: []byte(`{"channel":"SMS"}`)}, Position: "17"}
	text, err := item.JSON("/registrar")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"specversion":"1.0","id":"01000000-0000-0000-0000-000000000000","source":"/registrar","type":"registrar.contact.verified.v1",` +
		`"subject":"02000000-0000-0000-0000-000000000000","time":"1970-01-01T00:00:01.000005Z","dataschema":"urn:registrar:event:registrar.contact.verified.v1",` +
		`"datacontenttype":"application/json","position":"17","data":{"channel":"SMS"}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	item.Subject, item.TraceParent = registration.ID{}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var got map[string]any
	if text, err = item.JSON("/registrar"); err != nil || json.Unmarshal(text, &got) != nil || got["subject"] != nil || got["traceparent"] != item.TraceParent {
		t.Errorf("got %s, %v", text, err)
	}
}

// forgetful notes when it was asked to forget, and what.
type forgetful struct {
	asked []time.Duration // how long events are kept by it
}

func (f *forgetful) Forget(_ context.Context, before time.Time) (int, error) {
	f.asked = append(f.asked, time.Since(before))
	if len(f.asked) == 1 {
		return 0, errors.New("away")
	}
	return 1, nil
}

// TestSweep: again and again, also after one that failed, until it is to end.
func TestSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const keep = 48 * time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Hour+time.Minute)
		defer cancel()
		var told strings.Builder
		f := &forgetful{}
		if err := feed.Sweep(ctx, f, keep, slog.New(slog.NewTextHandler(&told, nil))); err != nil {
			t.Error(err)
		}
		if len(f.asked) < 5 || len(f.asked) > 7 {
			t.Errorf("asked %d times in 5 hours", len(f.asked))
		}
		for _, kept := range f.asked {
			if kept != keep {
				t.Errorf("%v are kept", kept)
			}
		}
		if !strings.Contains(told.String(), "cannot be forgotten") || !strings.Contains(told.String(), "events=1") {
			t.Errorf("told is %s", told.String())
		}
	})
}
