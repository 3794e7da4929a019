package smtp

import (
	"net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"registrar/internal/notify"
)

// compose makes the mail: text and HTML as alternatives (RFC 2046 section
// 5.1.4), marked as written by a machine (RFC 3834 section 5), so that no
// vacation notice answers it.
func (s *Sender) compose(m notify.Message, to string, now time.Time) *gomail.Msg {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&s.config.From)
	msg.ToMailAddress(&mail.Address{Name: headerText(m.Name), Address: to})
	if s.config.ReplyTo.Address != "" {
		msg.ReplyToMailAddress(&s.config.ReplyTo)
	}
	msg.Subject(headerText(m.Subject))
	msg.SetMessageIDWithValue(m.NotificationID.String() + "@" + s.config.Domain)
	msg.SetDateWithValue(now)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	if m.Locale != "" {
		msg.SetGenHeader(gomail.HeaderContentLang, headerText(m.Locale))
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg
}

// headerText keeps a value within its header (RFC 5322 section 2.2), whatever
// made the message.
func headerText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
