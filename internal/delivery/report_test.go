package delivery_test

import (
	"errors"
	"testing"
	"time"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

var at = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func recipients(addresses ...string) (all []suppression.Recipient) {
	for _, a := range addresses {
		all = append(all, suppression.RecipientOf(registration.EmailChannel, a))
	}
	return all
}

func bounce(state registration.State, status string, addresses ...string) delivery.Report {
	return delivery.Report{Recipients: []delivery.RecipientReport{{Recipients: recipients(addresses...), State: state, Status: status}}}
}

// TestJudge: what a report changes of a notification to ada@example.com that a
// mail server took a day ago, or of one that differs from it in one thing.
func TestJudge(t *testing.T) {
	t.Parallel()
	const failed, delivered, accepted = registration.Failed, registration.Delivered, registration.Accepted
	gone := bounce(failed, "5.1.1", "ada@example.com")
	complaint := delivery.Report{Complaint: true}
	for _, c := range []struct {
		name   string
		report delivery.Report
		change func(*delivery.Sent)
		want   delivery.Verdict
		err    error
	}{
		{name: "no such mailbox", report: gone, want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}},
		{name: "another spelling of the address", report: bounce(failed, "5.1.1", "ADA@Example.COM"), want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}},
		{name: "forwarded to where it failed", report: bounce(failed, "5.2.1", "ada@example.com", "ada@elsewhere.example"), want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.2.1", Suppress: suppression.HardBounce, Detail: "5.2.1"}},
		{name: "full", report: bounce(failed, "5.2.2", "ada@example.com"), want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.2.2"}},
		{name: "policy", report: bounce(failed, "5.7.1", "ada@example.com"), want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.7.1"}},
		{name: "tried for days", report: bounce(failed, "4.4.7", "ada@example.com"), want: delivery.Verdict{State: failed, Reason: "BOUNCE 4.4.7"}},
		{name: "no status", report: bounce(failed, "", "ada@example.com"), want: delivery.Verdict{State: failed, Reason: "BOUNCE"}},
		{name: "delayed", report: bounce("", "4.4.1", "ada@example.com"), want: delivery.Verdict{State: accepted}},
		{name: "delivered", report: bounce(delivered, "2.1.5", "ada@example.com"), want: delivery.Verdict{State: delivered}},
		{name: "one recipient of two", report: delivery.Report{Recipients: []delivery.RecipientReport{{Recipients: recipients("bob@example.com"), State: failed, Status: "5.1.1"}, {Recipients: recipients("ada@example.com"), State: failed, Status: "5.2.2"}}},
			want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.2.2"}},
		{name: "perhaps sent", report: gone, change: func(s *delivery.Sent) { s.State = registration.Unknown }, want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}},
		{name: "the second copy", report: gone, change: func(s *delivery.Sent) { s.State = failed }, want: delivery.Verdict{State: failed}},
		{name: "after its delivery", report: gone, change: func(s *delivery.Sent) { s.State = delivered }, want: delivery.Verdict{State: delivered}},
		{name: "the last day", report: gone, change: func(s *delivery.Sent) { s.UpdatedAt = at.Add(-delivery.Window) }, want: delivery.Verdict{State: failed, Reason: "BOUNCE 5.1.1", Suppress: suppression.HardBounce, Detail: "5.1.1"}},
		{name: "a complaint with hidden recipient", report: complaint, want: delivery.Verdict{State: accepted, Suppress: suppression.Complaint}},
		{name: "a complaint", report: delivery.Report{Complaint: true, Recipients: bounce("", "", "ada@example.com").Recipients}, want: delivery.Verdict{State: accepted, Suppress: suppression.Complaint}},

		{name: "somebody else's complaint", report: delivery.Report{Complaint: true, Recipients: bounce("", "", "bob@example.com").Recipients}, err: delivery.ErrUnmatched},
		{name: "another recipient", report: bounce(failed, "5.1.1", "bob@example.com"), err: delivery.ErrUnmatched},
		{name: "no recipient", report: delivery.Report{}, err: delivery.ErrUnmatched},
		{name: "too late", report: gone, change: func(s *delivery.Sent) { s.UpdatedAt = at.Add(-delivery.Window - time.Second) }, err: delivery.ErrUnmatched},
		{name: "an SMS", report: gone, change: func(s *delivery.Sent) { s.Channel = registration.SMSChannel }, err: delivery.ErrUnmatched},
		{name: "in the local inbox", report: gone, change: func(s *delivery.Sent) { s.Provider = "inbox" }, err: delivery.ErrUnmatched},
		{name: "taken by nobody", report: gone, change: func(s *delivery.Sent) { s.Provider = "" }, err: delivery.ErrUnmatched},
		{name: "never sent", report: gone, change: func(s *delivery.Sent) { s.State = registration.Expired }, err: delivery.ErrUnmatched},
		{name: "before its record", report: gone, change: func(s *delivery.Sent) { s.State = registration.Sending }, err: delivery.ErrNotSettled},
		{name: "between two attempts", report: gone, change: func(s *delivery.Sent) { s.State, s.Provider = registration.Queued, "" }, err: delivery.ErrNotSettled},
	} {
		sent := delivery.Sent{Channel: registration.EmailChannel, Recipient: "Ada@example.com", Provider: "smtp", State: accepted, UpdatedAt: at.Add(-24 * time.Hour)}
		if c.change != nil {
			c.change(&sent)
		}
		got, err := c.report.Judge(sent, at)
		if got != c.want || !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("%s: %+v, %v; want %+v, %v", c.name, got, err, c.want, c.err)
		}
	}
}
