package wsi_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// description is the WSDL as it is served, with the schemas that it imports.
type description struct {
	*document
	schemas map[string]*document // by address
}

// bindings are those of SOAP 1.1, which the Profile is about.
func (d *description) bindings() (found []*node) {
	for _, b := range d.root.named(wsdl, "binding") {
		if len(b.named(soapbind, "binding")) > 0 {
			found = append(found, b)
		}
	}
	return found
}

// within are the elements of the SOAP binding of that name in the bindings.
func (d *description) within(local string) (found []*node) {
	for _, b := range d.bindings() {
		found = append(found, b.all(soapbind, local)...)
	}
	return found
}

// component finds a WSDL component by a QName at n.
func (d *description) component(n *node, qname, kind string) *node {
	name, err := n.resolve(qname)
	if err != nil || name.Space != d.root.attr("targetNamespace") {
		return nil
	}
	for _, c := range d.root.named(wsdl, kind) {
		if c.attr("name") == name.Local {
			return c
		}
	}
	return nil
}

func (d *description) portType(binding *node) *node {
	return d.component(binding, binding.attr("type"), "portType")
}

// message gives the message that a part of a binding's operation carries.
func (d *description) message(part *node) *node {
	operation := part.parent
	portType := d.portType(operation.parent)
	if portType == nil {
		return nil
	}
	for _, o := range portType.named(wsdl, "operation") {
		for _, p := range o.named(wsdl, part.Local) {
			if o.attr("name") == operation.attr("name") && p.attr("name") == part.attr("name") {
				return d.component(p, p.attr("message"), "message")
			}
		}
	}
	return nil
}

// global says whether a schema declares the element.
func (d *description) global(name xml.Name) bool {
	for _, s := range d.schemas {
		if s.root.attr("targetNamespace") == name.Space && slices.ContainsFunc(s.root.named(xsd, "element"), func(e *node) bool { return e.attr("name") == name.Local }) {
			return true
		}
	}
	return false
}

func names(operations []*node) []string {
	var all []string
	for _, o := range operations {
		all = append(all, o.attr("name"))
	}
	slices.Sort(all)
	return all
}

// report collects what is wrong.
type report []string

func (r *report) when(wrong bool, format string, args ...any) {
	if wrong {
		*r = append(*r, fmt.Sprintf(format, args...))
	}
}

func relative(address string) bool {
	u, err := url.Parse(address)
	return err != nil || !u.IsAbs()
}

// descriptionAssertion is one requirement on a description.
type descriptionAssertion struct {
	id    string
	sense string
	check func(d *description, r *report)
}

var descriptionAssertions = []descriptionAssertion{
	{"R2001", "wsdl:import is for descriptions alone", func(d *description, r *report) {
		for _, i := range d.root.all(wsdl, "import") {
			s := d.schemas[i.attr("location")]
			r.when(s == nil || !s.root.is(wsdl, "definitions"), "%s is no description", i.attr("location"))
		}
	}},
	{"R2002", "schemas are imported by the import of XML Schema", func(d *description, r *report) {
		for _, i := range d.root.all(wsdl, "import") {
			s := d.schemas[i.attr("location")]
			r.when(s != nil && s.root.is(xsd, "schema"), "wsdl:import names the schema %s", i.attr("location"))
		}
		r.when(len(d.root.all(xsd, "import")) == 0, "no schema is imported")
	}},
	{"R2003", "an import of XML Schema stands in a schema of the types", func(d *description, r *report) {
		for _, i := range d.root.all(xsd, "import") {
			r.when(!i.parent.is(xsd, "schema") || i.parent.parent == nil || !i.parent.parent.is(wsdl, "types"), "an import stands in %s", i.parent.Local)
		}
	}},
	{"R2004", "what an import's schemaLocation names is a schema", func(d *description, r *report) {
		for _, i := range d.root.all(xsd, "import") {
			if at := i.attr("schemaLocation"); at != "" {
				s := d.schemas[at]
				r.when(s == nil || !s.root.is(xsd, "schema"), "%s is no schema", at)
			}
		}
	}},
	{"R2010", "imported schemas are in UTF-8 or UTF-16", func(d *description, r *report) {
		for at, s := range d.schemas {
			r.when(!unicode(s), "%s is in %s", at, s.encoding)
		}
	}},
	{"R2011", "imported schemas are XML 1.0", func(d *description, r *report) {
		for at, s := range d.schemas {
			r.when(s.version != "" && s.version != "1.0", "%s is XML %s", at, s.version)
		}
	}},
	{"R2007", "wsdl:import has a location", func(d *description, r *report) {
		for _, i := range d.root.all(wsdl, "import") {
			r.when(i.attr("location") == "", "an import has none")
		}
	}},
	{"R2803", "the namespace of wsdl:import is no relative URI", func(d *description, r *report) {
		for _, i := range d.root.all(wsdl, "import") {
			r.when(relative(i.attr("namespace")), "%q is relative", i.attr("namespace"))
		}
	}},
	{"R2022", "wsdl:import stands before all but documentation", func(d *description, r *report) {
		other := ""
		for _, c := range d.root.children {
			switch {
			case c.is(wsdl, "import"):
				r.when(other != "", "import stands behind %s", other)
			case c.Space == wsdl && c.Local != "documentation":
				other = c.Local
			}
		}
	}},
	{"R2023", "wsdl:types stands before all but documentation and import", func(d *description, r *report) {
		other := ""
		for _, c := range d.root.children {
			switch {
			case c.is(wsdl, "types"):
				r.when(other != "", "types stands behind %s", other)
			case c.Space == wsdl && c.Local != "documentation" && c.Local != "import":
				other = c.Local
			}
		}
	}},
	{"R4003", "the description is in UTF-8 or UTF-16", func(d *description, r *report) { r.when(!unicode(d.document), "it is in %s", d.encoding) }},
	{"R4004", "the description is XML 1.0", func(d *description, r *report) {
		r.when(d.version != "" && d.version != "1.0", "it is XML %s", d.version)
	}},
	{"R4005", "the prefix xml is not declared", func(d *description, r *report) { r.when(d.root.declaresXML(), "it is") }},
	{"R2026", "no extension is required", func(d *description, r *report) {
		for _, e := range d.root.all("", "") {
			v := e.attrIn(wsdl, "required")
			r.when(v == "true" || v == "1", "%s is", e.Local)
		}
	}},
	{"R2028", "the elements of WSDL are as its schema has them", func(d *description, r *report) {
		r.when(!d.root.is(wsdl, "definitions"), "the root is %s", d.root.Local)
		grammar(d.root, wsdl, wsdlGrammar, r)
	}},
	{"R2029", "the elements of the SOAP binding are as its schema has them", func(d *description, r *report) { grammar(d.root, soapbind, soapbindGrammar, r) }},
	{"R2101", "components are named in namespaces that are here", func(d *description, r *report) {
		for _, reference := range []struct{ element, attribute, kind string }{
			{"input", "message", "message"}, {"output", "message", "message"}, {"fault", "message", "message"}, {"binding", "type", "portType"}, {"port", "binding", "binding"},
		} {
			for _, e := range d.root.all(wsdl, reference.element) {
				if e.has(reference.attribute) {
					r.when(d.component(e, e.attr(reference.attribute), reference.kind) == nil, "%s names no %s", e.attr(reference.attribute), reference.kind)
				}
			}
		}
	}},
	{"R2102", "schema components are named in namespaces that are imported", func(d *description, r *report) {
		known := map[string]bool{xsd: true}
		for _, i := range d.root.all(xsd, "import") {
			known[i.attr("namespace")] = true
		}
		for _, p := range d.root.all(wsdl, "part") {
			name, err := p.resolve(p.attr("element") + p.attr("type"))
			r.when(err != nil || !known[name.Space], "part %s of %s is of the namespace %s", p.attr("name"), p.parent.attr("name"), name.Space)
		}
	}},
	{"R2105", "a schema of the types has a target namespace, or holds imports alone", func(d *description, r *report) {
		for _, t := range d.root.all(wsdl, "types") {
			for _, s := range t.named(xsd, "schema") {
				importsAlone := !slices.ContainsFunc(s.children, func(c *node) bool { return !c.is(xsd, "import") && !c.is(xsd, "annotation") })
				r.when(s.attr("targetNamespace") == "" && !importsAlone, "a schema has none")
			}
		}
	}},
	{"R2110", "no type is made of the array of SOAP's encoding", func(d *description, r *report) {
		for at, s := range d.schemas {
			for _, e := range append(s.root.all(xsd, "extension"), s.root.all(xsd, "restriction")...) {
				base, _ := e.resolve(e.attr("base"))
				r.when(base.Space == soapenc, "%s has one", at)
			}
		}
	}},
	{"R2111", "no type declares wsdl:arrayType", func(d *description, r *report) {
		for at, s := range d.schemas {
			for _, e := range s.root.all("", "") {
				r.when(e.attrIn(wsdl, "arrayType") != "", "%s does", at)
			}
		}
	}},
	{"R2112", "no element is named ArrayOf", func(d *description, r *report) {
		for _, s := range d.schemas {
			for _, e := range s.root.all(xsd, "element") {
				r.when(strings.HasPrefix(e.attr("name"), "ArrayOf"), "%s is", e.attr("name"))
			}
		}
	}},
	{"R2801", "schemas are of XML Schema 1.0", func(d *description, r *report) {
		for at, s := range d.schemas {
			for _, e := range s.root.all("", "") {
				r.when(e.Space != xsd, "%s holds %s", at, e.Local)
			}
		}
	}},
	{"R2201", "soapbind:body names one part at most", func(d *description, r *report) {
		for _, b := range d.within("body") {
			r.when(len(strings.Fields(b.attr("parts"))) > 1, "one names %s", b.attr("parts"))
		}
	}},
	{"R2210", "where soapbind:body names none, the message has one part at most", func(d *description, r *report) {
		for _, b := range d.within("body") {
			m := d.message(b.parent)
			r.when(m == nil || !b.has("parts") && len(m.named(wsdl, "part")) > 1, "%s of %s has more", b.parent.Local, b.parent.parent.attr("name"))
		}
	}},
	{"R2204", "soapbind:body refers to parts with an element", func(d *description, r *report) { partsHaveElements(d, "body", r) }},
	{"R2205", "soapbind:fault, header and headerfault refer to parts with an element", func(d *description, r *report) {
		for _, local := range []string{"fault", "header", "headerfault"} {
			partsHaveElements(d, local, r)
		}
	}},
	{"R2206", "a part's element is a global one", func(d *description, r *report) {
		for _, p := range d.root.all(wsdl, "part") {
			if p.has("element") {
				name, err := p.resolve(p.attr("element"))
				r.when(err != nil || !d.global(name), "%s is not", p.attr("element"))
			}
		}
	}},
	{"R2306", "no part has both an element and a type", func(d *description, r *report) {
		for _, p := range d.root.all(wsdl, "part") {
			r.when(p.has("element") && p.has("type"), "%s of %s has", p.attr("name"), p.parent.attr("name"))
		}
	}},
	{"R2209", "every part is bound", func(d *description, r *report) {
		for _, b := range d.bindings() {
			for _, o := range b.named(wsdl, "operation") {
				for _, p := range append(o.named(wsdl, "input"), o.named(wsdl, "output")...) {
					r.when(len(p.named(soapbind, "body")) != 1, "%s of %s has not one body", p.Local, o.attr("name"))
				}
			}
		}
	}},
	{"R2303", "operations are one-way or request and response", func(d *description, r *report) {
		for _, p := range d.root.all(wsdl, "portType") {
			for _, o := range p.named(wsdl, "operation") {
				i := slices.IndexFunc(o.children, func(c *node) bool { return c.is(wsdl, "input") })
				j := slices.IndexFunc(o.children, func(c *node) bool { return c.is(wsdl, "output") })
				r.when(i < 0 || j >= 0 && j < i, "%s is not", o.attr("name"))
			}
		}
	}},
	{"R2304", "the operations of a portType have names of their own", func(d *description, r *report) {
		for _, p := range d.root.all(wsdl, "portType") {
			all := names(p.named(wsdl, "operation"))
			r.when(len(slices.Compact(slices.Clone(all))) != len(all), "%v", all)
		}
	}},
	{"R2305", "parameterOrder leaves out one part at most", func(d *description, r *report) {
		for _, o := range d.root.all(wsdl, "operation") {
			r.when(o.has("parameterOrder"), "%s has an order, which means nothing for documents", o.attr("name"))
		}
	}},
	{"R2401", "a binding is extended by the SOAP binding alone", func(d *description, r *report) {
		for _, b := range d.bindings() {
			for _, e := range b.all("", "") {
				r.when(e.Space != wsdl && e.Space != soapbind, "%s holds %s", b.attr("name"), e.Local)
			}
		}
		r.when(len(d.bindings()) == 0, "there is none")
	}},
	{"R2701", "soapbind:binding has a transport", func(d *description, r *report) {
		for _, b := range d.within("binding") {
			r.when(!b.has("transport"), "it has none")
		}
	}},
	{"R2702", "the transport is HTTP", func(d *description, r *report) {
		for _, b := range d.within("binding") {
			r.when(b.attr("transport") != "http://schemas.xmlsoap.org/soap/http", "it is %s", b.attr("transport"))
		}
	}},
	{"R2705", "all operations of a binding have one style, here document", func(d *description, r *report) {
		for _, e := range append(d.within("binding"), d.within("operation")...) {
			r.when(e.has("style") && e.attr("style") != "document", "%s is %s", e.parent.attr("name"), e.attr("style"))
		}
	}},
	{"R2706", "use is literal everywhere", func(d *description, r *report) {
		for _, local := range []string{"body", "fault", "header", "headerfault"} {
			for _, e := range d.within(local) {
				r.when(e.attr("use") != "literal" && (local != "fault" || e.has("use")), "%s of %s is %q", local, e.parent.parent.attr("name"), e.attr("use"))
			}
		}
	}},
	{"R2710", "operations can be told apart by what is sent", func(d *description, r *report) {
		for _, b := range d.bindings() {
			seen := map[xml.Name]string{}
			for _, o := range b.named(wsdl, "operation") {
				for _, in := range o.named(wsdl, "input") {
					if m := d.message(in); m != nil && len(m.named(wsdl, "part")) > 0 {
						name, _ := m.resolve(m.named(wsdl, "part")[0].attr("element"))
						r.when(seen[name] != "", "%s and %s are %s", seen[name], o.attr("name"), name.Local)
						seen[name] = o.attr("name")
					}
				}
			}
		}
	}},
	{"R2711", "no two ports have one address of SOAP 1.1", func(d *description, r *report) {
		seen := map[string]bool{}
		for _, a := range d.root.all(soapbind, "address") {
			r.when(seen[a.attr("location")], "%s", a.attr("location"))
			seen[a.attr("location")] = true
		}
	}},
	{"R2716", "document-literal bindings name no namespace", func(d *description, r *report) {
		for _, local := range []string{"body", "fault", "header", "headerfault"} {
			for _, e := range d.within(local) {
				r.when(e.has("namespace"), "%s of %s does", local, e.parent.parent.attr("name"))
			}
		}
	}},
	{"R2718", "a binding has the operations of its portType", func(d *description, r *report) {
		for _, b := range d.bindings() {
			p := d.portType(b)
			r.when(p == nil || !slices.Equal(names(p.named(wsdl, "operation")), names(b.named(wsdl, "operation"))), "%s has others", b.attr("name"))
		}
	}},
	{"R2720", "soapbind:header and headerfault name one part", func(d *description, r *report) {
		for _, e := range append(d.within("header"), d.within("headerfault")...) {
			r.when(e.attr("part") == "" || strings.ContainsAny(e.attr("part"), " \t\n"), "%q", e.attr("part"))
		}
	}},
	{"R2749", "soapbind:header and headerfault have no parts attribute", func(d *description, r *report) {
		for _, e := range append(d.within("header"), d.within("headerfault")...) {
			r.when(e.has("parts"), "one has")
		}
	}},
	{"R2740", "every fault of an operation is bound", func(d *description, r *report) {
		for _, b := range d.bindings() {
			p := d.portType(b)
			if p == nil {
				continue
			}
			for _, o := range p.named(wsdl, "operation") {
				for _, bound := range b.named(wsdl, "operation") {
					r.when(bound.attr("name") == o.attr("name") && !slices.Equal(names(o.named(wsdl, "fault")), names(bound.named(wsdl, "fault"))), "those of %s are not", o.attr("name"))
				}
			}
		}
	}},
	{"R2721", "soapbind:fault has a name", func(d *description, r *report) {
		for _, f := range d.root.all(soapbind, "fault") {
			r.when(f.attr("name") == "", "one of %s has none", f.parent.parent.attr("name"))
		}
	}},
	{"R2754", "the name of soapbind:fault is that of the wsdl:fault around it", func(d *description, r *report) {
		for _, f := range d.root.all(soapbind, "fault") {
			r.when(f.attr("name") != f.parent.attr("name"), "%s in %s", f.attr("name"), f.parent.attr("name"))
		}
	}},
	{"R2723", "the use of soapbind:fault is literal where it is told", func(d *description, r *report) {
		for _, f := range d.root.all(soapbind, "fault") {
			r.when(f.has("use") && f.attr("use") != "literal", "it is %s", f.attr("use"))
		}
	}},
}

func unicode(d *document) bool {
	return d.encoding == "" || strings.EqualFold(d.encoding, "utf-8") || strings.EqualFold(d.encoding, "utf-16")
}

func partsHaveElements(d *description, local string, r *report) {
	for _, e := range d.within(local) {
		m := d.message(e.parent)
		if e.has("message") {
			m = d.component(e, e.attr("message"), "message")
		}
		if m == nil {
			r.when(true, "%s of %s is of no message", local, e.parent.parent.attr("name"))
			continue
		}
		for _, p := range m.named(wsdl, "part") {
			r.when(!p.has("element"), "part %s of %s has none", p.attr("name"), m.attr("name"))
		}
	}
}

// rule is what an element's schema allows: required and optional attributes,
// and children of the same namespace. Their order is that of the specification's
// examples, which is stricter than the schema at the top.
type rule struct{ required, optional, children string }

var wsdlGrammar = map[string]rule{
	"definitions":   {"", "name targetNamespace", "documentation import types message portType binding service"},
	"documentation": {}, "import": {"namespace location", "", "documentation"}, "types": {"", "", "documentation"},
	"message": {"name", "", "documentation part"}, "part": {"name", "element type", "documentation"},
	"portType": {"name", "", "documentation operation"}, "binding": {"name type", "", "documentation operation"},
	"operation": {"name", "parameterOrder", "documentation input output fault"},
	"input":     {"", "name message", "documentation"}, "output": {"", "name message", "documentation"}, "fault": {"name", "message", "documentation"},
	"service": {"name", "", "documentation port"}, "port": {"name binding", "", "documentation"},
}

var soapbindGrammar = map[string]rule{
	"binding": {"", "transport style", ""}, "operation": {"", "soapAction style", ""},
	"body": {"", "parts use namespace encodingStyle", ""}, "fault": {"name", "use namespace encodingStyle", ""},
	"header":      {"message part use", "namespace encodingStyle", "headerfault"},
	"headerfault": {"message part use", "namespace encodingStyle", ""}, "address": {"location", "", ""},
}

// grammar checks the elements of one namespace.
func grammar(root *node, space string, rules map[string]rule, r *report) {
	for _, e := range root.all(space, "") {
		g, ok := rules[e.Local]
		if !ok {
			r.when(true, "there is no element %s", e.Local)
			continue
		}
		for _, a := range strings.Fields(g.required) {
			r.when(!e.has(a), "%s has no %s", e.Local, a)
		}
		for _, a := range e.attrs {
			known := a.Name.Local == "xmlns" || a.Name.Space != "" || slices.Contains(strings.Fields(g.required+" "+g.optional), a.Name.Local)
			r.when(!known, "%s has an attribute %s", e.Local, a.Name.Local)
		}
		order, at := strings.Fields(g.children), 0
		for _, c := range e.children {
			if c.Space != space {
				continue
			}
			i := slices.Index(order, c.Local)
			r.when(i < 0 || i < at, "%s stands in %s where it may not", c.Local, e.Local)
			at = max(i, at)
		}
	}
}
