package smtp

import (
	"context"
	"errors"
	"strings"

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
	phase    phase  // -1 for any
	code     int    // of the reply; 0 for none, 4 and 5 for a whole class, -1 for any
	enhanced string // the beginning of the enhanced code; "" for any, "-" for none
	class    notify.Class
	provider bool // the provider's failure, not the message's
	// The source: a section of RFC 5321 unless it names another one.
	source string
}

const anyPhase phase = -1

var rules = []rule{
	{anyPhase, 421, "4.7.0", notify.Throttled, true, "RFC 3463 section 3.8, X.7.0, on a service that closes: too many connections or messages"},
	{anyPhase, 4, "4.7.28", notify.Throttled, true, "X.7.28, mail flood detected, of the registry that RFC 5248 began"},
	{anyPhase, 4, "4.4.5", notify.Throttled, true, "RFC 3463 section 3.5, X.4.5: mail system congestion"},
	{anyPhase, 450, "4.7.0", notify.Throttled, true, "RFC 3463 section 3.8, X.7.0: no reason of the others, so no greylisting (RFC 6647 section 5)"},
	{anyPhase, 451, "4.7.0", notify.Throttled, true, "RFC 3463 section 3.8, X.7.0: no reason of the others, so no greylisting (RFC 6647 section 5)"},
	{connecting, -1, "", notify.Transient, true, "3.1, 3.8: the server refuses the client, not the message; an operator can mend it"},
	{anyPhase, 421, "", notify.Transient, true, "3.8, 4.2.3: the service is closing"},
	{recipient, 552, "", notify.Transient, false, "4.5.3.1.10: to be treated as 452, too many recipients"},
	{anyPhase, 454, "", notify.Transient, true, "RFC 4954 section 6, RFC 3207 section 4: sign-in or TLS is out of order"},
	{anyPhase, 530, "", notify.Transient, true, "RFC 4954 section 6: sign-in required, about the client"},
	{anyPhase, 534, "", notify.Transient, true, "RFC 4954 section 6: mechanism too weak, about the client"},
	{anyPhase, 535, "", notify.Transient, true, "RFC 4954 section 6: credentials refused, about the client"},
	{anyPhase, 538, "", notify.Transient, true, "RFC 4954 section 6: encryption required, about the client"},
	{anyPhase, 4, "4.3.", notify.Transient, true, "RFC 3463 section 3.4, X.3: the mail system itself"},
	{anyPhase, 452, "-", notify.Transient, true, "4.2.3: insufficient system storage"},
	{anyPhase, 4, "", notify.Transient, false, "4.2.1: transient negative completion; RFC 3463 section 3.1, class 4. Greylisting is such (RFC 6647 section 5)"},
	{anyPhase, 5, "", notify.Permanent, false, "4.2.1: permanent negative completion; RFC 3463 section 3.1, class 5"},
	{sender, -1, "", notify.Transient, true, "4.1.1.4: without the dot the server has no message"},
	{recipient, -1, "", notify.Transient, true, "4.1.1.4: without the dot the server has no message"},
	{content, -1, "", notify.Transient, true, "4.1.1.4: without the dot the server has no message"},
	{answer, -1, "", notify.Ambiguous, true, "4.5.3.2.6, 6.1: the server may have taken responsibility; its answer is missing, or is none"},
}

func (r rule) fits(p phase, got reply) bool {
	return (r.phase == anyPhase || r.phase == p) &&
		(r.code == -1 || r.code == got.code || r.code > 0 && r.code < 10 && got.is(r.code)) &&
		(r.enhanced == "" || r.enhanced == "-" && got.enhanced == "" || r.enhanced != "-" && within(got.enhanced, r.enhanced))
}

// within says whether code is prefix, or one of those below a prefix that ends with a dot.
func within(code, prefix string) bool {
	return code == prefix || strings.HasSuffix(prefix, ".") && strings.HasPrefix(code, prefix)
}

// classify says what a failure means for the message, and whose it is.
func classify(p phase, got reply) (notify.Class, bool) {
	for _, r := range rules {
		if r.fits(p, got) {
			return r.class, r.provider
		}
	}
	return notify.Ambiguous, true // never: a line for each phase takes the rest
}

// failure is where and how a dialogue ended.
type failure struct {
	phase  phase
	reply  reply // zero for none
	cause  error // of the connection; nil where there is a reply
	broken bool  // the connection failed after the reply
}

// reusable says whether another message may follow: the server has answered and stays.
func (f *failure) reusable() bool {
	return !f.broken && f.cause == nil && (f.reply.is(4) || f.reply.is(5)) && f.reply.code != 421
}

// sendError is f without the server's text. ctx is that of the dialogue.
func (f *failure) sendError(ctx context.Context) *notify.SendError {
	e := &notify.SendError{Status: f.phase.String(), Err: f.cause}
	if f.reply.code != 0 {
		e.Status = f.reply.String()
	}
	e.Class, e.Provider = classify(f.phase, f.reply)
	if f.cause != nil && ctx.Err() != nil {
		e.Err = ctx.Err()
		e.Provider = e.Provider && !errors.Is(e.Err, context.Canceled) // nobody but us
	}
	return e
}
