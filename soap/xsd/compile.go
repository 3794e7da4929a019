package xsd

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"registrar/soap/charset"
	"registrar/soap/xmlreader"
)

// schemaLimits bounds a schema document. It comes with the program, so this is
// against mistakes only.
var schemaLimits = xmlreader.Limits{Elements: 100_000}

// Compile reads a schema document. An error names each place where the
// document goes beyond the part of XML Schema that this package knows, or is
// wrong.
func Compile(document []byte) (*Schema, error) {
	text, err := charset.Decode(document, "")
	if err != nil {
		return nil, fmt.Errorf("xsd: %w", err)
	}
	root, err := xmlreader.ReadDocument(text, schemaLimits)
	if err != nil {
		return nil, fmt.Errorf("xsd: %w", err)
	}
	if root.Name != (Name{Space: SchemaSpace, Local: "schema"}) {
		return nil, errors.New("xsd: the root is not xs:schema")
	}
	c := &compiler{
		schema:    &Schema{elements: map[Name]*Element{}},
		typeNodes: map[string]*xmlreader.Element{},
		types:     map[string]*Type{},
		open:      map[string]bool{},
	}
	c.document(root)
	if len(c.wrong) > 0 {
		return nil, fmt.Errorf("xsd: %w", errors.Join(c.wrong...))
	}
	return c.schema, nil
}

type compiler struct {
	schema    *Schema
	typeNodes map[string]*xmlreader.Element // named types of the target namespace
	types     map[string]*Type              // those of them that are compiled
	open      map[string]bool               // those that are being compiled
	wrong     []error
}

func (c *compiler) fail(where, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

func (c *compiler) document(root *xmlreader.Element) {
	c.attributes("schema", root, "targetNamespace", "elementFormDefault", "attributeFormDefault", "version", "id")
	c.schema.Target, _ = root.Attr(Name{Local: "targetNamespace"})
	if c.schema.Target == "" {
		c.fail("schema", "targetNamespace is missing")
	}
	if form, _ := root.Attr(Name{Local: "elementFormDefault"}); form != "qualified" {
		c.fail("schema", "elementFormDefault is not qualified")
	}
	if form, ok := root.Attr(Name{Local: "attributeFormDefault"}); ok && form != "unqualified" {
		c.fail("schema", "attributeFormDefault is not unqualified")
	}
	var elements []*xmlreader.Element
	for _, n := range c.children("schema", root, "element", "complexType", "simpleType") {
		name, _ := n.Attr(Name{Local: "name"})
		if name == "" {
			c.fail("schema", "a global %s has no name", n.Name.Local)
			continue
		}
		if n.Name.Local == "element" {
			elements = append(elements, n)
			continue
		}
		if c.typeNodes[name] != nil {
			c.fail(name, "the type is defined twice")
		}
		c.typeNodes[name] = n
	}
	for _, name := range slices.Sorted(maps.Keys(c.typeNodes)) {
		c.namedType(name, c.typeNodes[name])
	}
	for _, n := range elements {
		c.attributes("element", n, "name", "type", "nillable", "id")
		e := c.element("", n)
		if c.schema.elements[e.Name] != nil {
			c.fail(e.Name.Local, "the element is declared twice")
		}
		c.schema.elements[e.Name] = e
	}
}

// attributes refuses all attributes of n but those named.
func (c *compiler) attributes(where string, n *xmlreader.Element, known ...string) {
	for _, a := range n.Attrs {
		if a.Name.Space != "" || !slices.Contains(known, a.Name.Local) {
			c.fail(where, "attribute %s of %s is not supported", a.Name.Local, n.Name.Local)
		}
	}
}

// children gives the schema elements in n but its annotation, and refuses all
// but those named.
func (c *compiler) children(where string, n *xmlreader.Element, known ...string) []*xmlreader.Element {
	if strings.TrimSpace(n.Text) != "" {
		c.fail(where, "%s holds text", n.Name.Local)
	}
	var found []*xmlreader.Element
	for _, child := range n.Children {
		switch {
		case child.Name.Space == SchemaSpace && child.Name.Local == "annotation":
		case child.Name.Space == SchemaSpace && slices.Contains(known, child.Name.Local):
			found = append(found, child)
		default:
			c.fail(where, "%s in %s is not supported", child.Name.Local, n.Name.Local)
		}
	}
	return found
}

// element compiles a declaration; its attributes are checked by the caller.
func (c *compiler) element(outer string, n *xmlreader.Element) *Element {
	local, _ := n.Attr(Name{Local: "name"})
	where := outer + "/" + local
	if local == "" {
		c.fail(where, "an element has no name")
	}
	e := &Element{Name: Name{Space: c.schema.Target, Local: local}, Min: 1, Max: 1}
	e.Min = c.number(where, n, "minOccurs", 1)
	if v, _ := n.Attr(Name{Local: "maxOccurs"}); v == "unbounded" {
		e.Max = Unbounded
	} else if e.Max = c.number(where, n, "maxOccurs", 1); e.Max < max(e.Min, 1) {
		c.fail(where, "maxOccurs is 0 or less than minOccurs")
	}
	if v, ok := n.Attr(Name{Local: "nillable"}); ok {
		if e.Nillable, ok = parseBoolean(v); !ok {
			c.fail(where, "nillable is not a boolean")
		}
	}
	inner := c.children(where, n, "complexType", "simpleType")
	reference, named := n.Attr(Name{Local: "type"})
	switch {
	case named && len(inner) == 0:
		e.Type = c.reference(where, n, reference)
	case !named && len(inner) == 1 && inner[0].Name.Local == "complexType":
		c.attributes(where, inner[0], "id")
		e.Type = c.complexType(where, inner[0])
	case !named && len(inner) == 1:
		c.attributes(where, inner[0], "id")
		e.Type = &Type{simple: c.simpleType(where, inner[0])}
	default:
		c.fail(where, "an element has either a type attribute or one type inside")
		e.Type = &Type{}
	}
	return e
}

func (c *compiler) number(where string, n *xmlreader.Element, attribute string, absent int) int {
	v, ok := n.Attr(Name{Local: attribute})
	if !ok {
		return absent
	}
	i, err := strconv.ParseUint(v, 10, 31)
	if err != nil {
		c.fail(where, "%s is not a number from 0 on", attribute)
		return absent
	}
	return int(i)
}

// reference gives the type that a QName in n's scope names.
func (c *compiler) reference(where string, n *xmlreader.Element, qname string) *Type {
	name, ok := n.ResolveQName(qname)
	if !ok {
		c.fail(where, "%s is not a name with a declared prefix", qname)
		return &Type{}
	}
	if name.Space == SchemaSpace {
		if simple, ok := builtIn(name.Local); ok {
			return &Type{Name: name, simple: simple}
		}
		c.fail(where, "the built-in type %s is not supported", name.Local)
		return &Type{}
	}
	node := c.typeNodes[name.Local]
	if name.Space != c.schema.Target || node == nil {
		c.fail(where, "the type %s is not defined", qname)
		return &Type{}
	}
	return c.namedType(name.Local, node)
}

func (c *compiler) namedType(name string, n *xmlreader.Element) *Type {
	if t := c.types[name]; t != nil {
		return t
	}
	if c.open[name] {
		c.fail(name, "a type that contains itself is not supported")
		return &Type{}
	}
	c.open[name] = true
	defer delete(c.open, name)
	c.attributes(name, n, "name", "id")
	t := &Type{}
	if n.Name.Local == "simpleType" {
		t.simple = c.simpleType(name, n)
	} else {
		t = c.complexType(name, n)
	}
	t.Name = Name{Space: c.schema.Target, Local: name}
	c.types[name] = t
	return t
}

func (c *compiler) complexType(where string, n *xmlreader.Element) *Type {
	t := &Type{}
	sequences := c.children(where, n, "sequence")
	if len(sequences) > 1 {
		c.fail(where, "a complexType holds more than one sequence")
	}
	for _, sequence := range sequences {
		c.attributes(where, sequence, "id")
		for _, child := range c.children(where, sequence, "element") {
			c.attributes(where, child, "name", "type", "nillable", "minOccurs", "maxOccurs", "id")
			e := c.element(where, child)
			if slices.ContainsFunc(t.Children, func(other *Element) bool { return other.Name == e.Name }) {
				c.fail(where, "%s stands twice in one sequence, which is not supported", e.Name.Local)
			}
			t.Children = append(t.Children, e)
		}
	}
	return t
}
