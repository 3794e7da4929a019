package xmlreader

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// text reads character data up to the next "<". Outside the root it gives no token.
func (r *Reader) text() (Token, error) {
	at := r.pos
	s := r.doc[at:]
	if end := strings.IndexByte(s, '<'); end >= 0 {
		s = s[:end]
	}
	r.pos += len(s)
	if len(r.open) == 0 {
		for i := range len(s) {
			if !isSpace(s[i]) {
				return Token{}, r.fail(TextOutsideRoot, at+i)
			}
		}
		return Token{}, nil
	}
	plain := true
	for i := range len(s) {
		switch s[i] {
		case '&', '\r':
			plain = false
		case '>':
			if i >= 2 && s[i-1] == ']' && s[i-2] == ']' {
				return Token{}, r.fail(CDATAEndInText, at+i-2)
			}
		}
	}
	if plain {
		return Token{Kind: Text, Text: s}, nil
	}
	value, err := r.expand(s, at, false)
	return Token{Kind: Text, Text: value}, err
}

// lineEnds normalises line ends (XML 1.0, 2.11) where references are not known.
func (r *Reader) lineEnds(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// attributeValue normalises the value between an attribute's quotes (XML 1.0, 3.3.3).
func (r *Reader) attributeValue(s string, at int) (string, error) {
	plain := true
	for i := range len(s) {
		switch s[i] {
		case '<':
			return "", r.fail(LessThanInAttribute, at+i)
		case '&', '\r', '\n', '\t':
			plain = false
		}
	}
	if plain {
		return s, nil
	}
	return r.expand(s, at, true)
}

// expand replaces references and normalises line ends in s, which begins at
// byte at; in an attribute white space becomes spaces too. A character that a
// reference stands for stays what it is.
func (r *Reader) expand(s string, at int, attribute bool) (string, error) {
	buf := slices.Grow(r.buf[:0], len(s)) // a reference is longer than what it stands for
	for i := 0; i < len(s); {
		c := s[i]
		switch c {
		case '&':
			char, size, reason := reference(s[i:])
			if reason != "" {
				return "", r.fail(reason, at+i)
			}
			buf = utf8.AppendRune(buf, char)
			i += size
			continue
		case '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
			c = '\n'
		}
		if attribute && (c == '\n' || c == '\t') {
			c = ' '
		}
		buf = append(buf, c)
		i++
	}
	r.buf = buf
	return string(buf), nil
}

// reference reads the reference that s begins with.
func reference(s string) (char rune, size int, reason Reason) {
	if strings.HasPrefix(s, "&#") {
		return characterReference(s)
	}
	for _, e := range [...]struct {
		written string
		char    rune
	}{{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&apos;", '\''}, {"&quot;", '"'}} {
		if strings.HasPrefix(s, e.written) {
			return e.char, len(e.written), ""
		}
	}
	if n := scanNCName(s[1:], len(s)); n > 0 && strings.HasPrefix(s[1+n:], ";") {
		return 0, 0, UndefinedEntity
	}
	return 0, 0, BareAmpersand
}

func characterReference(s string) (char rune, size int, reason Reason) {
	i, radix := 2, rune(10)
	if strings.HasPrefix(s, "&#x") {
		i, radix = 3, 16
	}
	digits := i
	for ; i < len(s) && s[i] != ';'; i++ {
		d := digit(s[i])
		if d < 0 || d >= radix {
			return 0, 0, BadReference
		}
		if char = char*radix + d; char > utf8.MaxRune {
			return 0, 0, BadReference
		}
	}
	if i == digits || i == len(s) || !isCharacter(char) {
		return 0, 0, BadReference
	}
	return char, i + 1, ""
}

func digit(c byte) rune {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	default:
		return -1
	}
}
