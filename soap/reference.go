package soap

import (
	"fmt"
	"slices"
	"strings"

	"registrar/soap/charset"
	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// reference is what the schema documents say to a person: it reads them as
// they are written, and relies on xsd.Compile having accepted them.
type reference struct {
	schemas map[string]*xmlreader.Element // by target namespace
}

// referenceRow is an element that stands in another one.
type referenceRow struct {
	Within        []string // names of the elements around it, below the first
	Name          string
	Type          string // as the schema names it; "" for an anonymous one
	BuiltIn       string // the type of XML Schema that it comes from; "" for a complex type
	Rules         []string
	Patterns      []string         // each holds
	Values        []referenceValue // of an enumeration
	Occurs        string
	Optional      bool
	Nillable      bool
	Documentation []string
}

// referenceValue is one value of an enumeration.
type referenceValue struct{ Value, Documentation string }

func newReference(documents map[string][]byte) (*reference, error) {
	r := &reference{schemas: map[string]*xmlreader.Element{}}
	for location, document := range documents {
		text, err := charset.Decode(document, "")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", location, err)
		}
		root, err := xmlreader.ReadDocument(text, xmlreader.Limits{Elements: descriptors})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", location, err)
		}
		r.schemas[attribute(root, "targetNamespace")] = root
	}
	return r, nil
}

// named gives the global element, or the type, of that name.
func (r *reference) named(name Name, kinds ...string) *xmlreader.Element {
	schema := r.schemas[name.Space]
	if schema == nil {
		return nil
	}
	for _, c := range schema.Children {
		if slices.Contains(kinds, c.Name.Local) && attribute(c, "name") == name.Local {
			return c
		}
	}
	return nil
}

// element gives the documentation of a global element and what stands in it,
// to any depth.
func (r *reference) element(name Name) (documentation []string, rows []referenceRow) {
	e := r.named(name, "element")
	if e == nil {
		return nil, nil
	}
	documentation = annotation(e)
	if t := r.typeOf(e); t != nil {
		documentation = append(documentation, annotation(t)...)
		rows = r.rows(t, nil)
	}
	return documentation, rows
}

// typeOf gives the type of an element's declaration, nil for a built-in one.
func (r *reference) typeOf(e *xmlreader.Element) *xmlreader.Element {
	if name, ok := e.ResolveQName(attribute(e, "type")); ok {
		return r.named(name, "complexType", "simpleType")
	}
	for _, c := range e.Children {
		if c.Name.Local == "complexType" || c.Name.Local == "simpleType" {
			return c
		}
	}
	return nil
}

// rows are the children of a complex type, each with its own behind it.
func (r *reference) rows(complexType *xmlreader.Element, within []string) (rows []referenceRow) {
	for _, sequence := range all(complexType, xsd.SchemaSpace, "sequence") {
		for _, e := range all(sequence, xsd.SchemaSpace, "element") {
			row := referenceRow{Within: within, Name: attribute(e, "name"), Documentation: annotation(e)}
			row.Occurs, row.Optional = occurs(attribute(e, "minOccurs"), attribute(e, "maxOccurs"))
			row.Nillable = attribute(e, "nillable") == "true" || attribute(e, "nillable") == "1"
			name, _ := e.ResolveQName(attribute(e, "type"))
			t := r.typeOf(e)
			if row.Type = name.Local; name.Space == xsd.SchemaSpace {
				row.Type, row.BuiltIn = "", "xs:"+name.Local
			}
			if t != nil {
				row.Documentation = append(row.Documentation, annotation(t)...)
			}
			if t != nil && t.Name.Local == "simpleType" {
				r.restrict(&row, t)
			}
			rows = append(rows, row)
			if t != nil && t.Name.Local == "complexType" {
				rows = append(rows, r.rows(t, append(slices.Clone(within), row.Name))...)
			}
		}
	}
	return rows
}

// occurs says how often an element stands.
func occurs(least, most string) (text string, optional bool) {
	optional = least == "0"
	switch {
	case most == "unbounded" && optional:
		return "any number", true
	case most == "unbounded" && (least == "" || least == "1"):
		return "one or more", false
	case most == "unbounded":
		return least + " or more", false
	case most != "" && most != "1":
		if least == "" {
			least = "1"
		}
		return least + " to " + most, optional
	case optional:
		return "optional", true
	default:
		return "required", false
	}
}

// restrict adds what a simple type asks for, its base's rules first.
func (r *reference) restrict(row *referenceRow, simpleType *xmlreader.Element) {
	for _, restriction := range all(simpleType, xsd.SchemaSpace, "restriction") {
		base, _ := restriction.ResolveQName(attribute(restriction, "base"))
		if base.Space == xsd.SchemaSpace {
			row.BuiltIn = "xs:" + base.Local
		} else if outer := r.named(base, "simpleType"); outer != nil {
			r.restrict(row, outer)
		}
		facets := map[string]string{}
		var patterns []string
		values := []referenceValue(nil)
		for _, f := range restriction.Children {
			switch value := attribute(f, "value"); f.Name.Local {
			case "enumeration":
				values = append(values, referenceValue{value, strings.Join(annotation(f), " ")})
			case "pattern":
				patterns = append(patterns, value)
			case "annotation":
			default:
				facets[f.Name.Local] = value
			}
		}
		if values != nil {
			row.Values = values // a base's may be more
		}
		row.Rules = append(row.Rules, rules(facets)...)
		if len(patterns) > 0 {
			row.Patterns = append(row.Patterns, strings.Join(patterns, "|"))
		}
	}
}

// rules puts facets into words.
func rules(facets map[string]string) (words []string) {
	between := func(least, most, unit string) {
		from, to := facets[least], facets[most]
		switch {
		case from != "" && to != "":
			words = append(words, from+" to "+to+unit)
		case from != "":
			words = append(words, "at least "+from+unit)
		case to != "":
			words = append(words, "at most "+to+unit)
		}
	}
	if n := facets["length"]; n != "" {
		words = append(words, "exactly "+n+" characters")
	}
	between("minLength", "maxLength", " characters")
	between("minInclusive", "maxInclusive", "")
	switch facets["whiteSpace"] {
	case "collapse":
		words = append(words, "white space is collapsed")
	case "replace":
		words = append(words, "white space becomes spaces")
	}
	return words
}

// annotation gives the documentation of a component, a text for each.
func annotation(component *xmlreader.Element) (texts []string) {
	for _, a := range all(component, xsd.SchemaSpace, "annotation") {
		for _, d := range all(a, xsd.SchemaSpace, "documentation") {
			if text := strings.Join(strings.Fields(d.Text), " "); text != "" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
