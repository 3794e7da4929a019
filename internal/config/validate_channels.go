package config

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"registrar/internal/address"
	"registrar/internal/registration"
)

func (v *validator) email(e Email) {
	v.emailDriver("email.driver", e.Driver, Inbox, SMTP)
	// The inbox takes what no mail server would: a name of one label.
	if _, wrong := registration.ParseEmail(e.From, address.DomainToASCII); wrong != nil && (e.Driver == SMTP || len(e.Providers) > 0 || !strings.HasSuffix(e.From, "@localhost")) {
		v.add("email.from", "must be an e-mail address that mail servers take; the default registrar@localhost is none", "write it like registrar@example.com")
	}
	v.line("email.from_name", e.FromName, 0, 60)
	if _, wrong := registration.ParseEmail(e.ReplyTo, address.DomainToASCII); e.ReplyTo != "" && wrong != nil {
		v.add("email.reply_to", "must be an e-mail address", "write it like help@example.com, or leave it empty")
	}
	v.dkim(e.DKIM)
	v.smtp("email.smtp.", e.SMTP, e.Driver == SMTP)
}

func (v *validator) sms(s SMS) {
	v.smsDriver("sms.driver", s.Driver, Inbox, HTTP, SMPP)
	v.codeDomain(s.CodeDomain)
	v.http("sms.http.", s.HTTP, s.Driver == HTTP)
	v.smpp("sms.smpp.", s.SMPP, s.Driver == SMPP)
}

// smtp checks the section at a place, such as email.smtp., used or not.
// maxWarmConnections is of one lane.
const maxWarmConnections = 16

func (v *validator) smtp(at string, s SMTPServer, used bool) {
	if used && s.Host == "" {
		v.add(at+"host", "must not be empty", "name the mail server")
	}
	v.number(at+"port", s.Port, 1, 65535)
	v.oneOf(at+"security", s.Security, "starttls", "tls", "none")
	if s.Security == "none" && (s.Password != "" || s.PasswordFile != "") && !IsLoopback(s.Host) {
		v.add(at+"security", "must not be none with a password, which anybody between could read", "use starttls or tls")
	}
	if s.User == "" && (s.Password != "" || s.PasswordFile != "") {
		v.add(at+"user", "is empty although there is a password", "name the user, or remove the password")
	}
	if s.Hello != "" {
		if _, err := address.DomainToASCII(s.Hello); err != nil {
			v.add(at+"hello", "must be a host name", "write it like mail.example.com, or leave it empty")
		}
	}
	v.number(at+"warm_connections", s.WarmConnections, 0, maxWarmConnections)
	v.between(at+"timeout", s.Timeout, time.Second, 5*time.Minute)
}

// http checks the section at a place, such as sms.http., used or not.
func (v *validator) http(at string, h HTTPGateway, used bool) {
	if used || h.URL != "" {
		before, _, templated := strings.Cut(h.URL.Reveal(), "{{")
		u, err := url.Parse(before)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" && !templated {
			v.add(at+"url", "must be an http or https address", "write it like https://sms.example.com/send")
		}
	}
	v.oneOf(at+"method", h.Method, http.MethodGet, http.MethodPost, http.MethodPut)
	for _, name := range slices.Sorted(maps.Keys(h.Headers)) {
		if !isToken(name) || strings.ContainsAny(h.Headers[name].Reveal(), "\r\n\x00") {
			v.add(at+"headers", "must be names and values of HTTP headers, on one line", "")
			break
		}
	}
	v.between(at+"timeout", h.Timeout, time.Second, 5*time.Minute)
}

// isToken is RFC 9110 section 5.6.2's token, the form of a header's name.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
