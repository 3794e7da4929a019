package lane_test

import (
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/registration"
)

func TestEveryLaneHasItsNameAndChannel(t *testing.T) {
	t.Parallel()
	want := map[lane.Lane]registration.Channel{
		"sms.otp": registration.SMSChannel, "email.otp": registration.EmailChannel,
		"sms.transactional": registration.SMSChannel, "email.transactional": registration.EmailChannel,
		"sms.marketing": registration.SMSChannel, "email.marketing": registration.EmailChannel,
	}
	if len(lane.All()) != len(want) {
		t.Errorf("the lanes are %v", lane.All())
	}
	for _, l := range lane.All() {
		if channel, ok := want[l]; !ok || l.Channel() != channel {
			t.Errorf("%s goes by %s, want %s", l, l.Channel(), channel)
		}
		if parsed, err := lane.Parse(string(l)); err != nil || parsed != l {
			t.Errorf("Parse(%s) is %s, %v", l, parsed, err)
		}
	}
	for _, bad := range []string{"", "sms", "SMS.OTP", "sms.otp "} {
		if _, err := lane.Parse(bad); err == nil {
			t.Errorf("%q was taken for a lane", bad)
		}
	}
}

// TestEveryKindHasItsLane: a code before the news of a registration, and that
// before a campaign, by each channel.
func TestEveryKindHasItsLane(t *testing.T) {
	t.Parallel()
	for kind, priority := range map[registration.Kind]lane.Priority{
		registration.VerificationCode: lane.OneTimeCode, registration.AlreadyRegistered: lane.OneTimeCode, registration.RegistrationCompleted: lane.Transactional, registration.CampaignMessage: lane.Marketing,
	} {
		for _, channel := range []registration.Channel{registration.EmailChannel, registration.SMSChannel} {
			l, err := lane.Of(kind, channel)
			if err != nil || l.Channel() != channel || l.Priority() != priority {
				t.Errorf("%s by %s travels in %s, %v", kind, channel, l, err)
			}
		}
		if _, err := lane.Of(kind, "PIGEON"); err == nil {
			t.Error("an unknown channel has a lane")
		}
	}
	if _, err := lane.Of("SOMETHING_ELSE", registration.EmailChannel); err == nil {
		t.Error("an unknown kind has a lane")
	}
}

// TestTheMessageTellsNothingOfThePerson: not the address, nor enough to find it.
func TestTheMessageTellsNothingOfThePerson(t *testing.T) {
	t.Parallel()
	n := registration.Notification{
		ID: registration.ID{1}, Kind: registration.RegistrationCompleted, Channel: registration.SMSChannel,
		Recipient: "+966512345678", Deadline: time.Unix(1, 0), TraceParent: "t",
	}
	m, err := lane.MessageFor(n)
	if err != nil {
		t.Fatal(err)
	}
	want := lane.Message{NotificationID: n.ID, Lane: lane.SMSTransactional, Recipient: lane.RecipientHash("+966512345678"), Deadline: n.Deadline, TraceParent: "t"}
	if m != want {
		t.Errorf("the message is %+v", m)
	}
	if lane.RecipientHash("+966512345678") == lane.RecipientHash("+966512345679") {
		t.Error("neighbours share a hash: that is no hash")
	}
}
