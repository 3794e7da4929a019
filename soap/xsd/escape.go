package xsd

import (
	"unicode/utf8"
)

// AppendText appends s as character data or as an attribute's value in double
// quotes. What XML 1.0 cannot hold, and what is not UTF-8, becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
	last := 0
	for i := 0; i < len(s); {
		c := s[i]
		size := 1
		var instead string
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				instead = "\uFFFD"
			}
		case c == '&':
			instead = "&amp;"
		case c == '<':
			instead = "&lt;"
		case c == '>':
			instead = "&gt;"
		case c == '"':
			instead = "&#34;"
		case c == '\r':
			instead = "&#13;" // as it stands it would be read as a line feed
		case c < ' ' && c != '\t' && c != '\n':
			instead = "\uFFFD"
		}
		if instead != "" {
			dst = append(append(dst, s[last:i]...), instead...)
			last = i + size
		}
		i += size
	}
	return append(dst, s[last:]...)
}
