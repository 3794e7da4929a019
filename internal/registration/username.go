package registration

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

// Username is a user name as its owner spells it, and the key by which two
// spellings are the same name.
type Username struct {
	Text string
	Key  string
}

// minUsernameKey is the contract's minimum length, held against the key too:
// three invisible characters are not a name.
const minUsernameKey = 3

// ParseUsername makes the canonical key: NFKC, characters that cannot be seen
// stripped, then PRECIS UsernameCaseMapped (RFC 8265 section 3.3). The rules it
// can break are CHARACTERS and TOO_SHORT.
func ParseUsername(text string) (Username, *FieldError) {
	key, err := identifierKey(text)
	if err != nil {
		return Username{}, &FieldError{"username", "CHARACTERS", "holds a character that a user name may not hold, or mixes writing directions"}
	}
	if utf8.RuneCountInString(key) < minUsernameKey {
		return Username{}, &FieldError{"username", "TOO_SHORT", "has fewer than 3 visible characters"}
	}
	return Username{Text: text, Key: key}, nil
}

// identifierKey is the form in which user names and the local parts of e-mail
// addresses are compared.
func identifierKey(s string) (string, error) {
	return precis.UsernameCaseMapped.String(stripInvisible(norm.NFKC.String(s)))
}

// stripInvisible drops what a reader cannot see: format characters (zero-width
// space and joiners, soft hyphen, directional marks) and variation selectors.
func stripInvisible(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || r == '\u034f' || r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' {
			return -1
		}
		return r
	}, s)
}
