package store_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

func suppress(t testing.TB, db *store.DB, channel registration.Channel, recipient string, reason suppression.Reason, at time.Time) {
	t.Helper()
	err := db.Suppressions().Add(t.Context(), suppression.Suppression{Channel: channel, Recipient: suppression.RecipientOf(channel, recipient), Reason: reason, Detail: "5.1.1", CreatedAt: at})
	if err != nil {
		t.Fatal(err)
	}
}

func reasonsOf(t testing.TB, db *store.DB, channel registration.Channel, recipient string) string {
	t.Helper()
	all, err := db.Suppressions().Find(t.Context(), channel, suppression.RecipientOf(channel, recipient))
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, s := range all {
		reasons = append(reasons, string(s.Reason))
	}
	return strings.Join(reasons, " ")
}

// TestSuppressions: reasons are kept each by itself, under every spelling of
// the address.
func TestSuppressions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		const email, sms = registration.EmailChannel, registration.SMSChannel
		suppress(t, db, email, "ada@example.com", suppression.Unsubscribed, at)
		suppress(t, db, email, "ADA@example.COM", suppression.HardBounce, at.Add(time.Second))
		suppress(t, db, email, "ada@example.com", suppression.HardBounce, at.Add(time.Hour))
		suppress(t, db, sms, "+966512345678", suppression.Manual, at)
		if got := reasonsOf(t, db, email, "Ada@Example.com"); got != "UNSUBSCRIBED HARD_BOUNCE" {
			t.Errorf("reasons %q", got)
		}
		all, err := db.Suppressions().Find(t.Context(), email, suppression.RecipientOf(email, "ada@example.com"))
		if err != nil || len(all) != 2 || !all[1].CreatedAt.Equal(at.Add(time.Second)) || all[1].Detail != "5.1.1" || all[1].Channel != email || all[1].Recipient != suppression.RecipientOf(email, "ada@example.com") {
			t.Errorf("found %+v, %v", all, err)
		}

		if err := db.Reached(t.Context(), email, "ada@EXAMPLE.com"); err != nil {
			t.Fatal(err)
		}
		if got := reasonsOf(t, db, email, "ada@example.com"); got != "UNSUBSCRIBED" {
			t.Errorf("after it was reached: %q", got)
		}
		for _, c := range []struct {
			reason suppression.Reason
			want   int
		}{{suppression.Complaint, 0}, {suppression.Unsubscribed, 1}, {"", 0}} {
			if n, err := db.Suppressions().Remove(t.Context(), email, suppression.RecipientOf(email, "ada@example.com"), c.reason); err != nil || n != c.want {
				t.Errorf("removing %q: %d, %v; want %d", c.reason, n, err, c.want)
			}
		}
		if got := reasonsOf(t, db, sms, "+966512345678"); got != "MANUAL" {
			t.Errorf("of the number: %q", got)
		}
		suppress(t, db, sms, "+966512345678", suppression.Unsubscribed, at)
		if n, err := db.Suppressions().Remove(t.Context(), sms, suppression.RecipientOf(sms, "+966512345678"), ""); err != nil || n != 2 {
			t.Errorf("removed %d, %v; want 2", n, err)
		}
	})
}

// TestSuppressionsByManyAtOnce: the same reason from everybody is one row.
func TestSuppressionsByManyAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				s := suppression.Suppression{Channel: registration.EmailChannel, Recipient: suppression.RecipientOf(registration.EmailChannel, "ada@example.com"), Reason: suppression.Complaint, CreatedAt: now()}
				if err := db.Suppressions().Add(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := reasonsOf(t, db, registration.EmailChannel, "ada@example.com"); got != "COMPLAINT" {
			t.Errorf("reasons %q", got)
		}
	})
}

// TestListSuppressions pages through all of them, each once.
func TestListSuppressions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		want := map[string]int{}
		for i := range 7 {
			for _, channel := range []registration.Channel{registration.EmailChannel, registration.SMSChannel} {
				for _, reason := range []suppression.Reason{suppression.Manual, suppression.Unsubscribed} {
					recipient := fmt.Sprintf("person%d@example.com", i)
					suppress(t, db, channel, recipient, reason, at)
					want[fmt.Sprintf("%s %x %s", channel, suppression.RecipientOf(channel, recipient), reason)] = 1
				}
			}
		}
		got := map[string]int{}
		var after suppression.Suppression
		for {
			page, err := db.Suppressions().List(t.Context(), after, 5)
			if err != nil || len(page) > 5 {
				t.Fatal(len(page), err)
			}
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				got[fmt.Sprintf("%s %x %s", s.Channel, s.Recipient, s.Reason)]++
			}
			after = page[len(page)-1]
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("listed %d of %d, or some twice", len(got), len(want))
		}
	})
}

// TestSuppressed: notifications of one claim, by kind and channel.
func TestSuppressed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		const email, sms = registration.EmailChannel, registration.SMSChannel
		suppress(t, db, email, "gone@example.com", suppression.HardBounce, at)
		suppress(t, db, email, "tired@example.com", suppression.Unsubscribed, at)
		suppress(t, db, email, "both@example.com", suppression.Unsubscribed, at)
		suppress(t, db, email, "both@example.com", suppression.Complaint, at)
		suppress(t, db, sms, "+966512345678", suppression.Manual, at)
		var all []registration.Notification
		want := map[registration.ID]suppression.Reason{}
		for _, c := range []struct {
			channel   registration.Channel
			recipient string
			kind      registration.Kind
			want      suppression.Reason
		}{
			{email, "Gone@Example.com", registration.RegistrationCompleted, suppression.HardBounce},
			{email, "gone@example.com", registration.VerificationCode, ""},
			{email, "tired@example.com", registration.RegistrationCompleted, ""},
			{email, "tired@example.com", registration.CampaignMessage, suppression.Unsubscribed},
			{email, "both@example.com", registration.CampaignMessage, suppression.Complaint},
			{email, "other@example.com", registration.CampaignMessage, ""},
			{email, "+966512345678", registration.CampaignMessage, ""},
			{sms, "+966512345678", registration.VerificationCode, suppression.Manual},
		} {
			n := registration.Notification{ID: newID(), Channel: c.channel, Kind: c.kind, Recipient: c.recipient}
			all = append(all, n)
			if c.want != "" {
				want[n.ID] = c.want
			}
		}
		if got, err := db.Suppressed(t.Context(), all); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("suppressed %v, %v; want %v", got, err, want)
		}
		if got, err := db.Suppressed(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("of nothing: %v, %v", got, err)
		}
	})
}

// TestVerifiedContactDoesNotBounce: whoever has entered a code has read it
// there; what the person has said stays.
func TestVerifiedContactDoesNotBounce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		r := create(t, db, pending(codeKeys(t)))
		for _, c := range []struct {
			channel   registration.Channel
			recipient string
		}{{registration.EmailChannel, r.Account.Email.Text}, {registration.SMSChannel, string(r.Account.Mobile)}} {
			suppress(t, db, c.channel, c.recipient, suppression.HardBounce, at)
			suppress(t, db, c.channel, c.recipient, suppression.Unsubscribed, at)
			for _, verified := range []bool{false, true} {
				err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, c.channel, newID(), func(contact registration.Contact) (registration.ContactChange, error) {
					contact.Code.Attempts++
					made := registration.ContactChange{Code: contact.Code, At: at}
					if verified {
						made.VerifiedAt = at
					}
					return made, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				want := map[bool]string{false: "HARD_BOUNCE UNSUBSCRIBED", true: "UNSUBSCRIBED"}[verified]
				if got := reasonsOf(t, db, c.channel, c.recipient); got != want {
					t.Errorf("%s, verified %t: %q, want %q", c.channel, verified, got, want)
				}
			}
		}
	})
}

// TestSuppressRefused: only a mail server's word that the mailbox is of no use.
func TestSuppressRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, o store.Options) {
		db, at := open(t, o), now()
		for reason, want := range map[string]string{
			"PERMANENT 550 5.1.1": "HARD_BOUNCE", "PERMANENT 550 5.2.1": "HARD_BOUNCE", "PERMANENT 552 5.2.2": "", "PERMANENT 550 5.7.1": "", "PERMANENT 550": "",
			"TRANSIENT 450 4.1.1": "", "": "", "RENDER": "", "SUPPRESSED HARD_BOUNCE": "",
		} {
			n := person().Notifications[0]
			if err := db.SuppressRefused(t.Context(), n, reason, at); err != nil {
				t.Fatal(err)
			}
			if got := reasonsOf(t, db, n.Channel, n.Recipient); got != want {
				t.Errorf("%q: %q, want %q", reason, got, want)
			}
		}
		n := person().Notifications[1]
		if err := db.SuppressRefused(t.Context(), n, "PERMANENT 550 5.1.1", at); err != nil || reasonsOf(t, db, n.Channel, n.Recipient) != "" {
			t.Errorf("a number: %v", err)
		}
	})
}
