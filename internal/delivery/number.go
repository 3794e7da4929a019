package delivery

import "strings"

// minSuffix is how many digits at least tell a number without its country code.
const minSuffix = 7

// SameNumber says whether two telephone numbers can be one and the same, in
// whatever form each is written: their digits are equal, or the shorter one, of
// at least 7 digits, is the end of the other. The zeros of an international or
// a national prefix do not count: no country code begins with one (ITU-T E.164).
func SameNumber(a, b string) bool {
	a, b = digits(a), digits(b)
	if len(a) < len(b) {
		a, b = b, a
	}
	return a != "" && a == b || len(b) >= minSuffix && strings.HasSuffix(a, b)
}

func digits(number string) string {
	only := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	return strings.TrimLeft(only, "0")
}
