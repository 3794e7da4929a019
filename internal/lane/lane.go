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

// Of is the lane in which a notification of a kind travels by a channel.
func Of(kind registration.Kind, channel registration.Channel) (Lane, error) {
	of, known := map[registration.Kind]struct{ email, sms Lane }{
		registration.VerificationCode:      {EmailOTP, SMSOTP},
		registration.AlreadyRegistered:     {EmailOTP, SMSOTP}, // as the code in whose place it goes: nobody is to tell them apart
		registration.RegistrationCompleted: {EmailTransactional, SMSTransactional},
		registration.CampaignMessage:       {EmailMarketing, SMSMarketing},
	}[kind]
	switch {
	case known && channel == registration.EmailChannel:
		return of.email, nil
	case known && channel == registration.SMSChannel:
		return of.sms, nil
	default:
		return "", fmt.Errorf("lane: none for a %s by %s", kind, channel)
	}
}

// Priority is the urgency of a lane; a lower one goes first.
type Priority int

// The priorities.
const (
	OneTimeCode   Priority = iota // somebody is waiting for it
	Transactional                 // news of what a person has done
	Marketing                     // may wait for whatever else there is
)

// Priority is that of the lane's messages.
func (l Lane) Priority() Priority {
	_, name, _ := strings.Cut(string(l), ".")
	switch name {
	case "otp":
		return OneTimeCode
	case "marketing":
		return Marketing
	default:
		return Transactional
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
