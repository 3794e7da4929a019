package store_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

// TestHistory: all that the tables know of a notification.
func TestHistory(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		n := sent(t, db, registration.SMSChannel, registration.Accepted, "smsc", at)
		remember(t, db, "b a", n.ID, 1, at)
		suppress(t, db, registration.SMSChannel, n.Recipient, suppression.Manual, at)
		got, err := db.History().Find(t.Context(), n.ID)
		if err != nil {
			t.Fatal(err)
		}
		n.State, n.Attempts, n.UpdatedAt = registration.Accepted, 1, at
		want := store.NotificationHistory{
			Notification: n, Provider: "smsc", ProviderRef: "ref", NextAttemptAt: got.NextAttemptAt,
			Attempts:     []store.AttemptHistory{{Number: 1, Owner: "a notifier", State: registration.Accepted, Provider: "smsc", ProviderRef: "ref", UpdatedAt: at}},
			Awaited:      []store.AwaitedReceipt{{Provider: "smsc", Ref: "a", Attempt: 1, Since: at}, {Provider: "smsc", Ref: "b", Attempt: 1, Since: at}},
			Suppressions: []suppression.Suppression{{Channel: registration.SMSChannel, Recipient: suppression.RecipientOf(registration.SMSChannel, n.Recipient), Reason: suppression.Manual, Detail: "5.1.1", CreatedAt: at}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}

		queued := create(t, db, person()).Notifications[0]
		got, err = db.History().Find(t.Context(), queued.ID)
		if err != nil || got.Outbox == nil || got.Outbox.Lane != lane.EmailTransactional || got.Outbox.Publications != 0 || got.Outbox.DueAt.Before(at) || got.Outbox.CreatedAt.IsZero() || len(got.Attempts)+len(got.Awaited)+len(got.Suppressions) != 0 {
			t.Errorf("of one that is queued: %+v, %v", got, err)
		}
		if _, err := db.History().Find(t.Context(), newID()); !isNotFound(err) {
			t.Errorf("of one that there is not: %v", err)
		}
	})
}

func isNotFound(err error) bool {
	return fmt.Sprint(err) == "NOT_FOUND: There is no such notification."
}

// TestListHistory: by each filter, the newest first, page by page.
func TestListHistory(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		email := sent(t, db, registration.EmailChannel, registration.Failed, "smtp", at)
		sms := sent(t, db, registration.SMSChannel, registration.Accepted, "smsc", at)
		for _, c := range []struct {
			name   string
			filter store.HistoryFilter
			want   int
		}{
			{"all", store.HistoryFilter{}, 4},
			{"of an account", store.HistoryFilter{AccountID: email.AccountID}, 2},
			{"of no account", store.HistoryFilter{AccountID: newID()}, 0},
			{"failed", store.HistoryFilter{State: registration.Failed}, 1},
			{"queued", store.HistoryFilter{State: registration.Queued}, 2},
			{"of a lane", store.HistoryFilter{Lane: lane.EmailTransactional}, 2},
			{"of a lane with codes", store.HistoryFilter{Lane: lane.EmailOTP}, 0},
			{"of a lane with campaigns", store.HistoryFilter{Lane: lane.SMSMarketing}, 0},
			{"of a lane, accepted", store.HistoryFilter{Lane: lane.SMSTransactional, State: registration.Accepted}, 1},
			{"since a minute", store.HistoryFilter{Since: at.Add(-time.Minute)}, 4},
			{"since tomorrow", store.HistoryFilter{Since: at.Add(24 * time.Hour)}, 0},
			{"of an account, since a minute", store.HistoryFilter{AccountID: sms.AccountID, Since: at.Add(-time.Minute)}, 2},
		} {
			got, err := db.History().List(t.Context(), c.filter, 10)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: %d, %v; want %d", c.name, len(got), err, c.want)
			}
		}
		var paged []registration.ID
		var filter store.HistoryFilter
		for {
			page, err := db.History().List(t.Context(), filter, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, n := range page {
				paged = append(paged, n.Notification.ID)
			}
			filter.Before = paged[len(paged)-1]
		}
		all, err := db.History().List(t.Context(), store.HistoryFilter{}, 10)
		if err != nil || len(paged) != len(all) {
			t.Fatalf("%d of %d, %v", len(paged), len(all), err)
		}
		for i, n := range all {
			if n.Notification.ID != paged[i] || i > 0 && !n.Notification.CreatedAt.Before(all[i-1].Notification.CreatedAt.Add(time.Millisecond)) {
				t.Errorf("the order is %v", paged)
			}
		}
	})
}
