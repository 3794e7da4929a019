package template

import (
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/bidi"
)

// Characters that set directions (UAX #9 section 2).
const (
	lrm = "\u200e" // left-to-right mark
	rlm = "\u200f" // right-to-left mark
	rli = "\u2067" // right-to-left isolate
	fsi = "\u2068" // first strong isolate
	pdi = "\u2069" // pop directional isolate
)

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

// isolate wraps s where it is not of the direction of the text around it. It
// adds nothing where it need not: the marks do not fit into the SMS alphabet.
func isolate(s string, rtl bool) string {
	for _, r := range s {
		switch classOf(r) {
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

// isolateCode keeps the digits of a one-time code from joining what stands
// beside them. The space before the last mark is for who selects the code by a
// double tap: word boundaries (UAX #29 WB4) count a mark to the character before
// it, and it would be pasted with the code. It needs an isolate that runs from
// right to left, or the space would be shown on the wrong side.
func isolateCode(s string, rtl bool) string {
	if !rtl || s == "" {
		return s
	}
	return rli + s + " " + pdi
}

// align puts a mark before a line whose direction a reader's program would take
// from a name of the other direction that it begins with (UAX #9 rule P2;
// programs that know no isolates look into them too). A line that is all of the
// other direction, such as an address, stays as it is.
func align(line string, rtl bool) string {
	begun, foreign, isolated := false, false, false // foreign: begins with the other direction
	for _, r := range line {
		class := classOf(r)
		switch {
		case class == bidi.L && !rtl, (class == bidi.R || class == bidi.AL) && rtl:
			if !begun {
				return line
			}
			return markOf(rtl) + line
		case class == bidi.L, class == bidi.R, class == bidi.AL:
			begun, foreign = true, true
		case class == bidi.FSI, class == bidi.LRI, class == bidi.RLI:
			isolated = true
		}
	}
	if isolated && (foreign || !begun) {
		return markOf(rtl) + line
	}
	return line
}

func markOf(rtl bool) string {
	if rtl {
		return rlm
	}
	return lrm
}

func classOf(r rune) bidi.Class {
	if r < utf8.RuneSelf {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			return bidi.L
		case r == ' ':
			return bidi.WS
		}
	}
	p, _ := bidi.LookupRune(r)
	return p.Class()
}
