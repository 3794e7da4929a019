package smtp

import (
	"errors"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"registrar/internal/notify"
)

// phase is how far the dialogue was when it failed.
type phase int

const (
	connecting phase = iota // greeting, EHLO, STARTTLS, AUTH: nothing of this message was said
	sender                  // MAIL FROM
	recipient               // RCPT TO
	content                 // from DATA up to the dot
	answer                  // after the dot
)

func (p phase) String() string {
	return [...]string{"connect", "MAIL", "RCPT", "DATA", "answer"}[p]
}

// rule is one line of the table by which a failure is classified. The first
// line that fits decides.
type rule struct {
	phase phase // -1 for any
	code  int   // of the reply; 0 for none, 4 and 5 for a whole class, -1 for any
	class notify.Class
	// The source: a section of RFC 5321 unless it names another one.
	source string
}

const anyPhase phase = -1

var rules = []rule{
	{connecting, -1, notify.Transient, "3.1, 3.8: the server refuses the client, not the message; an operator can mend it"},
	{anyPhase, 421, notify.Transient, "3.8, 4.2.3: the service is closing"},
	{recipient, 552, notify.Transient, "4.5.3.1.10: to be treated as 452, too many recipients"},
	{anyPhase, 530, notify.Transient, "RFC 4954 section 6: sign-in required, about the client"},
	{anyPhase, 534, notify.Transient, "RFC 4954 section 6: mechanism too weak, about the client"},
	{anyPhase, 535, notify.Transient, "RFC 4954 section 6: credentials refused, about the client"},
	{anyPhase, 538, notify.Transient, "RFC 4954 section 6: encryption required, about the client"},
	{anyPhase, 4, notify.Transient, "4.2.1: transient negative completion; RFC 3463 section 3.1, class 4"},
	{anyPhase, 5, notify.Permanent, "4.2.1: permanent negative completion; RFC 3463 section 3.1, class 5"},
	{sender, 0, notify.Transient, "4.1.1.4: without the dot the server has no message"},
	{recipient, 0, notify.Transient, "4.1.1.4: without the dot the server has no message"},
	{content, 0, notify.Transient, "4.1.1.4: without the dot the server has no message"},
	{answer, -1, notify.Ambiguous, "4.5.3.2.6, 6.1: the server may have taken responsibility; its answer is missing"},
}

// classify says what a failure means for the message.
func classify(p phase, code int) notify.Class {
	for _, r := range rules {
		if (r.phase == anyPhase || r.phase == p) && (r.code == -1 || r.code == code || r.code > 0 && r.code < 10 && code/100 == r.code) {
			return r.class
		}
	}
	return notify.Ambiguous // a reply that is neither, such as 354 after the dot
}

// failure is a *notify.SendError without the server's text.
func failure(p phase, code int, enhanced string, cause error) *notify.SendError {
	status := p.String()
	if code != 0 {
		status = strings.TrimSpace(strconv.Itoa(code) + " " + enhanced)
	}
	return &notify.SendError{Class: classify(p, code), Status: status, Err: cause}
}

// phaseOf reads how far the library came.
func phaseOf(err *gomail.SendError) phase {
	switch err.Reason {
	case gomail.ErrConnCheck:
		return connecting
	case gomail.ErrSMTPMailFrom:
		return sender
	case gomail.ErrSMTPRcptTo:
		return recipient
	case gomail.ErrSMTPData, gomail.ErrWriteContent:
		return content
	default:
		return answer
	}
}

// failureOf classifies what the library's Send gave.
func failureOf(err, cause error) (*notify.SendError, phase) {
	e, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return failure(answer, 0, "", cause), answer
	}
	p := phaseOf(e)
	return failure(p, e.ErrorCode(), e.EnhancedStatusCode(), cause), p
}
