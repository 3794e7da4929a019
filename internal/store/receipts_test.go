package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

// sent makes a notification that its first attempt has brought into a state.
func sent(t testing.TB, db *store.DB, channel registration.Channel, state registration.State, provider string, at time.Time) registration.Notification {
	t.Helper()
	r := create(t, db, person())
	n := r.Notifications[0]
	if channel == registration.SMSChannel {
		n = r.Notifications[1]
	}
	err := db.Transact(t.Context(), func(run func(string, ...any) error, _ bool) error {
		if err := run(`UPDATE notifications SET state = ?, attempts = 1, provider = ?, provider_ref = 'ref', updated_at = ? WHERE id = ?`, string(state), provider, at.UnixMicro(), n.ID[:]); err != nil {
			return err
		}
		if err := run(`DELETE FROM outbox WHERE notification_id = ?`, n.ID[:]); err != nil {
			return err
		}
		return run(`REPLACE INTO notification_attempts (notification_id, attempt, owner, state, provider, provider_ref, reason, updated_at) VALUES (?,1,'a notifier',?,?,'ref','',?)`,
			n.ID[:], string(state), provider, at.UnixMicro())
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// standing is a notification and its first attempt as the ledger has them, and
// how many receipts are waited for.
func standing(t testing.TB, db *store.DB, id registration.ID) string {
	t.Helper()
	var state, reason, attempt, attemptReason string
	var waiting int
	row := func(query string, into ...any) {
		if err := db.Raw().QueryRowContext(t.Context(), query, id[:]).Scan(into...); err != nil {
			t.Fatal(err)
		}
	}
	row(`SELECT state, reason FROM notifications WHERE id = ?`, &state, &reason)
	row(`SELECT state, reason FROM notification_attempts WHERE notification_id = ? AND attempt = 1`, &attempt, &attemptReason)
	row(`SELECT COUNT(*) FROM provider_messages WHERE notification_id = ?`, &waiting)
	return fmt.Sprintf("%s %q %s %q %d", state, reason, attempt, attemptReason, waiting)
}

func receive(t testing.TB, db *store.DB, ref string, told registration.State, reason string) string {
	t.Helper()
	return receiveOf(t, db, ref, "", told, reason)
}

// receiveOf is receive, of a message to recipient.
func receiveOf(t testing.TB, db *store.DB, ref, recipient string, told registration.State, reason string) string {
	t.Helper()
	before, after, err := db.Receipts().Receive(t.Context(), "smsc", ref, recipient, told, reason, now())
	switch {
	case errors.Is(err, delivery.ErrUnknownReceipt):
		return "unknown"
	case err != nil:
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s", before, after)
}

func remember(t testing.TB, db *store.DB, ref string, id registration.ID, attempt int, at time.Time) {
	t.Helper()
	if err := db.RememberProviderMessage(t.Context(), "smsc", ref, id, attempt, at); err != nil {
		t.Fatal(err)
	}
}

// TestReceive: each line is a message in one or more parts, what is told of
// them, and how it stands then.
func TestReceive(t *testing.T) {
	t.Parallel()
	type told struct {
		ref    string
		state  registration.State
		reason string
		want   string
	}
	const delivered, failed, accepted = registration.Delivered, registration.Failed, registration.Accepted
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for i, c := range []struct {
			name    string
			state   registration.State
			refs    string
			attempt int
			told    []told
			want    string
		}{
			{"delivered", accepted, "a", 1, []told{{"a", delivered, "", "ACCEPTED DELIVERED"}, {"a", delivered, "", "unknown"}}, `DELIVERED "" DELIVERED "" 0`},
			{"failed", accepted, "a", 1, []told{{"a", failed, "UNDELIV 001", "ACCEPTED FAILED"}}, `FAILED "UNDELIV 001" FAILED "UNDELIV 001" 0`},
			{"on its way, then delivered", accepted, "a", 1, []told{{"a", accepted, "", "ACCEPTED ACCEPTED"}, {"a", delivered, "", "ACCEPTED DELIVERED"}}, `DELIVERED "" DELIVERED "" 0`},
			{"all parts", accepted, "a b c", 1, []told{{"b", delivered, "", "ACCEPTED ACCEPTED"}, {"a", delivered, "", "ACCEPTED ACCEPTED"}, {"c", delivered, "", "ACCEPTED DELIVERED"}}, `DELIVERED "" DELIVERED "" 0`},
			{"one part fails", accepted, "a b", 1, []told{{"b", failed, "EXPIRED", "ACCEPTED FAILED"}, {"a", delivered, "", "FAILED FAILED"}}, `FAILED "EXPIRED" FAILED "EXPIRED" 0`},
			{"the last part fails", accepted, "a b", 1, []told{{"a", delivered, "", "ACCEPTED ACCEPTED"}, {"b", failed, "EXPIRED", "ACCEPTED FAILED"}}, `FAILED "EXPIRED" FAILED "EXPIRED" 0`},
			{"perhaps sent", registration.Unknown, "a", 1, []told{{"a", delivered, "", "UNKNOWN DELIVERED"}}, `DELIVERED "" DELIVERED "" 0`},
			{"failed after its delivery", delivered, "a", 1, []told{{"a", failed, "UNDELIV", "DELIVERED DELIVERED"}}, `DELIVERED "" DELIVERED "" 0`},
			{"of an earlier attempt", accepted, "a", 7, []told{{"a", failed, "UNDELIV", "ACCEPTED ACCEPTED"}}, `ACCEPTED "" ACCEPTED "" 0`},
			{"another spelling of the id", accepted, "a", 1, []told{{"A", delivered, "", "unknown"}}, `ACCEPTED "" ACCEPTED "" 1`},
			{"a long reason", accepted, "a", 1, []told{{"a", failed, strings.Repeat("ش", 300), "ACCEPTED FAILED"}}, fmt.Sprintf(`FAILED "%[1]s" FAILED "%[1]s" 0`, strings.Repeat("ش", 255))},
		} {
			n := sent(t, db, registration.SMSChannel, c.state, "smsc", now())
			own := func(ref string) string { return fmt.Sprintf("%d-%s", i, ref) }
			var refs []string
			for ref := range strings.FieldsSeq(c.refs) {
				refs = append(refs, own(ref))
			}
			remember(t, db, strings.Join(refs, " "), n.ID, c.attempt, now())
			for _, one := range c.told {
				if got := receive(t, db, own(one.ref), one.state, one.reason); got != one.want {
					t.Errorf("%s: %s told of %s gives %s, want %s", c.name, one.state, one.ref, got, one.want)
				}
			}
			if got := standing(t, db, n.ID); got != c.want {
				t.Errorf("%s: stands at %s, want %s", c.name, got, c.want)
			}
		}
		if _, _, err := db.Receipts().Receive(t.Context(), "another", "0-a", "", delivered, "", now()); !errors.Is(err, delivery.ErrUnknownReceipt) {
			t.Errorf("by another provider: %v", err)
		}
	})
}

// TestReceiptOfWhatWasErased is taken and forgotten.
func TestReceiptOfWhatWasErased(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		remember(t, db, "a", newID(), 1, now())
		if got := receive(t, db, "a", registration.Delivered, ""); got != " " {
			t.Errorf("received: %q", got)
		}
		if got := receive(t, db, "a", registration.Delivered, ""); got != "unknown" {
			t.Errorf("received again: %q", got)
		}
	})
}

// TestProviderUsesAnIDAgain: it is the later message's.
func TestProviderUsesAnIDAgain(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		first, second := sent(t, db, registration.SMSChannel, registration.Accepted, "smsc", now()), sent(t, db, registration.SMSChannel, registration.Accepted, "smsc", now())
		remember(t, db, "1", first.ID, 1, now())
		remember(t, db, "1", second.ID, 1, now())
		receive(t, db, "1", registration.Delivered, "")
		if got := standing(t, db, first.ID) + standing(t, db, second.ID); got != `ACCEPTED "" ACCEPTED "" 0DELIVERED "" DELIVERED "" 0` {
			t.Errorf("they stand at %s", got)
		}
	})
}

// TestForgetReceipts: what is older than a week goes, whatever there is of it.
func TestForgetReceipts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at, id := open(t, o), now(), newID()
		var old []string
		for i := range 1100 {
			old = append(old, fmt.Sprint("old", i))
		}
		remember(t, db, strings.Join(old, " "), id, 1, at.Add(-7*24*time.Hour-time.Second))
		remember(t, db, "young", id, 1, at.Add(-7*24*time.Hour))
		for _, want := range []int{1100, 0} {
			if n, err := db.Receipts().Forget(t.Context(), at); err != nil || n != want {
				t.Errorf("forgot %d, %v; want %d", n, err, want)
			}
		}
		var left int
		if err := db.Raw().GetContext(t.Context(), &left, `SELECT COUNT(*) FROM provider_messages`); err != nil || left != 1 {
			t.Errorf("%d are left, %v", left, err)
		}
	})
}

// TestBounced: the report's verdict is in the ledger and on the list, in one
// transaction, and what names nothing of ours changes nothing.
func TestBounced(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		report := func(n registration.Notification, status string) delivery.Report {
			return delivery.Report{NotificationID: n.ID, Recipients: []delivery.RecipientReport{{
				Recipients: []suppression.Recipient{suppression.RecipientOf(registration.EmailChannel, n.Recipient)}, State: registration.Failed, Status: status,
			}}}
		}
		n := sent(t, db, registration.EmailChannel, registration.Accepted, "smtp", at)
		verdict, err := db.Bounces().Bounced(t.Context(), report(n, "5.1.1"), at)
		if want := (delivery.Verdict{State: registration.Failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}); err != nil || verdict != want {
			t.Errorf("verdict %+v, %v", verdict, err)
		}
		if got := standing(t, db, n.ID) + " " + reasonsOf(t, db, n.Channel, n.Recipient); got != `FAILED "BOUNCE 5.1.1" FAILED "BOUNCE 5.1.1" 0 HARD_BOUNCE` {
			t.Errorf("stands at %s", got)
		}
		// A second copy does not bring back what was taken off.
		if err := db.Reached(t.Context(), n.Channel, n.Recipient); err != nil {
			t.Fatal(err)
		}
		verdict, err = db.Bounces().Bounced(t.Context(), report(n, "5.1.1"), at)
		if err != nil || verdict != (delivery.Verdict{State: registration.Failed}) || reasonsOf(t, db, n.Channel, n.Recipient) != "" {
			t.Errorf("the second copy: %+v, %v", verdict, err)
		}

		n = sent(t, db, registration.EmailChannel, registration.Accepted, "smtp", at)
		if _, err := db.Bounces().Bounced(t.Context(), delivery.Report{NotificationID: n.ID, Complaint: true}, at); err != nil {
			t.Error(err)
		}
		if got := standing(t, db, n.ID) + " " + reasonsOf(t, db, n.Channel, n.Recipient); got != `ACCEPTED "" ACCEPTED "" 0 COMPLAINT` {
			t.Errorf("stands at %s", got)
		}

		for name, c := range map[string]struct {
			report delivery.Report
			want   error
		}{
			"no such notification": {report(registration.Notification{ID: newID(), Recipient: n.Recipient}, "5.1.1"), delivery.ErrUnmatched},
			"another recipient":    {report(registration.Notification{ID: n.ID, Recipient: "bob@example.com"}, "5.1.1"), delivery.ErrUnmatched},
			"an SMS":               {report(sent(t, db, registration.SMSChannel, registration.Accepted, "smsc", at), "5.1.1"), delivery.ErrUnmatched},
			"of last month":        {report(sent(t, db, registration.EmailChannel, registration.Accepted, "smtp", at.Add(-30*24*time.Hour)), "5.1.1"), delivery.ErrUnmatched},
			"still being sent":     {report(sent(t, db, registration.EmailChannel, registration.Sending, "smtp", at), "5.1.1"), delivery.ErrNotSettled},
		} {
			if _, err := db.Bounces().Bounced(t.Context(), c.report, at); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		var listed int
		if err := db.Raw().GetContext(t.Context(), &listed, `SELECT COUNT(*) FROM suppressions`); err != nil || listed != 1 {
			t.Errorf("%d are on the list, %v; want the complaint alone", listed, err)
		}
	})
}

// TestReceiptOfAReusedID: a message centre that counts from the start again
// tells of a later message by the id of an earlier one, perhaps before the
// later one is remembered. Nobody else's message changes by that.
func TestReceiptOfAReusedID(t *testing.T) {
	t.Parallel()
	const delivered, accepted = registration.Delivered, registration.Accepted
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		earlier := sent(t, db, registration.SMSChannel, accepted, "smsc", now())
		remember(t, db, "1", earlier.ID, 1, now())
		later := sent(t, db, registration.SMSChannel, accepted, "smsc", now())
		if err := db.Transact(t.Context(), func(run func(string, ...any) error, _ bool) error {
			return run(`UPDATE notifications SET recipient = '+966587654321' WHERE id = ?`, later.ID[:])
		}); err != nil {
			t.Fatal(err)
		}
		if got := receiveOf(t, db, "1", "966587654321", delivered, ""); got != "unknown" {
			t.Errorf("before the later message is remembered: %s", got)
		}
		if got, want := standing(t, db, earlier.ID), `ACCEPTED "" ACCEPTED "" 1`; got != want {
			t.Errorf("the earlier message stands at %s, want %s", got, want)
		}
		remember(t, db, "1", later.ID, 1, now())
		if got := receiveOf(t, db, "1", earlier.Recipient, delivered, ""); got != "unknown" {
			t.Errorf("of the earlier message, whose id is lost: %s", got)
		}
		if got := receiveOf(t, db, "1", "966587654321", delivered, ""); got != "ACCEPTED DELIVERED" {
			t.Errorf("of the later message: %s", got)
		}
		remember(t, db, "2", earlier.ID, 1, now())
		if got := receiveOf(t, db, "2", earlier.Recipient[1:], delivered, ""); got != "ACCEPTED DELIVERED" {
			t.Errorf("of the earlier message by its own id: %s", got)
		}
	})
}
