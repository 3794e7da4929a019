package soap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"registrar/soap/charset"
	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

const (
	wsdlSpace   = "http://schemas.xmlsoap.org/wsdl/"
	wsdlSOAP11  = "http://schemas.xmlsoap.org/wsdl/soap/"
	wsdlSOAP12  = "http://schemas.xmlsoap.org/wsdl/soap12/"
	overHTTP    = "http://schemas.xmlsoap.org/soap/http"
	descriptors = 100_000 // elements of a description; it comes with the program
)

// described is an operation as the description has it.
type described struct {
	Name          string
	Documentation string
	Action        string // soapAction, the same in all bindings
	Input, Output Name   // the elements of its messages
}

// named says whether an action is the operation's: its soapAction, or what
// clients write that were told none (SOAP::Lite, PySimpleSOAP): the name of the
// Body's element or of the operation, with or without its namespace.
func (d described) named(action string) bool {
	if action == d.Action {
		return true
	}
	if local, ok := strings.CutPrefix(action, d.Input.Space); ok && local != "" && strings.ContainsRune("#/:", rune(local[0])) {
		action = local[1:]
	}
	return action == d.Input.Local || action == d.Name
}

// contract is what a description and its schemas say.
type contract struct {
	service    string
	about      string // documentation of the service
	portType   Name
	operations map[string]described
	names      []string // of operations, in the description's order
	faults     []Name   // elements of fault messages
	addresses  []string // of the ports, as written
	locations  []string // of imported schemas, as written
	schemas    []*xsd.Schema
}

// bind ties an element of whichever schema has it.
func (c *contract) bind(element Name, goType reflect.Type) (*xsd.Binding, error) {
	for _, s := range c.schemas {
		if s.Target == element.Space {
			return s.Bind(element, goType) //nolint:wrapcheck // says all
		}
	}
	return nil, fmt.Errorf("no schema is for the namespace %q of element %s", element.Space, element.Local)
}

// readContract reads a description (WSDL 1.1) as far as serving it asks for:
// document/literal operations of one port type, bound to SOAP over HTTP.
func readContract(description []byte, schemas map[string][]byte) (*contract, error) {
	text, err := charset.Decode(description, "")
	if err != nil {
		return nil, fmt.Errorf("the description: %w", err)
	}
	root, err := xmlreader.ReadDocument(text, xmlreader.Limits{Elements: descriptors})
	if err != nil {
		return nil, fmt.Errorf("the description: %w", err)
	}
	if root.Name != (Name{Space: wsdlSpace, Local: "definitions"}) {
		return nil, errors.New("the description is not a wsdl:definitions")
	}
	r := contractReader{
		root:     root,
		contract: &contract{operations: map[string]described{}},
	}
	r.target, _ = root.Attr(Name{Local: "targetNamespace"})
	r.messages()
	r.portType()
	r.bindings()
	r.services()
	r.imports(schemas)
	if len(r.wrong) > 0 {
		return nil, fmt.Errorf("the description: %w", errors.Join(r.wrong...))
	}
	return r.contract, nil
}

type contractReader struct {
	root     *xmlreader.Element
	contract *contract
	target   string
	elements map[Name]Name // of messages
	wrong    []error
}

func (r *contractReader) fail(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Errorf(format, args...))
}

// all gives the children of e of a name in the namespaces of WSDL.
func all(e *xmlreader.Element, space, local string) []*xmlreader.Element {
	var found []*xmlreader.Element
	for _, c := range e.Children {
		if c.Name == (Name{Space: space, Local: local}) {
			found = append(found, c)
		}
	}
	return found
}

func attribute(e *xmlreader.Element, local string) string {
	v, _ := e.Attr(Name{Local: local})
	return v
}

// documentation is what a component of the description says to a person.
func documentation(e *xmlreader.Element) (text string) {
	for _, d := range all(e, wsdlSpace, "documentation") {
		text = strings.Join(strings.Fields(text+" "+d.Text), " ")
	}
	return text
}

func (r *contractReader) messages() {
	r.elements = map[Name]Name{}
	for _, m := range all(r.root, wsdlSpace, "message") {
		name := attribute(m, "name")
		parts := all(m, wsdlSpace, "part")
		if len(parts) != 1 || attribute(parts[0], "element") == "" {
			r.fail("message %s is not one part with an element", name)
			continue
		}
		element, ok := parts[0].ResolveQName(attribute(parts[0], "element"))
		if !ok {
			r.fail("message %s: its element has no declared prefix", name)
		}
		r.elements[Name{Space: r.target, Local: name}] = element
	}
}

// message gives the element of the message that e, an input, output or fault, names.
func (r *contractReader) message(e *xmlreader.Element) Name {
	name, _ := e.ResolveQName(attribute(e, "message"))
	element, ok := r.elements[name]
	if !ok {
		r.fail("there is no message %s", attribute(e, "message"))
	}
	return element
}

func (r *contractReader) portType() {
	portTypes := all(r.root, wsdlSpace, "portType")
	if len(portTypes) != 1 {
		r.fail("there is not exactly one portType")
		return
	}
	r.contract.portType = Name{Space: r.target, Local: attribute(portTypes[0], "name")}
	for _, o := range all(portTypes[0], wsdlSpace, "operation") {
		d := described{Name: attribute(o, "name")}
		inputs, outputs := all(o, wsdlSpace, "input"), all(o, wsdlSpace, "output")
		if len(inputs) != 1 || len(outputs) != 1 {
			r.fail("operation %s is not one input and one output", d.Name)
			continue
		}
		d.Input, d.Output = r.message(inputs[0]), r.message(outputs[0])
		d.Documentation = documentation(o)
		for _, f := range all(o, wsdlSpace, "fault") {
			if element := r.message(f); !slices.Contains(r.contract.faults, element) {
				r.contract.faults = append(r.contract.faults, element)
			}
		}
		if _, twice := r.contract.operations[d.Name]; twice {
			r.fail("operation %s stands twice", d.Name)
		}
		r.contract.operations[d.Name] = d
		r.contract.names = append(r.contract.names, d.Name)
	}
}

// bindings takes the actions from the SOAP bindings, which must agree.
func (r *contractReader) bindings() {
	actions := map[string]string{}
	for _, b := range all(r.root, wsdlSpace, "binding") {
		name := attribute(b, "name")
		space := wsdlSOAP11
		kind := all(b, wsdlSOAP11, "binding")
		if len(kind) == 0 {
			space, kind = wsdlSOAP12, all(b, wsdlSOAP12, "binding")
		}
		if len(kind) != 1 || attribute(kind[0], "transport") != overHTTP || attribute(kind[0], "style") == "rpc" {
			r.fail("binding %s is not document style SOAP over HTTP", name)
			continue
		}
		for _, o := range all(b, wsdlSpace, "operation") {
			operation := attribute(o, "name")
			if _, ok := r.contract.operations[operation]; !ok {
				r.fail("binding %s has an operation %s that the portType has not", name, operation)
				continue
			}
			for _, s := range all(o, space, "operation") {
				action := attribute(s, "soapAction")
				if other, ok := actions[operation]; ok && other != action || attribute(s, "style") == "rpc" {
					r.fail("binding %s: operation %s has another soapAction, or another style, than elsewhere", name, operation)
				}
				actions[operation] = action
			}
		}
	}
	for name, d := range r.contract.operations {
		action, ok := actions[name]
		if !ok {
			r.fail("operation %s is in no SOAP binding", name)
		}
		d.Action = action
		r.contract.operations[name] = d
	}
}

func (r *contractReader) services() {
	for _, s := range all(r.root, wsdlSpace, "service") {
		r.contract.service, r.contract.about = attribute(s, "name"), documentation(s)
		for _, p := range all(s, wsdlSpace, "port") {
			for _, a := range append(all(p, wsdlSOAP11, "address"), all(p, wsdlSOAP12, "address")...) {
				r.contract.addresses = append(r.contract.addresses, attribute(a, "location"))
			}
		}
	}
	if len(r.contract.addresses) == 0 {
		r.fail("there is no service with a SOAP address")
	}
}

// imports compiles the schemas that the description names.
func (r *contractReader) imports(documents map[string][]byte) {
	used := map[string]bool{}
	for _, types := range all(r.root, wsdlSpace, "types") {
		for _, schema := range all(types, xsd.SchemaSpace, "schema") {
			for _, i := range schema.Children {
				location := attribute(i, "schemaLocation")
				document, ok := documents[location]
				if i.Name.Local != "import" || !ok {
					r.fail("its types are not imports of the given schemas")
					continue
				}
				r.contract.locations = append(r.contract.locations, location)
				used[location] = true
				s, err := xsd.Compile(document)
				if err != nil {
					r.fail("%s: %w", location, err)
					continue
				}
				if s.Target != attribute(i, "namespace") {
					r.fail("%s is imported for another namespace than its own", location)
				}
				r.contract.schemas = append(r.contract.schemas, s)
			}
		}
	}
	if len(used) != len(documents) {
		r.fail("a given schema is not imported")
	}
}
