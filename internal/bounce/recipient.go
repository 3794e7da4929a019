package bounce

import (
	"regexp"
	"strconv"
	"strings"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// recipientReport is what a group of per-recipient fields (RFC 3464 section
// 2.3) says.
func recipientReport(f fields) delivery.RecipientReport {
	r := delivery.RecipientReport{State: actions[firstWord(f["action"])], Status: statusOf(f)}
	for _, name := range []string{"original-recipient", "final-recipient"} {
		if recipient, found := addressOf(f[name]); found {
			r.Recipients = append(r.Recipients, recipient...)
		}
	}
	return r
}

// actions are those of RFC 3464 section 2.3.3 that are final: not "delayed",
// "relayed" (to where nobody reports) and "expanded" (to others).
var actions = map[string]registration.State{"failed": registration.Failed, "delivered": registration.Delivered}

func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), " ")
	return word
}

var (
	status = regexp.MustCompile(`^([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|$)`)
	// diagnostic is an SMTP reply with its enhanced code (RFC 3464 section
	// 2.3.6; RFC 2034 section 4).
	diagnostic = regexp.MustCompile(`^(?i:smtp)[ \t]*;[ \t]*[245][0-9]{2}[ -]#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[^0-9.]|$)`)
)

// statusOf is the status code of the fields. Where it says only that something
// was wrong, as 5.0.0 does, the server's reply may say what.
func statusOf(f fields) string {
	code, said := "", ""
	if m := status.FindStringSubmatch(f["status"]); m != nil {
		code = m[1]
	}
	if m := diagnostic.FindStringSubmatch(f["diagnostic-code"]); m != nil {
		said = m[1]
	}
	if said != "" && (code == "" || strings.HasSuffix(code, ".0.0") && code[0] == said[0]) {
		return said
	}
	return code
}

// escaped is a character in RFC 6533 section 3's utf-8-addr-xtext.
var escaped = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{2,6})\}`)

// addressOf reads "type; address" (RFC 3464 section 2.3.1) where it is one of
// mail.
func addressOf(value string) ([]suppression.Recipient, bool) {
	kind, address, _ := strings.Cut(value, ";")
	kind, address = strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(address)
	if kind != "rfc822" && kind != "utf-8" {
		return nil, false
	}
	if address, _, _ = strings.Cut(address, " "); address == "" { // a comment may follow
		return nil, false
	}
	if kind == "utf-8" {
		address = escaped.ReplaceAllStringFunc(address, func(s string) string {
			r, err := strconv.ParseUint(s[3:len(s)-1], 16, 32)
			if err != nil {
				return s
			}
			return string(rune(r))
		})
	}
	address = strings.TrimSuffix(strings.TrimPrefix(address, "<"), ">")
	return []suppression.Recipient{suppression.RecipientOf(registration.EmailChannel, address)}, true
}
