package xsd

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"registrar/soap/xmlreader"
)

// simpleType compiles a restriction.
func (c *compiler) simpleType(where string, n *xmlreader.Element) *simpleType {
	restrictions := c.children(where, n, "restriction")
	if len(restrictions) != 1 {
		c.fail(where, "a simpleType is not one restriction")
		return &simpleType{}
	}
	r := restrictions[0]
	c.attributes(where, r, "base", "id")
	qname, _ := r.Attr(Name{Local: "base"})
	base := c.reference(where, r, qname)
	if base.simple == nil {
		c.fail(where, "the base is not a simple type")
		return &simpleType{}
	}
	t := *base.simple
	t.bases = append(slices.Clone(t.bases), base.Name)
	t.enumeration = slices.Clone(t.enumeration)
	t.patterns = slices.Clone(t.patterns)
	c.facets(where, r, &t)
	return &t
}

// facets adds the facets in restriction r to t, which begins as its base
// (XML Schema part 2, 4.3).
func (c *compiler) facets(where string, r *xmlreader.Element, t *simpleType) {
	base := *t
	var patterns, enumeration []string
	for _, f := range c.children(where, r, "enumeration", "pattern", "length", "minLength", "maxLength", "whiteSpace", "minInclusive", "maxInclusive") {
		facet := f.Name.Local
		c.attributes(where, f, "value", "id")
		value, ok := f.Attr(Name{Local: "value"})
		if !ok {
			c.fail(where, "%s has no value", facet)
			continue
		}
		if !t.allows(facet) {
			c.fail(where, "%s is not supported on this type", facet)
			continue
		}
		switch facet {
		case "enumeration":
			enumeration = append(enumeration, value)
		case "pattern":
			patterns = append(patterns, value)
		case "whiteSpace":
			c.whiteSpace(where, value, t)
		case "length":
			n := c.length(where, f)
			c.tighten(where, facet, t, &base, n, n)
		case "minLength":
			c.tighten(where, facet, t, &base, c.length(where, f), -1)
		case "maxLength":
			c.tighten(where, facet, t, &base, -1, c.length(where, f))
		default:
			c.bound(where, facet, value, t, &base)
		}
	}
	if len(patterns) > 0 { // those of one step are alternatives
		p, err := compilePattern(patterns)
		if err != nil {
			c.fail(where, "pattern: %v", err)
		} else {
			t.patterns = append(t.patterns, p)
		}
	}
	if len(enumeration) > 0 {
		for _, v := range enumeration {
			if t.whiteSpace.apply(v) != v {
				c.fail(where, "an enumeration's value is not in its normalised form")
			}
			if t.enumeration != nil && !slices.Contains(t.enumeration, v) {
				c.fail(where, "an enumeration's value is not one of its base")
			}
		}
		t.enumeration = enumeration
	}
	if t.maxLength >= 0 && t.minLength > t.maxLength {
		c.fail(where, "minLength is greater than maxLength")
	}
	if t.hasMin && t.hasMax && t.min > t.max {
		c.fail(where, "minInclusive is greater than maxInclusive")
	}
}

// allows says which facets a type may have here: those whose meaning needs no
// more than text, lengths and whole numbers.
func (t *simpleType) allows(facet string) bool {
	switch facet {
	case "pattern", "whiteSpace":
		return true
	case "minInclusive", "maxInclusive":
		return t.primitive == integerValue
	default:
		return t.primitive == stringValue
	}
}

func (c *compiler) whiteSpace(where, value string, t *simpleType) {
	w, ok := map[string]whiteSpace{"preserve": preserve, "replace": replace, "collapse": collapse}[value]
	if !ok || w < t.whiteSpace {
		c.fail(where, "whiteSpace is unknown or weaker than its base's")
		return
	}
	t.whiteSpace = w
}

// length gives the value of a facet of length.
func (c *compiler) length(where string, facet *xmlreader.Element) int {
	n, err := strconv.ParseUint(attribute(facet, "value"), 10, 31)
	if err != nil {
		c.fail(where, "%s is not a number from 0 on", facet.Name.Local)
	}
	return int(n)
}

func attribute(n *xmlreader.Element, local string) string {
	v, _ := n.Attr(Name{Local: local})
	return v
}

// tighten narrows the length; -1 leaves an end as it is.
func (c *compiler) tighten(where, facet string, t, base *simpleType, least, most int) {
	if least >= 0 && least < base.minLength || most >= 0 && base.maxLength >= 0 && most > base.maxLength {
		c.fail(where, "%s is wider than its base's", facet)
		return
	}
	if least >= 0 {
		t.minLength = least
	}
	if most >= 0 {
		t.maxLength = most
	}
}

// bound narrows the range of a whole number.
func (c *compiler) bound(where, facet, value string, t, base *simpleType) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		c.fail(where, "%s is not a whole number of at most 64 bits", facet)
		return
	}
	if base.hasMin && n < base.min || base.hasMax && n > base.max {
		c.fail(where, "%s is outside its base's range", facet)
		return
	}
	if facet == "minInclusive" {
		t.min, t.hasMin = n, true
	} else {
		t.max, t.hasMax = n, true
	}
}

// pattern is what one step of restriction asks for.
type pattern struct {
	source string // as in the schema, alternatives joined by " | "
	regexp *regexp.Regexp
}

func compilePattern(alternatives []string) (pattern, error) {
	translated := make([]string, len(alternatives))
	for i, a := range alternatives {
		t, err := translatePattern(a)
		if err != nil {
			return pattern{}, err
		}
		translated[i] = t
	}
	re, err := regexp.Compile(`\A(?:` + strings.Join(translated, "|") + `)\z`)
	if err != nil {
		return pattern{}, err //nolint:wrapcheck // told once, by the compiler, with the place
	}
	return pattern{strings.Join(alternatives, " | "), re}, nil
}
