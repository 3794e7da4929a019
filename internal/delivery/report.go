package delivery

import (
	"errors"
	"slices"
	"time"

	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Window is for how long after its last change a notification may bounce: mail
// servers give up after 5 days (RFC 5321 section 4.5.4.1), and complaints come
// when people read.
const Window = 14 * 24 * time.Hour

// Errors of Judge.
var (
	// ErrUnmatched says that a report is of nothing that was sent to that
	// recipient lately: a forged one, or one of somebody else's mail.
	ErrUnmatched = errors.New("delivery: a report of nothing that was sent")
	// ErrNotSettled says that the report came before the message's own record;
	// it is to be handled again later.
	ErrNotSettled = errors.New("delivery: a report of a message that is still being sent")
)

// Report is what came back for an e-mail.
type Report struct {
	NotificationID registration.ID
	// Complaint: the person called it unwanted (RFC 5965). Recipients may be
	// empty then, since many providers hide them.
	Complaint  bool
	Recipients []RecipientReport
}

// RecipientReport is what is told of one recipient.
type RecipientReport struct {
	// Recipients are the addresses that stand for it: the one that was written
	// to and, where mail is forwarded, the last one.
	Recipients []suppression.Recipient
	State      registration.State // FAILED, DELIVERED, or "" for nothing final
	Status     string             // enhanced (RFC 3463), such as "5.1.1"; "" for none
}

// Sent is what the ledger knows of the notification that a report names.
type Sent struct {
	Channel   registration.Channel
	Recipient string
	Provider  string // "" for none
	State     registration.State
	UpdatedAt time.Time
}

// Verdict is what a report changes.
type Verdict struct {
	State    registration.State // as it is then
	Reason   string             // of another State than before
	Suppress suppression.Reason // "" for nothing
	Detail   string             // of Suppress
}

// localInbox is the provider that no mail comes back from.
const localInbox = "inbox"

// Judge says what the report changes. Anybody may write one, so it counts only
// when it knows the id of a notification, which nobody can guess, names the
// recipient that this was sent to by mail, and comes within Window. The errors
// are ErrUnmatched and ErrNotSettled.
func (r Report) Judge(sent Sent, now time.Time) (Verdict, error) {
	switch {
	case sent.Channel != registration.EmailChannel, sent.Provider == localInbox:
		return Verdict{}, ErrUnmatched
	case !sent.State.Settled():
		return Verdict{}, ErrNotSettled
	case sent.Provider == "", sent.State == registration.Expired, now.Sub(sent.UpdatedAt) > Window:
		return Verdict{}, ErrUnmatched
	}
	told, found := r.of(suppression.RecipientOf(sent.Channel, sent.Recipient))
	switch {
	case r.Complaint && (found || len(r.Recipients) == 0):
		return Verdict{State: sent.State, Suppress: suppression.Complaint}, nil
	case !found:
		return Verdict{}, ErrUnmatched
	}
	v := Verdict{State: After(sent.State, told.State)}
	if v.State == registration.Failed && v.State != sent.State {
		v.Reason = "BOUNCE"
		if told.Status != "" {
			v.Reason += " " + told.Status
		}
		// Only once: what was taken back meanwhile does not return with a second copy.
		if suppression.IsHardBounce(told.Status) {
			v.Suppress, v.Detail = suppression.HardBounce, told.Status
		}
	}
	return v, nil
}

// of is what is told of a recipient.
func (r Report) of(recipient suppression.Recipient) (RecipientReport, bool) {
	for _, told := range r.Recipients {
		if slices.Contains(told.Recipients, recipient) {
			return told, true
		}
	}
	return RecipientReport{}, false
}
