package xsd

import (
	"slices"

	"registrar/soap/xmlreader"
)

// claim is what an element's xsi: attributes say of it.
type claim struct {
	nil     bool
	builtIn string // local name of the built-in type whose form the value must have
}

// attributes looks at the attributes of an element, of which contracts have
// none of their own. Those of the xml: namespace are of no meaning here;
// xsi:schemaLocation is a hint that is never followed.
func (w *walker) attributes(e *Element, attrs []xmlreader.Attr) (c claim) {
	for _, a := range attrs {
		switch {
		case a.Name == Name{Space: InstanceSpace, Local: "nil"}:
			value, ok := parseBoolean(collapse.apply(a.Value))
			switch {
			case !ok:
				w.note(Nil, "has an xsi:nil that is not true, false, 1 or 0")
			case !e.Nillable:
				w.note(Nil, "may not be nil")
			}
			c.nil = value
		case a.Name == Name{Space: InstanceSpace, Local: "type"}:
			builtIn, ok := w.claimedType(e.Type, a.Value)
			if !ok {
				w.note(WrongType, "has an xsi:type that is not the type of the schema")
			}
			c.builtIn = builtIn
		case a.Name.Space == InstanceSpace, a.Name.Space == xmlreader.XMLSpace:
		default:
			w.record(Violation{
				Element: e.Name.Local, Rule: Attribute, Attribute: a.Name,
				Message: "has the attribute " + a.Name.Local + ", which the schema does not have",
			})
		}
	}
	return c
}

// claimedType tells whether a value of xsi:type may stand on an element of
// type t: the type itself, one that it restricts, or for a simple type a
// built-in one, which the value then must have the form of.
func (w *walker) claimedType(t *Type, qname string) (builtIn string, ok bool) {
	name, ok := w.reader.ResolveQName(qname)
	switch {
	case !ok:
		return "", false
	case name == t.Name && name.Local != "":
		return "", true
	case t.simple == nil:
		return "", false
	case slices.Contains(t.simple.bases, name):
		return "", true
	case name.Space == SchemaSpace && isBuiltInName(name.Local):
		return name.Local, true
	default:
		return "", false
	}
}

// isBuiltInName tells the built-in types that hasBuiltInForm knows.
func isBuiltInName(local string) bool {
	switch local {
	case "string", "anySimpleType", "anyURI", "normalizedString", "token", "boolean", "decimal", "float", "double",
		"dateTime", "date", "integer", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger",
		"long", "int", "short", "byte", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte":
		return true
	default:
		return false
	}
}
