package sms

import "unicode/utf16"

// In how many septets or UTF-16 units a part may be: 3GPP TS 23.040 has 140
// octets of user data, of which concatenated parts give 6 to their header
// (section 9.2.3.24.1).
const (
	alone7, together7   = 160, 153
	alone16, together16 = 70, 67
)

// Segments is in how many parts text travels; an empty text in one.
func Segments(text string) int { return len(Split(AlphabetOf(text), text)) }

// Split cuts text into the parts that it travels in, at least one. Each is as
// long as fits; no two septets of an escaped character and no two halves of a
// surrogate pair are parted. In GSM7, text holds that alphabet's characters only.
func Split(alphabet Alphabet, text string) []string {
	alone, together, width := alone7, together7, septets
	if alphabet == UCS2 {
		alone, together, width = alone16, together16, units
	}
	total := 0
	for _, r := range text {
		total += width(r)
	}
	if total <= alone {
		return []string{text}
	}
	var parts []string
	start, used := 0, 0
	for i, r := range text {
		if n := width(r); used+n > together {
			parts = append(parts, text[start:i])
			start, used = i, n
		} else {
			used += n
		}
	}
	return append(parts, text[start:])
}

func septets(r rune) int { return len(codes[r]) }

func units(r rune) int {
	if n := utf16.RuneLen(r); n > 0 {
		return n
	}
	return 1 // U+FFFD takes its place
}
