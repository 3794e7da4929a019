package registration

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Email is an address as its owner spells it, and the key by which two
// spellings are the same address.
type Email struct {
	Text string
	Key  string
	// Mailbox is what mail is sent to: the key before its letters were made
	// small, so that mail goes where the key says and to no look-alike. It is
	// known of parsed addresses only, not of those read back from a store.
	Mailbox string
}

// maxLocalPart is RFC 5321 section 4.5.3.1.1, in octets.
const maxLocalPart = 64

// maxAddress is the longest forward-path without its brackets (RFC 5321
// section 4.5.3.1.3), in octets.
const maxAddress = 254

var errEmailForm = &FieldError{"email", "FORMAT", "is not an e-mail address of the form name@domain"}

// ParseEmail reads a dot-string local part (RFC 5321 section 4.1.2, with RFC
// 6531's letters; no quoted strings) and a domain name of at least two labels
// (no address literals). The key is the local part's identifier key and the
// domain in IDNA's ASCII form, which domainToASCII makes. The rules it can
// break are FORMAT, TOO_LONG and DOMAIN.
func ParseEmail(text string, domainToASCII func(string) (string, error)) (Email, *FieldError) {
	at := strings.LastIndexByte(text, '@')
	if at < 1 || at == len(text)-1 || !utf8.ValidString(text) || strings.ContainsFunc(text, breaksLine) {
		return Email{}, errEmailForm
	}
	// Seen after normalization: a full-width sign must not bring an at sign or a dot in.
	local := visible(text[:at])
	if !isDotString(local) {
		return Email{}, errEmailForm
	}
	// Joiners inside a label may mean something; marks around the name do not.
	ascii, err := domainToASCII(strings.TrimFunc(text[at+1:], isInvisible))
	if err != nil || !strings.Contains(ascii, ".") || isAddress(ascii) {
		return Email{}, &FieldError{"email", "DOMAIN", "has a domain that is not a name of at least two labels"}
	}
	ascii = strings.ToLower(ascii)
	key, err := identifierKey(local)
	if err != nil {
		return Email{}, errEmailForm
	}
	if longest := max(len(local), len(key)); longest > maxLocalPart || longest+1+len(ascii) > maxAddress {
		return Email{}, &FieldError{"email", "TOO_LONG", "is longer than mail servers take: 64 octets before the @, 254 in all"}
	}
	return Email{Text: text, Key: key + "@" + ascii, Mailbox: local + "@" + ascii}, nil
}

// isAddress says whether a domain is an IPv4 address: no top-level domain is a
// number (RFC 3696 section 2).
func isAddress(domain string) bool {
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	return !strings.ContainsFunc(last, func(r rune) bool { return r < '0' || r > '9' })
}

// isDotString says whether s is atoms joined by single dots.
func isDotString(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return !isAtomRune(r) }) {
			return false
		}
	}
	return true
}

// isAtomRune is atext of RFC 5322 section 3.2.3 with RFC 6532's extension.
func isAtomRune(r rune) bool {
	switch {
	case r >= utf8.RuneSelf:
		return !unicode.IsSpace(r) && !unicode.IsControl(r)
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	default:
		return strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
}
