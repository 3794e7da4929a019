package smtp

import (
	"context"
	"strings"
	"time"
)

// envelope is who writes to whom.
type envelope struct {
	id, from, to string
	utf8         bool // an address needs SMTPUTF8
}

// command is a line and the class of reply that lets the next one go on.
type command struct {
	phase phase
	class int
	line  string
}

// commands begin a transaction.
func (c *connection) commands(e envelope) []command {
	var all []command
	if c.open {
		all = append(all, command{sender, 2, "RSET" + crlf})
	}
	mail, rcpt := "MAIL FROM:<"+e.from+">", "RCPT TO:<"+e.to+">"
	if e.utf8 { // RFC 6531 section 3.4; elsewhere it would bind all later servers to it
		mail += " BODY=8BITMIME SMTPUTF8"
	}
	if c.dsn { // RFC 3461 section 4
		mail += " RET=HDRS ENVID=" + e.id
		rcpt += " NOTIFY=FAILURE,DELAY"
		if !e.utf8 {
			rcpt += " ORCPT=rfc822;" + xtext(e.to)
		}
	}
	return append(all, command{sender, 2, mail + crlf}, command{recipient, 2, rcpt + crlf}, command{content, 3, "DATA" + crlf})
}

// xtext is RFC 3461 section 4's.
func xtext(s string) string {
	if !strings.ContainsAny(s, "+=") && isASCII(s) {
		return s
	}
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		if c := s[i]; c < '!' || c > '~' || c == '+' || c == '=' {
			b = append(b, '+', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// submit hands over one message, which compose leaves in c.wire while the server
// thinks about the envelope. With PIPELINING (RFC 2920) that is two round trips.
func (c *connection) submit(ctx context.Context, e envelope, compose func(*connection) error) *failure {
	defer c.bind(ctx)()
	c.used = true
	commands := c.commands(e)
	if f := c.begin(commands, compose); f != nil {
		return f
	}
	// One write, so that a failed one has not sent the dot.
	if err := c.write(c.wire); err != nil {
		return &failure{phase: content, cause: err}
	}
	r, err := readReply(c.text.R)
	if err != nil {
		return &failure{phase: answer, cause: err}
	}
	c.lastHeard = time.Now()
	if !r.is(2) {
		return &failure{phase: answer, reply: r}
	}
	return nil
}

// begin goes as far as the reply to DATA.
func (c *connection) begin(commands []command, compose func(*connection) error) (first *failure) {
	c.open = false
	var data bool // was accepted
	for i, next := range commands {
		if i == 0 || !c.pipelining {
			if first != nil {
				break
			}
			line := next.line
			if c.pipelining {
				for _, other := range commands[1:] {
					line += other.line
				}
			}
			if err := c.write([]byte(line)); err != nil {
				return &failure{phase: next.phase, cause: err}
			}
			if i == 0 {
				if err := compose(c); err != nil {
					return &failure{phase: content, cause: err}
				}
			}
		}
		r, err := readReply(c.text.R)
		if err != nil && first != nil {
			first.broken = true
			return first
		}
		if err != nil {
			return &failure{phase: next.phase, cause: err}
		}
		data = next.phase == content && r.is(3)
		if !r.is(next.class) && first == nil {
			first = &failure{phase: next.phase, reply: r}
			c.open = true
		}
	}
	// RFC 2920 section 3.1: DATA may be accepted although nobody is there to read it.
	if first != nil && data {
		if c.write([]byte("."+crlf)) != nil {
			first.broken = true
		} else if _, err := readReply(c.text.R); err != nil {
			first.broken = true
		}
	}
	c.lastHeard = time.Now()
	return first
}
