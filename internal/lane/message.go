package lane

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"registrar/internal/registration"
)

// Message is what travels in a lane: a pointer into the ledger, never the
// address, the text or a code. Who takes it reads those from the ledger.
type Message struct {
	NotificationID registration.ID
	Lane           Lane
	Recipient      uint16    // RecipientHash of the address: keeps one recipient's messages in order
	Deadline       time.Time // after it the message is of no use to anyone
	TraceParent    string    // W3C Trace Context of the request that caused it; "" for none
}

// RecipientHash is the part of the queue's key that stands for a recipient.
// Sixteen bits are enough to choose a partition and too few to find an address
// or a number by trying all of them.
func RecipientHash(recipient string) uint16 {
	sum := sha256.Sum256([]byte(recipient))
	return binary.BigEndian.Uint16(sum[:2])
}

// MessageFor is the message that leads to n.
func MessageFor(n registration.Notification) (Message, error) {
	l, err := Of(n.Kind, n.Channel)
	if err != nil {
		return Message{}, err
	}
	return Message{NotificationID: n.ID, Lane: l, Recipient: RecipientHash(n.Recipient), Deadline: n.Deadline, TraceParent: n.TraceParent}, nil
}
