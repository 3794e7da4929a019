package template

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"
)

// functions are what a template may call:
//
//	isolate  keeps a name from changing the direction of the text around it
//	short N  cuts a name to N characters
func functions(locale language.Tag) map[string]any {
	rtl := rightToLeft(locale)
	return map[string]any{
		"isolate": func(s string) string { return isolate(s, rtl) },
		"short":   short,
	}
}

// rightToLeft says whether a locale is written from right to left.
func rightToLeft(locale language.Tag) bool {
	script, _ := locale.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr":
		return true
	default:
		return false
	}
}

// First strong isolate and pop directional isolate (UAX #9 section 2.4).
const (
	fsi = "\u2068"
	pdi = "\u2069"
)

// isolate wraps s where it is not of the direction of the text around it. It
// adds nothing where it need not: the marks do not fit into the SMS alphabet.
func isolate(s string, rtl bool) string {
	if s == "" {
		return s
	}
	for _, r := range s {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.R, bidi.AL:
			if !rtl {
				return fsi + s + pdi
			}
		case bidi.AN, bidi.NSM, bidi.WS:
		default: // Latin letters, digits and punctuation move about in right-to-left text
			if rtl {
				return fsi + s + pdi
			}
		}
	}
	return s
}

// clean drops what a name must not carry into a text: control characters, and
// the characters that set directions, which could turn the text around it.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			return -1
		default:
			return r
		}
	}, s))
}

// short cuts s to n characters, the last two of them dots: the ellipsis does
// not fit into the SMS alphabet.
func short(n int, s string) string {
	runes := []rune(s)
	if len(runes) <= n || n < 3 {
		return s
	}
	return strings.TrimSpace(string(runes[:n-2])) + ".."
}
