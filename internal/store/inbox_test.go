package store_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"registrar/internal/channel/inbox"
	"registrar/internal/registration"
	"registrar/internal/store"
)

var _ inbox.Mailbox = (*store.Inbox)(nil)

func TestInbox(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		box, ctx := open(t, o).Inbox(), t.Context()
		if messages, total, err := box.List(ctx, 0, 10); err != nil || len(messages) != 0 || total != 0 {
			t.Fatal(messages, total, err)
		}
		t0 := now()
		var newest []inbox.Message
		for i := range 5 {
			m := inbox.Message{ID: newID(), Channel: registration.SMSChannel, To: "+966512345678", Locale: "ar", Text: "أهلا 𠮷", CreatedAt: t0.Add(time.Duration(i/2) * time.Second)}
			if i == 3 {
				m = inbox.Message{ID: newID(), Channel: registration.EmailChannel, To: "نادية@example.org", Name: "Nadia Å", Locale: "en", Subject: "Hi 👩🏽‍🚀",
					Text: "line\r\n'quoted' \\ % _ \x00", HTML: strings.Repeat("<p>é</p>", 20000), CreatedAt: t0.Add(time.Second)}
			}
			for range 2 { // the second time changes nothing
				if err := box.Put(ctx, m); err != nil {
					t.Fatal(err)
				}
				newest = append([]inbox.Message{m}, newest...)
				m.Text = "other"
			}
			newest = newest[1:]
		}
		list := func(start, limit, total int, want []inbox.Message) {
			t.Helper()
			got, n, err := box.List(ctx, start, limit)
			if err != nil || n != total || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Fatalf("got %v of %d, %v\nwant %v", got, n, err, want)
			}
		}
		list(0, 10, 5, newest)
		list(1, 2, 5, newest[1:3])
		list(5, 2, 5, nil)
		unread := func(want int) {
			t.Helper()
			if n, err := box.Unread(ctx); n != want || err != nil {
				t.Fatal(n, err)
			}
		}
		unread(5)
		for range 2 {
			if err := box.MarkRead(ctx, newest[1].ID); err != nil {
				t.Fatal(err)
			}
		}
		unread(4)
		newest[1].Read = true
		if got, err := box.Get(ctx, newest[1].ID); err != nil || got != newest[1] {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := box.Get(ctx, newID()); !errors.Is(err, registration.ErrNotFound) {
			t.Error(err)
		}
		if err := box.MarkRead(ctx, newID()); err != nil {
			t.Error(err)
		}
		if err := box.Delete(ctx, []registration.ID{newest[0].ID, newest[2].ID, newID()}); err != nil {
			t.Fatal(err)
		}
		list(0, 10, 3, []inbox.Message{newest[1], newest[3], newest[4]})
		if err := box.Delete(ctx, nil); err != nil {
			t.Fatal(err)
		}
		list(0, 10, 0, nil)
	})
}
