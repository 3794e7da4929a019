package xsd

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// translatePattern turns a regular expression of XML Schema (part 2, appendix
// F) into one of package regexp with the same meaning, or says what of it
// cannot be expressed. It is not anchored.
func translatePattern(source string) (string, error) {
	p := &patternReader{in: []rune(source)}
	if err := p.expression(false); err != nil {
		return "", fmt.Errorf("%w in %q", err, source)
	}
	return p.out.String(), nil
}

type patternReader struct {
	in  []rune
	pos int
	out strings.Builder
}

// peek gives the next character, 0 at the end (which XML cannot hold).
func (p *patternReader) peek() rune {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

// expression reads branches up to the end, or up to the ")" of a group.
func (p *patternReader) expression(group bool) error {
	for {
		switch c := p.peek(); c {
		case 0:
			if group {
				return errors.New("a group is not closed")
			}
			return nil
		case ')':
			if !group {
				return errors.New("a group is closed that was not opened")
			}
			return nil
		case '|':
			p.pos++
			p.out.WriteByte('|')
		default:
			if err := p.piece(); err != nil {
				return err
			}
		}
	}
}

// piece is an atom with its quantifier.
func (p *patternReader) piece() error {
	c := p.peek()
	p.pos++
	switch c {
	case '(':
		p.out.WriteString("(?:")
		if err := p.expression(true); err != nil {
			return err
		}
		p.pos++
		p.out.WriteByte(')')
	case '[':
		if err := p.class(); err != nil {
			return err
		}
	case '\\':
		set, err := p.escape()
		if err != nil {
			return err
		}
		p.out.WriteString("[" + set + "]")
	case '.':
		p.out.WriteString(`[^\n\r]`)
	case '?', '*', '+', '{', '}', ']':
		return fmt.Errorf("%c stands where it may not", c)
	default: // "^" and "$" are ordinary characters here
		p.out.WriteString(regexp.QuoteMeta(string(c)))
	}
	return p.quantifier()
}

func (p *patternReader) quantifier() error {
	switch c := p.peek(); c {
	case '?', '*', '+':
		p.pos++
		p.out.WriteRune(c)
	case '{':
		end := p.pos
		for end < len(p.in) && p.in[end] != '}' {
			end++
		}
		if end == len(p.in) {
			return errors.New("a quantifier is not closed")
		}
		q := string(p.in[p.pos+1 : end])
		least, most, ranged := strings.Cut(q, ",")
		a, err := strconv.ParseUint(least, 10, 31)
		if err != nil {
			return errors.New("a quantifier is not a number")
		}
		if ranged && most != "" {
			if b, err := strconv.ParseUint(most, 10, 31); err != nil || b < a {
				return errors.New("a quantifier's range is wrong")
			}
		}
		p.pos = end + 1
		p.out.WriteString("{" + q + "}")
	}
	return nil
}

// class reads a character class behind its "[".
func (p *patternReader) class() error {
	p.out.WriteByte('[')
	if p.peek() == '^' {
		p.pos++
		p.out.WriteByte('^')
	}
	for first := true; ; first = false {
		c := p.peek()
		switch {
		case c == 0:
			return errors.New("a character class is not closed")
		case c == ']' && first:
			return errors.New("a character class is empty")
		case c == ']':
			p.pos++
			p.out.WriteByte(']')
			return nil
		case c == '[':
			return errors.New("[ stands unescaped in a character class")
		case c == '-' && !first && p.pos+1 < len(p.in) && p.in[p.pos+1] == '[':
			return errors.New("subtraction of character classes is not supported")
		}
		if err := p.classItem(first); err != nil {
			return err
		}
	}
}

// classItem reads a character, a range or an escape in a class.
func (p *patternReader) classItem(first bool) error {
	low, set, err := p.classCharacter()
	if err != nil {
		return err
	}
	if set != "" {
		p.out.WriteString(set)
		return nil
	}
	isRange := p.peek() == '-' && p.pos+1 < len(p.in) && p.in[p.pos+1] != ']' && p.in[p.pos+1] != '['
	if low == '-' && !first && p.peek() != ']' {
		return errors.New("- stands unescaped inside a character class")
	}
	p.out.WriteString(classQuote(low))
	if !isRange {
		return nil
	}
	p.pos++
	high, set, err := p.classCharacter()
	if err != nil {
		return err
	}
	if set != "" || high < low {
		return errors.New("a range in a character class is wrong")
	}
	p.out.WriteString("-" + classQuote(high))
	return nil
}

// classCharacter reads one character, or an escape that stands for several.
func (p *patternReader) classCharacter() (c rune, set string, err error) {
	c = p.peek()
	p.pos++
	if c != '\\' {
		return c, "", nil
	}
	if single, ok := singleEscape(p.peek()); ok {
		p.pos++
		return single, "", nil
	}
	set, err = p.escape()
	return 0, set, err
}

func classQuote(c rune) string { return fmt.Sprintf(`\x{%X}`, c) }

// singleEscape gives the character that a backslash and c stand for.
func singleEscape(c rune) (rune, bool) {
	switch c {
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case '\\', '|', '.', '-', '^', '?', '*', '+', '{', '}', '(', ')', '[', ']':
		return c, true
	default:
		return 0, false
	}
}

// escape reads what follows a backslash and gives it as the inside of a class.
func (p *patternReader) escape() (string, error) {
	c := p.peek()
	p.pos++
	if single, ok := singleEscape(c); ok {
		return classQuote(single), nil
	}
	switch c {
	case 's':
		return `\x20\t\n\r`, nil
	case 'S':
		return `\x00-\x08\x0B\x0C\x0E-\x1F\x21-\x{10FFFF}`, nil
	case 'd':
		return `\p{Nd}`, nil
	case 'D':
		return `\P{Nd}`, nil
	case 'w': // all but punctuation, separators and others
		return `\p{L}\p{M}\p{N}\p{S}`, nil
	case 'W':
		return `\p{P}\p{Z}\p{C}`, nil
	case 'p', 'P':
		return p.category(c)
	default:
		return "", errors.New("an escape is not supported")
	}
}

// category reads the {L} of \p{L}. Blocks such as \p{IsArabic} are refused:
// package regexp knows scripts, which are not the same.
func (p *patternReader) category(c rune) (string, error) {
	end := p.pos
	for end < len(p.in) && p.in[end] != '}' {
		end++
	}
	if end == len(p.in) || p.peek() != '{' {
		return "", errors.New("a category is malformed")
	}
	name := string(p.in[p.pos+1 : end])
	if _, ok := unicode.Categories[name]; !ok || len(name) > 2 || name == "LC" {
		return "", errors.New("a category is not supported")
	}
	p.pos = end + 1
	return `\` + string(c) + "{" + name + "}", nil
}
