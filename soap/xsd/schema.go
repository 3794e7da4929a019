package xsd

import "registrar/soap/xmlreader"

// Name is an expanded name.
type Name = xmlreader.Name

// The namespaces of XML Schema 1.0.
const (
	SchemaSpace   = "http://www.w3.org/2001/XMLSchema"
	InstanceSpace = "http://www.w3.org/2001/XMLSchema-instance"
)

// Unbounded is the Max of an element that may be repeated without end.
const Unbounded = -1

// Schema is a compiled schema document. It does not change and may be used by
// several goroutines.
type Schema struct {
	Target   string // target namespace
	elements map[Name]*Element
}

// Element gives the global element of that name.
func (s *Schema) Element(name Name) (*Element, bool) {
	e, ok := s.elements[name]
	return e, ok
}

// Element is the declaration of an element.
type Element struct {
	Name     Name
	Type     *Type
	Min, Max int // occurrences in its sequence; Max may be Unbounded
	Nillable bool
}

// Type is a simple type or a complex type; the latter is a sequence of Children.
type Type struct {
	Name     Name // zero for an anonymous type
	Children []*Element
	simple   *simpleType // nil for a complex type
}

// IsSimple tells a simple type from a complex one.
func (t *Type) IsSimple() bool { return t.simple != nil }
