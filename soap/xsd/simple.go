package xsd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// primitive is the kind of value that a simple type has.
type primitive uint8

const (
	stringValue primitive = iota
	booleanValue
	integerValue
	dateTimeValue
)

// whiteSpace is the facet of that name, from weak to strong.
type whiteSpace uint8

const (
	preserve whiteSpace = iota
	replace
	collapse
)

// simpleType is a simple type with its facets and those of its bases.
type simpleType struct {
	primitive   primitive
	whiteSpace  whiteSpace
	minLength   int
	maxLength   int // -1 for none; lengths are in characters
	patterns    []pattern
	enumeration []string // nil for none
	min, max    int64
	hasMin      bool
	hasMax      bool
	bases       []Name // the types that it restricts, built-in first
}

// builtIn gives a built-in type of XML Schema that contracts may use.
func builtIn(local string) (*simpleType, bool) {
	t := &simpleType{whiteSpace: collapse, maxLength: -1}
	switch local {
	case "string":
		t.whiteSpace = preserve
	case "boolean":
		t.primitive = booleanValue
	case "dateTime":
		t.primitive = dateTimeValue
	case "integer":
		t.primitive = integerValue
	case "long":
		t.primitive = integerValue
		t.min, t.max, t.hasMin, t.hasMax = math.MinInt64, math.MaxInt64, true, true
	case "int":
		t.primitive = integerValue
		t.min, t.max, t.hasMin, t.hasMax = math.MinInt32, math.MaxInt32, true, true
	default:
		return nil, false
	}
	return t, true
}

const spaces = " \t\r\n"

// apply normalises white space (XML Schema part 2, 4.3.6).
func (w whiteSpace) apply(s string) string {
	if w == preserve || strings.IndexByte(s, ' ') < 0 && !strings.ContainsAny(s, "\t\r\n") {
		return s
	}
	if w == replace {
		return strings.Map(func(r rune) rune {
			if r == '\t' || r == '\r' || r == '\n' {
				return ' '
			}
			return r
		}, s)
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(spaces, r) }), " ")
}

// scalar is a value; which field holds it is said by the type's primitive.
type scalar struct {
	text    string
	boolean bool
	integer int64
	time    time.Time
	zoned   bool // the dateTime has a time zone
}

// problem is a violation before its place is known.
type problem struct {
	rule    Rule
	message string
}

// validate gives the value of what stands in an element, or what is wrong with it.
func (t *simpleType) validate(written string) (value scalar, wrong []problem) {
	text := t.whiteSpace.apply(written)
	value.text = text
	switch t.primitive {
	case booleanValue:
		var ok bool
		if value.boolean, ok = parseBoolean(text); !ok {
			return value, []problem{{WrongType, "must be true, false, 1 or 0"}}
		}
	case dateTimeValue:
		var ok bool
		if value.time, value.zoned, ok = ParseDateTime(text); !ok {
			return value, []problem{{WrongType, "must be a date and time such as 2006-01-02T15:04:05Z"}}
		}
	case integerValue:
		n, p := t.parseInteger(text)
		if p.rule != "" {
			return value, []problem{p}
		}
		value.integer = n
	default:
		if p := t.checkLength(text); p.rule != "" {
			wrong = append(wrong, p)
			if p.rule == TooLong {
				return value, wrong // patterns are not for what is too long already
			}
		}
		if t.enumeration != nil && !slices.Contains(t.enumeration, text) {
			wrong = append(wrong, problem{Enumeration, "must be one of " + strings.Join(t.enumeration, ", ")})
		}
	}
	for _, p := range t.patterns {
		if !p.regexp.MatchString(text) {
			wrong = append(wrong, problem{Pattern, "must match the pattern " + p.source})
		}
	}
	return value, wrong
}

func (t *simpleType) checkLength(text string) problem {
	if t.minLength == 0 && t.maxLength < 0 {
		return problem{}
	}
	n := utf8.RuneCountInString(text)
	var rule Rule
	switch {
	case n < t.minLength:
		rule = TooShort
	case t.maxLength >= 0 && n > t.maxLength:
		rule = TooLong
	default:
		return problem{}
	}
	switch {
	case t.minLength == t.maxLength:
		return problem{rule, fmt.Sprintf("must have exactly %d characters", t.minLength)}
	case t.maxLength < 0:
		return problem{rule, fmt.Sprintf("must have at least %d characters", t.minLength)}
	case t.minLength == 0:
		return problem{rule, fmt.Sprintf("must have at most %d characters", t.maxLength)}
	default:
		return problem{rule, fmt.Sprintf("must have %d to %d characters", t.minLength, t.maxLength)}
	}
}

func (t *simpleType) parseInteger(text string) (int64, problem) {
	if !isInteger(text) {
		return 0, problem{WrongType, "must be " + t.integerRange()}
	}
	n, err := strconv.ParseInt(text, 10, 64) // err: more than 64 bits, n is the end that it passed
	switch {
	case t.hasMin && n < t.min, err != nil && n < 0:
		return 0, problem{TooSmall, "must be " + t.integerRange()}
	case t.hasMax && n > t.max, err != nil:
		return 0, problem{TooLarge, "must be " + t.integerRange()}
	default:
		return n, problem{}
	}
}

func (t *simpleType) integerRange() string {
	switch {
	case t.hasMin && t.hasMax:
		return fmt.Sprintf("a whole number from %d to %d", t.min, t.max)
	case t.hasMin:
		return fmt.Sprintf("a whole number from %d on", t.min)
	case t.hasMax:
		return fmt.Sprintf("a whole number up to %d", t.max)
	default:
		return "a whole number"
	}
}
