package smtp

import (
	"bytes"
	"net/mail"
	"strings"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// appendMessage writes the mail (RFC 5322): text and HTML as alternatives (RFC 2046
// section 5.1.4), marked as written by a machine (RFC 3834 section 5), so that
// no vacation notice answers it. It is the same at each attempt but for its Date.
func (s *Sender) appendMessage(b []byte, m notify.Message, to string, now time.Time) []byte {
	id := m.NotificationID.String()
	b = append(b, "Date: "...)
	b = now.AppendFormat(b, time.RFC1123Z)
	b = append(b, crlf...)
	b = appendField(b, "From", s.from)
	b = appendField(b, "To", encodedAddress(mail.Address{Name: m.Name, Address: to}))
	if s.replyTo != "" {
		b = appendField(b, "Reply-To", s.replyTo)
	}
	b = appendField(b, "Subject", encodedText(m.Subject))
	b = append(b, "Message-ID: <"+id+"@"+s.config.Domain+">"+crlf...)
	b = append(b, "Auto-Submitted: auto-generated"+crlf+"X-Auto-Response-Suppress: All"+crlf...)
	if m.Locale != "" {
		b = appendField(b, "Content-Language", encodedText(m.Locale))
	}
	if m.Kind == registration.CampaignMessage {
		b = append(b, "Precedence: bulk"+crlf...)
	}
	if m.Unsubscribe != "" { // RFC 8058 section 3.1
		b = appendField(b, "List-Unsubscribe", "<"+m.Unsubscribe+">")
		b = append(b, "List-Unsubscribe-Post: List-Unsubscribe=One-Click"+crlf...)
	}
	b = append(b, "MIME-Version: 1.0"+crlf...)
	text := lines(m.Text)
	if m.HTML == "" {
		b = appendPart(b, "text/plain", text)
		if !bytes.HasSuffix(b, []byte(crlf)) {
			b = append(b, crlf...)
		}
		return b
	}
	// "=_" is in no encoded text, and the id in no other part's plain one.
	boundary := "=_" + id
	b = append(b, "Content-Type: multipart/alternative;"+crlf+" boundary=\""+boundary+"\""+crlf+crlf...)
	b = appendPart(append(b, "--"+boundary+crlf...), "text/plain", text)
	b = appendPart(append(b, crlf+"--"+boundary+crlf...), "text/html", lines(m.HTML))
	return append(b, crlf+"--"+boundary+"--"+crlf...)
}

// appendPart adds a body with its own header fields.
func appendPart(b []byte, mediaType, text string) []byte {
	e := encodingFor(text)
	b = append(b, "Content-Type: "+mediaType+"; charset=utf-8"+crlf+"Content-Transfer-Encoding: "+string(e)+crlf+crlf...)
	return appendBody(b, e, text)
}

// isUnsubscribe says whether address can stand in List-Unsubscribe (RFC 2369
// section 2) for a one-click request (RFC 8058 section 3.1).
func isUnsubscribe(address string) bool {
	const longest = lineLimit - len("List-Unsubscribe: <>")
	return strings.HasPrefix(address, "https://") && len(address) <= longest &&
		!strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' || r == ',' })
}
