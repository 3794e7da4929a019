package xmlreader

import "unicode/utf8"

// checkCharacters gives the first place where s is not UTF-8 or holds a
// character that XML 1.0 does not allow (production 2), and "" for none.
func checkCharacters(s string) (Reason, int) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
				return BadCharacter, i
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return BadUTF8, i
		}
		if !isCharacter(r) {
			return BadCharacter, i
		}
		i += size
	}
	return "", 0
}

// isCharacter is production 2 of XML 1.0.
func isCharacter(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000 && r <= 0x10FFFF:
		return true
	default:
		return false
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

const (
	nameStart = 1 << iota // may begin an NCName
	nameRest              // may follow in an NCName
)

// asciiName says of each ASCII character where in a name it may stand.
var asciiName = func() (t [utf8.RuneSelf]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
			t[c] = nameStart | nameRest
		case c >= '0' && c <= '9', c == '-', c == '.':
			t[c] = nameRest
		}
	}
	return t
}()

// isNameStart is production 4 of XML 1.0, 5th edition, beyond ASCII.
func isNameStart(r rune) bool {
	switch {
	case r >= 0xC0 && r <= 0xD6, r >= 0xD8 && r <= 0xF6, r >= 0xF8 && r <= 0x2FF,
		r >= 0x370 && r <= 0x37D, r >= 0x37F && r <= 0x1FFF, r >= 0x200C && r <= 0x200D,
		r >= 0x2070 && r <= 0x218F, r >= 0x2C00 && r <= 0x2FEF, r >= 0x3001 && r <= 0xD7FF,
		r >= 0xF900 && r <= 0xFDCF, r >= 0xFDF0 && r <= 0xFFFD, r >= 0x10000 && r <= 0xEFFFF:
		return true
	default:
		return false
	}
}

// isNameRest is production 4a, beyond ASCII.
func isNameRest(r rune) bool {
	return isNameStart(r) || r == 0xB7 || r >= 0x300 && r <= 0x36F || r >= 0x203F && r <= 0x2040
}

// scanNCName gives the length of the NCName that s begins with, 0 for none.
// It looks at no more than limit+1 bytes and a character.
func scanNCName(s string, limit int) int {
	i := 0
	want := uint8(nameStart)
	for i < len(s) && i <= limit {
		if c := s[i]; c < utf8.RuneSelf {
			if asciiName[c]&want == 0 {
				break
			}
			i++
		} else {
			r, size := utf8.DecodeRuneInString(s[i:])
			if want == nameStart && !isNameStart(r) || !isNameRest(r) {
				break
			}
			i += size
		}
		want = nameRest
	}
	return i
}
