package caller

import (
	"encoding/asn1"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode/utf8"
)

// ParseSubject reads a subject as an operator writes it and gives the text
// that Subject gives for its certificate: a distinguished name of RFC 4514,
// the last relative name first, such as CN=erp,O=Acme. Attribute types may be
// in any case, by name or by number, with spaces around separators; a value
// may be in quotes (RFC 2253, 4). Errors: ErrSubject.
func ParseSubject(s string) (string, error) {
	if len(s) > 4*maxSubject || !utf8.ValidString(s) { // every character may be escaped, and more
		return "", ErrSubject
	}
	p := subjectParser{rest: s}
	var dn []relativeName
	for {
		rdn, ok := p.relativeName()
		if !ok {
			return "", ErrSubject
		}
		dn = append(dn, rdn)
		if p.rest == "" {
			return canonical(dn)
		}
		if !p.take(',') {
			return "", ErrSubject
		}
	}
}

// subjectParser reads a name from left to right. Each of its methods leaves
// rest at what it did not take.
type subjectParser struct{ rest string }

func (p *subjectParser) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *subjectParser) spaces() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *subjectParser) relativeName() (rdn relativeName, ok bool) {
	for {
		a, ok := p.attribute()
		if !ok {
			return nil, false
		}
		rdn = append(rdn, a)
		if !p.take('+') {
			return rdn, true
		}
	}
}

func (p *subjectParser) attribute() (a attribute, ok bool) {
	name, rest, found := strings.Cut(p.rest, "=")
	if !found {
		return a, false
	}
	p.rest = rest
	if a.oid, ok = attributeType(strings.Trim(name, " ")); !ok {
		return a, false
	}
	p.spaces()
	switch {
	case strings.HasPrefix(p.rest, "#"):
		a.value, ok = p.hexadecimal()
	case p.take('"'):
		a.value, ok = p.quoted()
	default:
		a.value, ok = p.plain()
	}
	return a, ok
}

// number is an object identifier, of which no part begins with a needless 0.
var number = regexp.MustCompile(`^[0-2](\.(0|[1-9][0-9]{0,9}))+$`)

// attributeType gives the number of a type.
func attributeType(name string) (oid string, ok bool) {
	name = strings.ToUpper(name)
	if oid, ok = numbers[name]; ok {
		return oid, true
	}
	oid = strings.TrimPrefix(name, "OID.")
	return oid, number.MatchString(oid)
}

// hexadecimal reads a value in DER. That of a string is the same as its text.
func (p *subjectParser) hexadecimal() (value string, ok bool) {
	end := strings.IndexAny(p.rest, ",+")
	if end < 0 {
		end = len(p.rest)
	}
	der, err := hex.DecodeString(strings.TrimRight(p.rest[1:end], " "))
	p.rest = p.rest[end:]
	var raw asn1.RawValue
	if err != nil || len(der) == 0 {
		return "", false
	}
	if rest, err := asn1.Unmarshal(der, &raw); err != nil || len(rest) > 0 {
		return "", false
	}
	return valueOf(raw), true
}

// quoted reads a value up to its closing quote.
func (p *subjectParser) quoted() (value string, ok bool) {
	var b strings.Builder
	for {
		switch {
		case p.rest == "":
			return "", false
		case p.take('"'):
			p.spaces()
			return escape(b.String()), utf8.ValidString(b.String())
		case p.take('\\'):
			c, ok := p.escaped()
			if !ok {
				return "", false
			}
			b.WriteByte(c)
		default:
			b.WriteByte(p.rest[0])
			p.rest = p.rest[1:]
		}
	}
}

// plain reads a value up to the next separator. Spaces around it that are not
// escaped are none of it.
func (p *subjectParser) plain() (value string, ok bool) {
	var b []byte
	end := 0 // of the value, without spaces behind it
	for p.rest != "" && p.rest[0] != ',' && p.rest[0] != '+' {
		switch c := p.rest[0]; c {
		case '"', ';', '<', '>', 0:
			return "", false
		case '\\':
			p.rest = p.rest[1:]
			c, ok := p.escaped()
			if !ok {
				return "", false
			}
			b = append(b, c)
			end = len(b)
		default:
			b = append(b, c)
			if p.rest = p.rest[1:]; c != ' ' {
				end = len(b)
			}
		}
	}
	return escape(string(b[:end])), utf8.Valid(b[:end])
}

// escaped reads what follows a backslash: a special character or an octet in
// hexadecimal.
func (p *subjectParser) escaped() (c byte, ok bool) {
	if len(p.rest) >= 2 {
		if octet, err := hex.DecodeString(p.rest[:2]); err == nil {
			p.rest = p.rest[2:]
			return octet[0], true
		}
	}
	if p.rest == "" || !strings.ContainsRune(`"+,;<>\ #=`, rune(p.rest[0])) {
		return 0, false
	}
	c, p.rest = p.rest[0], p.rest[1:]
	return c, true
}
