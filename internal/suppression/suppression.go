// Package suppression says whom nothing is sent to any more, and why.
//
// What may be relied on: the list holds no address and no number, only hashes;
// a recipient may have several reasons, and one that ends leaves the others.
// What may not: that a hash keeps a telephone number secret. There are few
// enough numbers to try them all, so the list is to be guarded as the accounts
// are.
package suppression

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"registrar/internal/address"
	"registrar/internal/registration"
)

// Reason is why a recipient is suppressed.
type Reason string

// The reasons.
const (
	// Manual is an operator's decision, or the person's own, told to one.
	Manual Reason = "MANUAL"
	// Complaint: the person has called a message unwanted (RFC 5965).
	Complaint Reason = "COMPLAINT"
	// HardBounce: there is no such mailbox or number any more.
	HardBounce Reason = "HARD_BOUNCE"
	// Unsubscribed: the person wants no more campaigns (RFC 8058).
	Unsubscribed Reason = "UNSUBSCRIBED"
)

// Reasons lists them, the one that holds for most first.
func Reasons() []Reason { return []Reason{Manual, Complaint, HardBounce, Unsubscribed} }

// Holds says whether a reason keeps messages of a kind from being sent.
//
//	               code  other news  campaign
//	MANUAL         yes   yes         yes
//	COMPLAINT      no    yes         yes
//	HARD_BOUNCE    no    yes         yes
//	UNSUBSCRIBED   no    no          yes
//
// A code is asked for by whoever waits for it, who thereby says that the
// address works; only an operator can know better. The notice that goes in a
// code's place is held back where a code would be: its state is shown to callers.
// What unsubscribing ends is marketing. A reason that is not known holds for nothing.
func Holds(reason Reason, kind registration.Kind) bool {
	switch reason {
	case Manual:
		return true
	case Complaint, HardBounce:
		return kind != registration.VerificationCode && kind != registration.AlreadyRegistered
	case Unsubscribed:
		return kind == registration.CampaignMessage
	default:
		return false
	}
}

// First is the first of Reasons that is among those of a recipient and holds
// for a kind; "" for none.
func First(of []Reason, kind registration.Kind) Reason {
	for _, r := range Reasons() {
		if slices.Contains(of, r) && Holds(r, kind) {
			return r
		}
	}
	return ""
}

// Recipient stands for an address or a number: SHA-256 of its canonical form,
// which is registration.Email's Key, or E.164.
type Recipient [sha256.Size]byte

// RecipientOf is that of an address or a number as a notification has it. Two
// spellings of one address are one recipient. What is no address stands for
// itself alone.
func RecipientOf(channel registration.Channel, recipient string) Recipient {
	if channel == registration.EmailChannel {
		if email, wrong := registration.ParseEmail(recipient, address.DomainToASCII); wrong == nil {
			recipient = email.Key
		}
	}
	return sha256.Sum256([]byte(recipient))
}

// Suppression is one reason why nothing, or not everything, is sent to a
// recipient.
type Suppression struct {
	Channel   registration.Channel
	Recipient Recipient
	Reason    Reason
	Detail    string    // a status code ("5.1.1"), never a text of somebody else's; at most 255 characters; "" for none
	CreatedAt time.Time // of the first time that the reason arose
}

var errReason = errors.New("suppression: not a reason")

// ParseReason reads a reason in any letter case, with '-' for '_' too.
func ParseReason(s string) (Reason, error) {
	r := Reason(strings.ReplaceAll(strings.ToUpper(s), "-", "_"))
	if !slices.Contains(Reasons(), r) {
		return "", fmt.Errorf("%w: they are %v", errReason, Reasons())
	}
	return r, nil
}
