package smtp

import (
	"bufio"
	"errors"
	"strings"

	"registrar/internal/notify"
)

// The phases by name, for the table's test.
var Phases = map[string]phase{"connecting": connecting, "sender": sender, "recipient": recipient, "content": content, "answer": answer}

// Classify is classify by a phase's name and a reply.
func Classify(p string, code int, enhanced string) (notify.Class, bool) {
	return classify(Phases[p], reply{code, enhanced})
}

// ReadReply is the first reply in text.
func ReadReply(text string) string {
	r, err := readReply(bufio.NewReader(strings.NewReader(text)))
	switch {
	case errors.Is(err, errReply):
		return "no reply"
	case err != nil:
		return err.Error()
	default:
		return r.String()
	}
}

// Compose is the mail for m, signed, as it goes over the wire.
func (s *Sender) Compose(m notify.Message) ([]byte, error) {
	c := new(connection)
	err := s.compose(c, m, m.To)
	return c.wire, err
}
