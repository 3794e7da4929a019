package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// functions are what a template may call:
//
//	isolate  keeps a name from changing the direction of the text around it
//	code     the same for a one-time code in plain text
//	short N  cuts a name to N characters
//	plural N FORM TEXT ...  chooses the text by the number's plural form in the
//	         locale (CLDR: zero, one, two, few, many, other); %d is the number
func functions(locale language.Tag) map[string]any {
	rtl := rightToLeft(locale)
	return map[string]any{
		"isolate": func(s string) string { return isolate(s, rtl) },
		"code":    func(s string) string { return isolateCode(s, rtl) },
		"short":   short,
		"plural":  func(n int, forms ...string) (string, error) { return count(locale, n, forms) },
	}
}

var pluralForms = []string{plural.Other: "other", plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}

// count is plural, with Latin digits.
func count(locale language.Tag, n int, forms []string) (string, error) {
	want := pluralForms[plural.Cardinal.MatchPlural(locale, n%10_000_000, 0, 0, 0, 0)]
	other, chosen := -1, -1
	for i := 0; i < len(forms); i += 2 {
		switch {
		case !slices.Contains(pluralForms, forms[i]) || i+1 == len(forms):
			return "", fmt.Errorf("plural wants a number, and then pairs of a form (%s) and a text", strings.Join(pluralForms, ", "))
		case forms[i] == want:
			chosen = i + 1
		case forms[i] == "other":
			other = i + 1
		}
	}
	if want == "other" {
		other = chosen
	}
	if other < 0 {
		return "", fmt.Errorf("plural wants a text for the form other")
	}
	if chosen < 0 {
		chosen = other
	}
	return strings.ReplaceAll(forms[chosen], "%d", strconv.Itoa(n)), nil
}

// clean drops what a name must not carry into a text: control characters, and
// the characters that set directions, which could turn the text around it.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r < 0x7f:
			return r
		case unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r), r == utf8.RuneError:
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

// oneLine makes every run of spaces and control characters one space: a subject
// must not begin another header (RFC 5322 section 2.2).
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
