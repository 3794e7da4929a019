package smpp

import (
	"bytes"
	"time"

	"github.com/linxGnu/gosmpp/pdu"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// WindowSize is how many messages may be without an answer now.
func (s *Sender) WindowSize() int { return s.window.size() }

// Receipt is what a receipt's text and parameters tell.
type Receipt struct {
	ID     string
	State  registration.State
	Reason string
}

// ReadReceipt reads a receipt: state is message_state, 0 for none; tlvID is
// receipted_message_id, "" for none.
func ReadReceipt(text []byte, coding byte, tlvID string, state byte, ids ReceiptID) (Receipt, bool) {
	optional := map[pdu.Tag]pdu.Field{}
	if tlvID != "" {
		optional[pdu.TagReceiptedMessageID] = pdu.Field{Tag: pdu.TagReceiptedMessageID, Data: append([]byte(tlvID), 0)}
	}
	if state != 0 {
		optional[pdu.TagMessageStateOption] = pdu.Field{Tag: pdu.TagMessageStateOption, Data: []byte{state}}
	}
	r, ok := readReceipt(text, coding, optional, ids)
	return Receipt{r.messageID, r.state, r.reason}, ok
}

// ReadPDU reads one PDU and its parameters.
func ReadPDU(octets []byte) (read int, headerErr, bodyErr error) {
	r := bytes.NewReader(octets)
	f, err := readFrame(r)
	if err != nil {
		return len(octets) - r.Len(), err, nil
	}
	_, err = f.body()
	return len(octets) - r.Len(), nil, err
}

// ClassOf is what the table makes of a status.
func ClassOf(status uint32) (class notify.Class, provider bool, name string) {
	r := ruleOf(status)
	return r.class, r.provider, statusName(status)
}

// Sources are the lines of the table: name and source by first status.
func Sources() map[uint32][2]string {
	sources := make(map[uint32][2]string)
	for _, r := range rules {
		sources[r.from] = [2]string{r.name, r.source}
	}
	return sources
}

// Backoff is a wait after failures to bind.
func Backoff(base, most time.Duration, failures int) time.Duration {
	return newLink(&Config{ReconnectBase: base, ReconnectCap: most}, nil).backoff(failures)
}

// Validity is the relative time until deadline.
var Validity = validity

// RecipientOf is the recipient that a receipt of this source address tells.
func RecipientOf(source string) string {
	a := pdu.NewAddress()
	if a.SetAddress(source) != nil {
		return "too long"
	}
	return recipientOf(a)
}
