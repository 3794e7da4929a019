package smtp_test

import (
	"testing"

	"registrar/internal/channel/smtp"
	"registrar/internal/notify"
)

func TestClassify(t *testing.T) {
	const transient, permanent, ambiguous, throttled = notify.Transient, notify.Permanent, notify.Ambiguous, notify.Throttled
	const theirs, ours = true, false // whose failure: the provider's or the message's
	for _, c := range []struct {
		phase    string
		code     int
		enhanced string
		want     notify.Class
		provider bool
	}{
		{"connecting", 0, "", transient, theirs},
		{"connecting", 421, "", transient, theirs},
		{"connecting", 421, "4.3.2", transient, theirs},
		{"connecting", 421, "4.7.0", throttled, theirs},
		{"connecting", 454, "4.7.0", transient, theirs},
		{"connecting", 535, "5.7.8", transient, theirs},
		{"connecting", 554, "5.7.1", transient, theirs},

		{"sender", 0, "", transient, theirs},
		{"sender", 421, "", transient, theirs},
		{"sender", 421, "4.4.2", transient, theirs},
		{"sender", 421, "4.7.0", throttled, theirs},
		{"sender", 450, "4.7.1", transient, ours},
		{"sender", 451, "", transient, ours},
		{"sender", 451, "4.3.0", transient, theirs},
		{"sender", 452, "", transient, theirs},
		{"sender", 452, "4.3.1", transient, theirs},
		{"sender", 452, "4.2.2", transient, ours},
		{"sender", 454, "4.7.0", transient, theirs},
		{"sender", 530, "5.7.0", transient, theirs},
		{"sender", 550, "5.7.1", permanent, ours},
		{"sender", 552, "", permanent, ours},
		{"sender", 555, "", permanent, ours},

		{"recipient", 0, "", transient, theirs},
		{"recipient", 354, "", transient, theirs},
		{"recipient", 421, "4.7.0", throttled, theirs},
		{"recipient", 421, "4.7.28", throttled, theirs},
		{"recipient", 450, "", transient, ours},
		{"recipient", 450, "4.2.0", transient, ours},
		{"recipient", 450, "4.2.1", transient, ours},
		{"recipient", 450, "4.4.5", throttled, theirs},
		{"recipient", 450, "4.7.0", throttled, theirs},
		{"recipient", 450, "4.7.1", transient, ours},
		{"recipient", 450, "4.7.28", throttled, theirs},
		{"recipient", 450, "4.7.281", transient, ours},
		{"recipient", 451, "4.2.0", transient, ours},
		{"recipient", 451, "4.7.0", throttled, theirs},
		{"recipient", 451, "4.7.1", transient, ours},
		{"recipient", 452, "4.5.3", transient, ours},
		{"recipient", 535, "5.7.8", transient, theirs},
		{"recipient", 550, "5.1.1", permanent, ours},
		{"recipient", 551, "", permanent, ours},
		{"recipient", 552, "5.5.3", transient, ours},
		{"recipient", 553, "", permanent, ours},

		{"content", 0, "", transient, theirs},
		{"content", 250, "", transient, theirs},
		{"content", 451, "4.3.0", transient, theirs},
		{"content", 554, "5.6.0", permanent, ours},

		{"answer", 0, "", ambiguous, theirs},
		{"answer", 354, "", ambiguous, theirs},
		{"answer", 421, "", transient, theirs},
		{"answer", 451, "4.7.0", throttled, theirs},
		{"answer", 451, "4.7.1", transient, ours},
		{"answer", 452, "4.3.1", transient, theirs},
		{"answer", 550, "5.7.1", permanent, ours},
		{"answer", 552, "", permanent, ours},
		{"answer", 554, "", permanent, ours},
	} {
		if got, provider := smtp.Classify(c.phase, c.code, c.enhanced); got != c.want || provider != c.provider {
			t.Errorf("%s %d %s is %s, the provider's: %t; want %s, %t", c.phase, c.code, c.enhanced, got, provider, c.want, c.provider)
		}
	}
}
