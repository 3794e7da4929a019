// Package lane names the lanes of the notification queue and what travels in
// them. A lane is a channel and a priority: messages of one lane wait for each
// other, messages of different lanes never do.
//
// It is vocabulary only: how lanes are laid out in a broker is package queue's.
package lane

import (
	"fmt"
	"strings"

	"registrar/internal/registration"
)

// Lane is a channel and a priority, such as "email.transactional".
type Lane string

// The lanes.
const (
	SMSOTP             Lane = "sms.otp"
	EmailOTP           Lane = "email.otp"
	SMSTransactional   Lane = "sms.transactional"
	EmailTransactional Lane = "email.transactional"
	EmailMarketing     Lane = "email.marketing"
	SMSMarketing       Lane = "sms.marketing"
)

// All lists the lanes, most urgent first.
func All() []Lane {
	return []Lane{SMSOTP, EmailOTP, SMSTransactional, EmailTransactional, EmailMarketing, SMSMarketing}
}

// Used lists the lanes that anything travels in: those that Of gives.
func Used() []Lane { return []Lane{SMSTransactional, EmailTransactional} }

// Of is the lane in which a notification of a kind travels by a channel.
func Of(kind registration.Kind, channel registration.Channel) (Lane, error) {
	switch {
	case kind == registration.RegistrationCompleted && channel == registration.EmailChannel:
		return EmailTransactional, nil
	case kind == registration.RegistrationCompleted && channel == registration.SMSChannel:
		return SMSTransactional, nil
	default:
		return "", fmt.Errorf("lane: none for a %s by %s", kind, channel)
	}
}

// Parse reads a lane's name.
func Parse(s string) (Lane, error) {
	for _, l := range All() {
		if s == string(l) {
			return l, nil
		}
	}
	return "", fmt.Errorf("lane: %q is none of %v", s, All())
}

// Channel is the channel that the lane's messages go out by.
func (l Lane) Channel() registration.Channel {
	if strings.HasPrefix(string(l), "sms.") {
		return registration.SMSChannel
	}
	return registration.EmailChannel
}
