package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"registrar/internal/event"
	"registrar/internal/feed"
	"registrar/internal/queue"
	"registrar/internal/registration"
)

// allEvents reads on until n have come.
func allEvents(t *testing.T, r *queue.EventReader, n int) (items []feed.Item) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(items) < n || !r.End() {
		some, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d events: %v", len(items), err)
		}
		items = append(items, some...)
	}
	return items
}

func eventReader(t *testing.T, c *queue.Client, from feed.From) *queue.EventReader {
	t.Helper()
	var r *queue.EventReader
	eventually(t, "the partitions have leaders", func() (ok bool) {
		var err error
		r, err = c.EventReader(t.Context(), from)
		return err == nil
	})
	return r
}

// testEventReader: from every position on come exactly the events that were not
// given before it, as they were published, those of one registration in order.
func testEventReader(t *testing.T, b *broker) {
	s := settingsFor(b)
	s.Events = true
	c := open(t, s, queue.Observer{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	byID := map[registration.ID]event.Event{}
	for range 20 {
		subject := newID()
		for i := range 3 {
			e := event.Event{ID: newID(), Type: "registrar.test.v1", Subject: subject, At: time.Unix(int64(i), 5000).UTC(), TraceParent: traceParent(i), Data: fmt.Appendf(nil, `{"n":%d}`, i)}
			events = append(events, e)
			byID[e.ID] = e
		}
	}
	publish := func(events []event.Event) {
		t.Helper()
		eventually(t, "the events are published", func() bool {
			published, err := c.EventPublisher("/registrar").Publish(ctx, events)
			return err == nil && len(published) == len(events)
		})
	}
	publish(events[:57])
	first := allEvents(t, eventReader(t, c, feed.From{}), 57)
	if len(first) != 57 {
		t.Fatalf("%d events", len(first))
	}
	order := map[registration.ID]string{}
	for _, item := range first {
		if want := byID[item.ID]; fmt.Sprintf("%+v", want) != fmt.Sprintf("%+v", item.Event) {
			t.Errorf("got %+v, want %+v", item.Event, want)
		}
		order[item.Subject] += string(item.Data)
	}
	for id, values := range order {
		if values != `{"n":0}{"n":1}{"n":2}` {
			t.Errorf("of %v came %s", id, values)
		}
	}
	now := eventReader(t, c, feed.From{Now: true})
	publish(events[57:])
	ids := func(items []feed.Item) (all []string) {
		for _, i := range items {
			all = append(all, i.ID.String())
		}
		slices.Sort(all)
		return all
	}
	everything := allEvents(t, eventReader(t, c, feed.From{}), 60)
	for _, n := range []int{1, 20, 57} {
		from := feed.From{Position: first[n-1].Position}
		got := ids(allEvents(t, eventReader(t, c, from), 60-n))
		var want []string
		for _, i := range everything {
			if !slices.ContainsFunc(first[:n], func(f feed.Item) bool { return f.ID == i.ID }) {
				want = append(want, i.ID.String())
			}
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("behind %d come %d, not %d", n, len(got), len(want))
		}
	}
	if got := allEvents(t, now, 3); len(got) != 3 || !slices.Equal(ids(got), ids(everythingBut(everything, first))) {
		t.Errorf("from now on come %d", len(got))
	}
	if got := allEvents(t, eventReader(t, c, feed.From{Time: time.Now().Add(-time.Hour)}), 60); len(got) != 60 {
		t.Errorf("from an hour ago come %d", len(got))
	}
	if got := allEvents(t, eventReader(t, c, feed.From{Time: time.Now().Add(time.Hour)}), 0); len(got) != 0 {
		t.Errorf("from the future come %d", len(got))
	}
	for _, wrong := range []feed.Position{"17", "0:1000000", "99:0", "x:y", "0:-1"} {
		if _, err := c.EventReader(t.Context(), feed.From{Position: wrong}); !errors.Is(err, feed.ErrPosition) {
			t.Errorf("position %s: %v", wrong, err)
		}
	}
}

func everythingBut(all, but []feed.Item) (rest []feed.Item) {
	for _, i := range all {
		if !slices.ContainsFunc(but, func(b feed.Item) bool { return b.ID == i.ID }) {
			rest = append(rest, i)
		}
	}
	return rest
}

// testEventReaderAway: brokers that are away are told as such, and come back.
func testEventReaderAway(t *testing.T, b *broker) {
	s := settingsFor(b)
	s.Events = true
	c := open(t, s, queue.Observer{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	r := eventReader(t, c, feed.From{})
	b.kill()
	if _, err := r.Next(ctx); !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("without a broker: %v", err)
	}
	if err := b.restart(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is read again", func() bool {
		_, err := r.Next(ctx)
		return err == nil
	})
}
