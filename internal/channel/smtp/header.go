package smtp

import (
	"mime"
	"net/mail"
	"strings"
	"unicode"
)

const (
	crlf = "\r\n"
	// lineLength is where header lines are folded, lineLimit how long a line
	// may be at all, both without CRLF (RFC 5322 section 2.1.1).
	lineLength = 78
	lineLimit  = 998
)

// appendField adds a header field, folded before white space (RFC 5322 section
// 2.2.3) where the line would be too long. The value has no control characters.
func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	column := len(name) + len(": ")
	for first := true; value != ""; first = false {
		n := 0 // of a run of spaces and the word behind it
		for n < len(value) && value[n] == ' ' {
			n++
		}
		for n < len(value) && value[n] != ' ' {
			n++
		}
		if !first && column+n > lineLength {
			b = append(b, crlf...)
			column = 0
		}
		for column+n > lineLimit { // nothing to fold before: the word is broken
			room := lineLimit - column
			b = append(b, value[:room]...)
			b = append(b, crlf+" "...)
			value, n, column = value[room:], n-room, 1
		}
		b = append(b, value[:n]...)
		value, column = value[n:], column+n
	}
	return append(b, crlf...)
}

// headerText keeps a value within its header (RFC 5322 section 2.2), whatever
// made the message, and from being read as an encoded word that it is not.
func headerText(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
	return strings.ReplaceAll(s, "=?", "= ?")
}

// encodedText is unstructured text: as it is, or in encoded words (RFC 2047) by
// whichever encoding is shorter.
func encodedText(s string) string {
	s = headerText(s)
	if 3*beyondASCII(s) > len(s) {
		return mime.BEncoding.Encode("utf-8", s)
	}
	return mime.QEncoding.Encode("utf-8", s)
}

// encodedAddress is a mailbox with its name. In a phrase the Q encoding may use
// few characters (RFC 2047 section 5, rule 3); the B encoding uses no others.
func encodedAddress(a mail.Address) string {
	name := headerText(a.Name)
	if beyondASCII(name) == 0 {
		return (&mail.Address{Name: name, Address: a.Address}).String()
	}
	return mime.BEncoding.Encode("utf-8", name) + " " + (&mail.Address{Address: a.Address}).String()
}

func beyondASCII(s string) (n int) {
	for i := range len(s) {
		if s[i] >= 0x80 {
			n++
		}
	}
	return n
}
