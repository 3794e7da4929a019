package registration

import (
	"errors"
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

// The contract's lengths, held against the key too: three invisible characters
// are not a name, and one character may stand for eighteen (U+FDFA).
const (
	minUsernameKey = 3
	maxUsernameKey = 64
)

// ParseUsername makes the canonical key: NFKC, characters that cannot be seen
// stripped, then PRECIS UsernameCaseMapped (RFC 8265 section 3.3). The rules it
// can break are CHARACTERS, TOO_SHORT and TOO_LONG.
func ParseUsername(text string) (Username, *FieldError) {
	key, err := identifierKey(text)
	if err != nil || strings.ContainsFunc(text, breaksLine) {
		return Username{}, &FieldError{"username", "CHARACTERS", "holds a character that a user name may not hold, or mixes writing directions"}
	}
	switch n := utf8.RuneCountInString(key); {
	case n < minUsernameKey:
		return Username{}, &FieldError{"username", "TOO_SHORT", "has fewer than 3 visible characters"}
	case n > maxUsernameKey:
		return Username{}, &FieldError{"username", "TOO_LONG", "has more than 64 characters when its ligatures and signs are written out"}
	}
	return Username{Text: text, Key: key}, nil
}

var (
	errNotUTF8  = errors.New("registration: not UTF-8")
	errUnstable = errors.New("registration: no canonical form")
)

// identifierKey is the form in which user names and the local parts of e-mail
// addresses are compared. It is its own key: each of the steps may undo
// another's work on rare characters, so they are repeated until nothing changes.
func identifierKey(s string) (string, error) {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return strings.ToLower(s), nil // what all of the steps below come to, for most people
	}
	if !utf8.ValidString(s) {
		return "", errNotUTF8
	}
	for range 5 {
		// Both small sigmas have one capital; lower case alone would keep them apart.
		key, err := precis.UsernameCaseMapped.String(strings.ReplaceAll(visible(s), "ς", "σ"))
		if err != nil || key == s {
			return key, err
		}
		s = key
	}
	return "", errUnstable
}

// visible is s in NFKC without what a reader cannot see: zero-width characters,
// soft hyphens, directional marks, variation selectors, fillers.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return s // ASCII has neither
	}
	stripped := strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return norm.NFKC.String(stripped) // what stood between two characters may have kept them from composing
}

// isInvisible is Unicode's Default_Ignorable_Code_Point, by its definition.
func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) &&
		!unicode.Is(unicode.Prepended_Concatenation_Mark, r) && (r < '\ufff9' || r > '\ufffb')
}
