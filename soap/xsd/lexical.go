package xsd

import (
	"strconv"
	"strings"
	"time"
)

// parseBoolean reads xs:boolean, white space already collapsed.
func parseBoolean(s string) (value, ok bool) {
	switch s {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	default:
		return false, false
	}
}

// isInteger is the lexical form of xs:integer.
func isInteger(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return isDigits(s)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isDecimal is the lexical form of xs:decimal.
func isDecimal(s string) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return (whole != "" || fraction != "") && (whole == "" || isDigits(whole)) && (fraction == "" || isDigits(fraction))
}

// isFloat is the lexical form of xs:float and xs:double.
func isFloat(s string) bool {
	switch s {
	case "INF", "-INF", "NaN":
		return true
	}
	mantissa, exponent, found := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, found = s[:i], s[i+1:], true
	}
	return isDecimal(mantissa) && (!found || isInteger(exponent))
}

// ParseDateTime reads xs:dateTime (XML Schema part 2, 3.2.7) of the years 1 to
// 9999, white space already collapsed. Digits of a second beyond nine are
// dropped. zoned is false without a time zone; the time is then in UTC.
func ParseDateTime(s string) (t time.Time, zoned, ok bool) {
	const form = "0000-00-00T00:00:00"
	if len(s) < len(form) {
		return t, false, false
	}
	for i := range len(form) {
		if form[i] == '0' {
			if s[i] < '0' || s[i] > '9' {
				return t, false, false
			}
		} else if s[i] != form[i] {
			return t, false, false
		}
	}
	number := func(from, to int) int {
		n, _ := strconv.Atoi(s[from:to]) // digits, as just seen
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second := number(11, 13), number(14, 16), number(17, 19)
	nanosecond, rest, ok := parseFraction(s[len(form):])
	if !ok || year < 1 || month < 1 || month > 12 || day < 1 || minute > 59 || second > 59 ||
		hour > 24 || hour == 24 && (minute != 0 || second != 0 || nanosecond != 0) {
		return t, false, false
	}
	offset, zoned, ok := parseZone(rest)
	if !ok {
		return t, false, false
	}
	if date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC); date.Day() != day {
		return t, false, false // such as 30 February
	}
	location := time.UTC
	if offset != 0 {
		location = time.FixedZone("", offset)
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, location) // hour 24 is the next day
	if u := t.UTC().Year(); u < 1 || u > 9999 || t.Year() > 9999 {
		return t, false, false
	}
	return t, zoned, true
}

func parseFraction(s string) (nanosecond int, rest string, ok bool) {
	if !strings.HasPrefix(s, ".") {
		return 0, s, true
	}
	i := 1
	for scale := 100_000_000; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		nanosecond += int(s[i]-'0') * scale
		scale /= 10
	}
	return nanosecond, s[i:], i > 1
}

// parseZone gives the seconds east of UTC.
func parseZone(s string) (offset int, zoned, ok bool) {
	switch {
	case s == "":
		return 0, false, true
	case s == "Z":
		return 0, true, true
	case len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || !isDigits(s[1:3]) || !isDigits(s[4:]):
		return 0, false, false
	}
	minutes := (int(s[1]-'0')*10+int(s[2]-'0'))*60 + int(s[4]-'0')*10 + int(s[5]-'0')
	if s[4] > '5' || minutes > 14*60 {
		return 0, false, false
	}
	if s[0] == '-' {
		minutes = -minutes
	}
	return minutes * 60, true, true
}

// hasBuiltInForm tells whether s has the lexical form of the built-in type of
// that local name, as far as reading s by the declared type means the same.
// The encoded types (base64Binary, hexBinary) and those that are not known
// have it never.
func hasBuiltInForm(local, s string) bool {
	collapsed := collapse.apply(s)
	switch local {
	case "string", "anySimpleType", "anyURI":
		return true
	case "normalizedString":
		return replace.apply(s) == s
	case "token":
		return collapsed == s
	case "boolean":
		_, ok := parseBoolean(collapsed)
		return ok
	case "decimal":
		return isDecimal(collapsed)
	case "float", "double":
		return isFloat(collapsed)
	case "dateTime":
		_, _, ok := ParseDateTime(collapsed)
		return ok
	case "date":
		return isDate(collapsed)
	case "integer":
		return isInteger(collapsed)
	default:
		return isBoundedInteger(local, collapsed)
	}
}

// isDate is the lexical form of xs:date.
func isDate(s string) bool {
	if len(s) < len("0000-00-00") {
		return false
	}
	_, _, ok := ParseDateTime(s[:10] + "T00:00:00" + s[10:])
	return ok && !strings.HasPrefix(s[10:], ".")
}

// isBoundedInteger is the lexical form of the types derived from xs:integer.
func isBoundedInteger(local, s string) bool {
	if !isInteger(s) {
		return false
	}
	negative := s[0] == '-'
	digits := strings.TrimLeft(s, "+-0")
	switch local {
	case "nonNegativeInteger":
		return !negative || digits == ""
	case "positiveInteger":
		return !negative && digits != ""
	case "nonPositiveInteger":
		return negative || digits == ""
	case "negativeInteger":
		return negative && digits != ""
	}
	signed := map[string]int{"long": 64, "int": 32, "short": 16, "byte": 8}
	unsigned := map[string]int{"unsignedLong": 64, "unsignedInt": 32, "unsignedShort": 16, "unsignedByte": 8}
	var err error
	if bits := signed[local]; bits > 0 {
		_, err = strconv.ParseInt(s, 10, bits)
	} else if bits := unsigned[local]; bits > 0 {
		_, err = strconv.ParseUint("0"+digits, 10, bits)
		if negative && digits != "" {
			return false
		}
	} else {
		return false
	}
	return err == nil
}
