package smpp

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/sms"
)

var (
	errNumber  = errors.New("smpp: not a number in E.164 form")
	errTooLong = errors.New("smpp: more parts than a message may have")
)

// maxParts is what one octet counts (3GPP TS 23.040 section 9.2.3.24.1).
const maxParts = 255

// compose makes the submit_sm of each part of m (SMPP 3.4 section 4.4.1). reference
// tells the parts of a message from those of others to the same number.
func (s *Sender) compose(m notify.Message, reference byte, now time.Time) ([]*pdu.SubmitSM, error) {
	number, plus := strings.CutPrefix(m.To, "+")
	if !plus || !isDigits(number) || len(number) > 15 || number[0] == '0' {
		return nil, errNumber
	}
	coding, texts := s.split(m.Text)
	if len(texts) > maxParts {
		return nil, errTooLong
	}
	parts := make([]*pdu.SubmitSM, len(texts))
	for i, octets := range texts {
		p := pdu.NewSubmitSM().(*pdu.SubmitSM)
		p.ServiceType = s.config.ServiceType
		p.SourceAddr = address(s.source, s.sourceText)
		p.DestAddr = address(AddressType{TON: 1, NPI: 1}, number)
		p.PriorityFlag = priority(m.Kind)
		p.ValidityPeriod = validity(m.Deadline, now)
		if s.config.Receipts != nil {
			p.RegisteredDelivery = data.SM_SMSC_RECEIPT_REQUESTED
		}
		if err := p.Message.SetMessageDataWithEncoding(octets, coding); err != nil {
			return nil, fmt.Errorf("smpp: %w", err) // cannot happen: a part is shorter
		}
		if len(texts) > 1 {
			p.EsmClass = data.SM_UDH_GSM
			p.Message.SetUDH(pdu.UDH{pdu.NewIEConcatMessage(byte(len(texts)), byte(i+1), reference)})
		}
		parts[i] = p
	}
	return parts, nil
}

// The data_coding values in use (SMPP 3.4 section 5.2.19): the message centre's
// default alphabet, and UCS-2. The octets are already written.
var (
	defaultCoding = data.NewCustomEncoding(0, data.ASCII)
	ucs2Coding    = data.NewCustomEncoding(8, data.ASCII)
)

// split writes text in the parts that it travels in.
func (s *Sender) split(text string) (data.Encoding, [][]byte) {
	alphabet := sms.AlphabetOf(text)
	if s.config.Charset == UCS2 || s.config.Charset == Latin1 && strings.ContainsFunc(text, func(r rune) bool { return r > 0xff }) {
		alphabet = sms.UCS2
	}
	texts := sms.Split(alphabet, text)
	parts := make([][]byte, len(texts))
	for i, t := range texts {
		switch {
		case alphabet == sms.UCS2:
			parts[i] = sms.EncodeUCS2(t)
		case s.config.Charset == Latin1:
			for _, r := range t {
				parts[i] = append(parts[i], byte(r))
			}
		default:
			parts[i], _ = sms.EncodeGSM7(t) // the alphabet has it all
		}
	}
	if alphabet == sms.UCS2 {
		return ucs2Coding, parts
	}
	return defaultCoding, parts
}

func address(of AddressType, text string) pdu.Address {
	a, _ := pdu.NewAddressWithTonNpiAddr(of.TON, of.NPI, text) // at most 15 octets
	return a
}

// priority is the flag of SMPP 3.4 section 5.2.14: 0 is bulk, 1 normal and 2
// urgent where a network tells three.
func priority(k registration.Kind) byte {
	switch k {
	case registration.VerificationCode:
		return 2
	case registration.CampaignMessage:
		return 0
	default:
		return 1
	}
}

// longest is the longest validity that is asked for; message centres keep
// nothing longer.
const longest = 30 * 24 * time.Hour

// validity is the time until deadline in the relative format of SMPP 3.4 section
// 7.1.1, YYMMDDhhmmss000R, in whole seconds; "" without a deadline.
func validity(deadline, now time.Time) string {
	if deadline.IsZero() {
		return ""
	}
	left := min(longest, max(time.Second, deadline.Sub(now)))
	seconds := int(left / time.Second)
	return fmt.Sprintf("0000%02d%02d%02d%02d000R", seconds/86400, seconds/3600%24, seconds/60%60, seconds%60)
}
