package suppression_test

import (
	"crypto/sha256"
	"testing"

	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// TestHolds is every reason with every kind.
func TestHolds(t *testing.T) {
	t.Parallel()
	kinds := []registration.Kind{registration.VerificationCode, registration.AlreadyRegistered, registration.RegistrationCompleted, "SOME_NEWS_OF_LATER", registration.CampaignMessage}
	table := map[suppression.Reason][5]bool{
		suppression.Manual:       {true, true, true, true, true},
		suppression.Complaint:    {false, false, true, true, true},
		suppression.HardBounce:   {false, false, true, true, true},
		suppression.Unsubscribed: {false, false, false, false, true},
		"A_REASON_OF_LATER":      {},
		"":                       {},
	}
	for _, reason := range suppression.Reasons() {
		if _, found := table[reason]; !found {
			t.Errorf("the table has no %s", reason)
		}
	}
	for reason, want := range table {
		for i, kind := range kinds {
			if got := suppression.Holds(reason, kind); got != want[i] {
				t.Errorf("%q holds for %s: %t, want %t", reason, kind, got, want[i])
			}
		}
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   []suppression.Reason
		kind registration.Kind
		want suppression.Reason
	}{
		{nil, registration.CampaignMessage, ""},
		{[]suppression.Reason{suppression.Unsubscribed, suppression.HardBounce}, registration.CampaignMessage, suppression.HardBounce},
		{[]suppression.Reason{suppression.Unsubscribed, suppression.HardBounce}, registration.RegistrationCompleted, suppression.HardBounce},
		{[]suppression.Reason{suppression.Unsubscribed}, registration.RegistrationCompleted, ""},
		{[]suppression.Reason{suppression.Complaint, suppression.HardBounce, suppression.Unsubscribed}, registration.VerificationCode, ""},
		{[]suppression.Reason{suppression.Complaint, suppression.Manual}, registration.VerificationCode, suppression.Manual},
	} {
		if got := suppression.First(c.of, c.kind); got != c.want {
			t.Errorf("of %v for %s holds %q, want %q", c.of, c.kind, got, c.want)
		}
	}
}

// TestRecipientOf: spellings of one address are one recipient, by the key that
// accounts are unique by.
func TestRecipientOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel   registration.Channel
		text, key string
	}{
		{registration.EmailChannel, "ada@example.com", "ada@example.com"},
		{registration.EmailChannel, "Ada@EXAMPLE.com", "ada@example.com"},
		{registration.EmailChannel, "ada@bücher.example", "ada@xn--bcher-kva.example"},
		{registration.EmailChannel, "ada@XN--BCHER-KVA.example", "ada@xn--bcher-kva.example"},
		{registration.EmailChannel, "registrar@localhost", "registrar@localhost"},
		{registration.SMSChannel, "+966512345678", "+966512345678"},
	} {
		if got := suppression.RecipientOf(c.channel, c.text); got != sha256.Sum256([]byte(c.key)) {
			t.Errorf("%s is not the recipient %s", c.text, c.key)
		}
	}
}

func TestParseReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]suppression.Reason{
		"MANUAL": suppression.Manual, "hard-bounce": suppression.HardBounce, "Hard_Bounce": suppression.HardBounce, "complaint": suppression.Complaint,
		"unsubscribed": suppression.Unsubscribed, "": "", "SPAM": "",
	} {
		if got, err := suppression.ParseReason(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestIsHardBounce(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bool{
		"5.1.1": true, " 5.1.1 ": true, "5.1.3": true, "5.1.6": true, "5.1.10": true, "5.2.1": true,
		"": false, "5": false, "5.0.0": false, "5.1.0": false, "5.1.2": false, "5.1.8": false, "5.2.0": false, "5.2.2": false, "5.2.3": false, "5.3.4": false,
		"5.4.1": false, "5.4.4": false, "5.7.1": false, "5.7.26": false, "4.1.1": false, "4.2.1": false, "2.1.5": false, "5.1.1.1": false, "5.1.100": false,
	} {
		if got := suppression.IsHardBounce(status); got != want {
			t.Errorf("%q: %t, want %t", status, got, want)
		}
	}
}
