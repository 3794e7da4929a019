package smpp

import (
	"fmt"
	"time"

	"registrar/internal/notify"
)

// rule is one line of the table by which the status of an answer to submit_sm
// is classified. Whatever it is, the message was not taken.
type rule struct {
	from, to uint32 // command_status
	name     string
	class    notify.Class
	provider bool // it is about the provider or what it agreed with us on, not about this message
	// The source: SMPP 3.4 section 5.1.3, and what the line makes of it.
	source string
}

var rules = []rule{
	{0x01, 0x01, "ESME_RINVMSGLEN", notify.Permanent, false, "message length is invalid: the text does not get shorter"},
	{0x02, 0x02, "ESME_RINVCMDLEN", notify.Transient, true, "command length is invalid: the stream is out of step"},
	{0x03, 0x03, "ESME_RINVCMDID", notify.Transient, true, "invalid command id: submit_sm is not known there"},
	{0x04, 0x04, "ESME_RINVBNDSTS", notify.Transient, true, "incorrect bind status: the session is not what we think"},
	{0x05, 0x05, "ESME_RALYBND", notify.Transient, true, "already bound"},
	{0x06, 0x06, "ESME_RINVPRTFLG", notify.Transient, true, "invalid priority flag: an agreement, the same for all messages"},
	{0x07, 0x07, "ESME_RINVREGDLVFLG", notify.Transient, true, "invalid registered delivery flag: an agreement"},
	{0x08, 0x08, "ESME_RSYSERR", notify.Transient, true, "system error"},
	{0x0a, 0x0a, "ESME_RINVSRCADR", notify.Transient, true, "invalid source address: ours, the same for all messages"},
	{0x0b, 0x0b, "ESME_RINVDSTADR", notify.Permanent, false, "invalid destination address"},
	{0x0d, 0x0d, "ESME_RBINDFAIL", notify.Transient, true, "bind failed"},
	{0x0e, 0x0e, "ESME_RINVPASWD", notify.Transient, true, "invalid password: an operator can mend it"},
	{0x0f, 0x0f, "ESME_RINVSYSID", notify.Transient, true, "invalid system id: an operator can mend it"},
	{0x14, 0x14, "ESME_RMSGQFUL", notify.Throttled, true, "message queue full"},
	{0x15, 0x15, "ESME_RINVSERTYP", notify.Transient, true, "invalid service type: an agreement"},
	{0x43, 0x43, "ESME_RINVESMCLASS", notify.Permanent, false, "invalid esm_class: concatenated messages are not taken"},
	{0x45, 0x45, "ESME_RSUBMITFAIL", notify.Transient, true, "submit_sm failed, no reason given"},
	{0x48, 0x48, "ESME_RINVSRCTON", notify.Transient, true, "invalid source address TON: an agreement"},
	{0x49, 0x49, "ESME_RINVSRCNPI", notify.Transient, true, "invalid source address NPI: an agreement"},
	{0x50, 0x50, "ESME_RINVDSTTON", notify.Transient, true, "invalid destination address TON: the same for all messages"},
	{0x51, 0x51, "ESME_RINVDSTNPI", notify.Transient, true, "invalid destination address NPI: the same for all messages"},
	{0x53, 0x53, "ESME_RINVSYSTYP", notify.Transient, true, "invalid system type: an operator can mend it"},
	{0x58, 0x58, "ESME_RTHROTTLED", notify.Throttled, true, "throttling error: the limit of messages is exceeded"},
	{0x62, 0x62, "ESME_RINVEXPIRY", notify.Permanent, false, "invalid validity period (expiry time)"},
	{0x64, 0x64, "ESME_RX_T_APPN", notify.Transient, false, "receiver temporary application error"},
	{0x65, 0x65, "ESME_RX_P_APPN", notify.Permanent, false, "receiver permanent application error"},
	{0x66, 0x66, "ESME_RX_R_APPN", notify.Permanent, false, "receiver reject message error"},
	{0xc0, 0xc4, "", notify.Permanent, false, "errors of optional parameters: the same message has the same"},
	{0xfe, 0xfe, "ESME_RDELIVERYFAILURE", notify.Transient, false, "delivery failure"},
	{0xff, 0xff, "ESME_RUNKNOWNERR", notify.Transient, true, "unknown error"},
	{0x400, 0x4ff, "", notify.Transient, false, "reserved for the vendor: not taken, for a reason that we cannot know"},
	{0, ^uint32(0), "", notify.Transient, false, "other operations' and reserved: not taken, and a definite answer"},
}

// ruleOf is the line for a status.
func ruleOf(status uint32) rule {
	for _, r := range rules {
		if r.from <= status && status <= r.to {
			return r
		}
	}
	panic("unreachable: the last line takes all")
}

// statusName is the specification's name, or the number where it has none.
func statusName(status uint32) string {
	if name := ruleOf(status).name; name != "" {
		return name
	}
	return fmt.Sprintf("0x%08X", status)
}

// refusal is what an answer with a status other than ESME_ROK means.
func refusal(status uint32, retryAfter time.Duration) *notify.SendError {
	r := ruleOf(status)
	return &notify.SendError{Class: r.class, Status: statusName(status), Provider: r.provider, RetryAfter: retryAfter}
}

// How far a message came that has no answer.
const (
	statusBind   = "bind"   // there is no bind
	statusHeld   = "paused" // the message centre has just throttled others
	statusWindow = "window" // too many messages are without an answer
	statusWrite  = "submit" // the connection broke before all of the message was in it
	statusAnswer = "answer" // the message left; its answer is missing
)

// unsent is the error of a message that certainly has not left; whoever stands
// first in the way, it is the provider.
func unsent(status string, cause error) *notify.SendError {
	return &notify.SendError{Class: notify.Transient, Status: status, Provider: true, Err: cause}
}

// unanswered is the error of a message that the message centre may have: it
// takes responsibility by its answer, which may be on its way (SMPP 3.4 section 2.9).
func unanswered(cause error) *notify.SendError {
	return &notify.SendError{Class: notify.Ambiguous, Status: statusAnswer, Err: cause}
}
