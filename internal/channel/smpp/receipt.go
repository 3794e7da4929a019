package smpp

import (
	"math/big"
	"strings"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"registrar/internal/registration"
	"registrar/internal/sms"
)

// receipt is what a delivery receipt tells.
type receipt struct {
	messageID string
	state     registration.State // DELIVERED or FAILED; "" for on its way, or not known
	reason    string             // the message centre's state and error code
}

// isReceipt looks at the message type, bits 5 to 2 of esm_class (SMPP 3.4
// section 5.2.12): a receipt or an intermediate notification. Whatever else looks like one may be
// written by anybody who has a telephone.
func isReceipt(esmClass byte) bool {
	kind := esmClass & 0x3c
	return kind == data.SM_SMSC_DLV_RCPT_TYPE || kind == data.SM_INTMD_DLV_NOTIFY_TYPE
}

// state is a final or passing state of a message, with its names in receipts'
// texts (SMPP 3.4 Appendix B, and what is common beside) and its number
// (section 5.2.28).
type state struct {
	number byte
	names  []string
	means  registration.State
}

var states = []state{
	{1, []string{"ENROUTE", "BUFFERED"}, ""},
	{2, []string{"DELIVRD", "DELIVERED"}, registration.Delivered},
	{3, []string{"EXPIRED"}, registration.Failed},
	{4, []string{"DELETED"}, registration.Failed},
	{5, []string{"UNDELIV", "UNDELIVERABLE", "UNDELIVERED", "FAILED"}, registration.Failed},
	{6, []string{"ACCEPTD", "ACCEPTED"}, ""}, // read on the person's behalf, or just accepted: nobody means the same by it
	{7, []string{"UNKNOWN"}, ""},
	{8, []string{"REJECTD", "REJECTED"}, registration.Failed},
}

func stateByNumber(number byte) (state, bool) {
	for _, s := range states {
		if s.number == number {
			return s, true
		}
	}
	return state{}, false
}

func stateByName(name string) (state, bool) {
	name = strings.ToUpper(name)
	for _, s := range states {
		for _, n := range s.names {
			if n == name {
				return s, true
			}
		}
	}
	return state{}, false
}

// readReceipt takes a receipt from its parameters receipted_message_id and
// message_state (SMPP 3.4 sections 5.3.2.12 and 5.3.2.35) and from its text. It
// is false where there is no id.
func readReceipt(text []byte, coding byte, optional map[pdu.Tag]pdu.Field, ids ReceiptID) (receipt, bool) {
	if len(text) == 0 {
		text = optional[pdu.TagMessagePayload].Data
	}
	told := parseText(text, coding)
	r := receipt{messageID: ids.ofText(told.id)}
	// The parameter has the id as the answer to submit_sm had it.
	if field, found := optional[pdu.TagReceiptedMessageID]; found && (ids == SameID || r.messageID == "") {
		if id := strings.Trim(field.String(), "\x00 "); id != "" {
			r.messageID = ids.ofAnswer(id)
		}
	}
	s, found := stateByName(told.stat)
	if field, given := optional[pdu.TagMessageStateOption]; given && len(field.Data) == 1 {
		if byNumber, known := stateByNumber(field.Data[0]); known {
			s, found = byNumber, true
		}
	}
	if found {
		r.state, r.reason = s.means, s.names[0]
		if code := strings.TrimLeft(told.err, "0"); code != "" {
			r.reason += " " + told.err
		}
	}
	return r, r.messageID != ""
}

// fields are what is used of a receipt's text.
type fields struct{ id, stat, err string }

// fieldKeys begin the fields of a receipt's text.
var fieldKeys = []string{"id:", "sub:", "dlvrd:", "submit date:", "submitdate:", "done date:", "donedate:", "stat:", "err:", "text:"}

// parseText reads the form of SMPP 3.4 Appendix B, "id:I sub:S dlvrd:D submit
// date:T done date:T stat:S err:E text:...". Every message centre writes it its
// own way: in whatever order and case, with fields missing and with spaces
// behind colons.
func parseText(octets []byte, coding byte) fields {
	line := string(octets)
	if coding == 8 {
		line, _ = sms.DecodeUCS2(octets)
	}
	lower := asciiLower(line)
	if end := fieldAt(lower, "text:"); end >= 0 { // what follows was written by us, or by anybody
		line, lower = line[:end], lower[:end]
	}
	value := func(key string) string {
		at := fieldAt(lower, key)
		if at < 0 {
			return ""
		}
		at += len(key)
		at += len(lower[at:]) - len(strings.TrimLeft(lower[at:], " "))
		for _, k := range fieldKeys {
			if strings.HasPrefix(lower[at:], k) {
				return "" // the field is empty
			}
		}
		found, _, _ := strings.Cut(line[at:], " ")
		return strings.TrimRight(found, "\x00\r\n\t,;")
	}
	return fields{id: word(value("id:"), 65), stat: word(value("stat:"), 16), err: word(value("err:"), 8)}
}

// fieldAt is where a field begins: its key, at the beginning or behind a space.
func fieldAt(lower, key string) int {
	for from := 0; ; {
		at := strings.Index(lower[from:], key)
		if at < 0 {
			return -1
		}
		if at += from; at == 0 || strings.IndexByte(" \r\n\t,;", lower[at-1]) >= 0 {
			return at
		}
		from = at + 1
	}
}

// asciiLower leaves every octet in its place, which strings.ToLower does not.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// word is a value of at most n visible ASCII characters, or "".
func word(s string, n int) string {
	if !isOctets(s, n) {
		return ""
	}
	return s
}

// ofAnswer and ofText give an id of submit_sm_resp and one of a receipt's text
// in one form: as they are, or where the two are written differently, decimal.
func (r ReceiptID) ofAnswer(id string) string {
	switch r {
	case HexToDec:
		return decimal(id, 16)
	case DecToHex:
		return decimal(id, 10)
	default:
		return id
	}
}

func (r ReceiptID) ofText(id string) string {
	switch r {
	case HexToDec:
		return decimal(id, 10)
	case DecToHex:
		return decimal(id, 16)
	default:
		return id
	}
}

// decimal is a number in base 10; what is none stays as it is.
func decimal(id string, base int) string {
	digits := id
	if base == 16 {
		digits = strings.TrimPrefix(asciiLower(id), "0x")
	}
	if digits == "" || strings.Trim(asciiLower(digits), "0123456789abcdef") != "" {
		return id
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return id
	}
	return n.String()
}
