package soap

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// Sample is an example of an operation's messages for the help page. Each part
// is one element as XML, with its own namespace declarations and indented as
// it is to be shown; "" stands for one that is made of the schema.
type Sample struct {
	Request  string // of the input message
	Response string // of the output message
	Fault    string // of a fault's detail, the sender's
	Reason   string // what such a fault says to a person
	// Unique are child elements of Request whose values cannot be used twice:
	// the page puts something new into them when asked.
	Unique []string
}

// checkSamples refuses samples that the schema refuses.
func (s *Server) checkSamples() error {
	var wrong []error
	for name, sample := range s.config.Samples {
		i := slices.IndexFunc(s.operations, func(o *operation) bool { return o.Name == name })
		if i < 0 {
			wrong = append(wrong, fmt.Errorf("a sample is for operation %s, which is none", name))
			continue
		}
		o := s.operations[i]
		for _, part := range []struct {
			name, text string
			check      func(text string) error
		}{
			{"request", sample.Request, func(text string) error { return checkElement(o.input, o.create(), text) }},
			{"response", sample.Response, func(text string) error { return checkElement(o.output, o.createOutput(), text) }},
			{"fault", sample.Fault, s.checkDetail},
		} {
			if part.text == "" {
				continue
			}
			if err := part.check(part.text); err != nil {
				wrong = append(wrong, fmt.Errorf("sample of operation %s: %s: %w", name, part.name, err))
			}
		}
		for _, local := range sample.Unique {
			if !slices.ContainsFunc(o.input.Element.Type.Children, func(e *xsd.Element) bool { return e.Name.Local == local && e.Type.IsSimple() }) {
				wrong = append(wrong, fmt.Errorf("sample of operation %s: %s of Unique is no value of its request", name, local))
			}
		}
	}
	return errors.Join(wrong...)
}

// checkDetail checks a fault's detail, which is that of one of the faults.
func (s *Server) checkDetail(text string) error {
	var wrong error
	for t, b := range s.details {
		wrong = checkElement(b, reflect.New(t.Elem()).Interface(), text)
		if wrong == nil {
			return nil
		}
	}
	return wrong
}

// checkElement checks a document against the declaration of its root. Unlike a
// request it must keep the order of the schema.
func checkElement(b *xsd.Binding, into any, text string) error {
	limits := xmlreader.Limits{Elements: descriptors}
	r := xmlreader.New(text, limits)
	start, err := r.Next()
	if err != nil {
		return err //nolint:wrapcheck // named by the caller
	}
	if start.Name != b.Element.Name {
		return fmt.Errorf("the element is not %s in the namespace %s", b.Element.Name.Local, b.Element.Name.Space)
	}
	violations, err := b.Decode(r, start, into)
	if err != nil {
		return err //nolint:wrapcheck // named by the caller
	}
	for _, v := range violations {
		return fmt.Errorf("%s %s", v.Path, v.Message)
	}
	root, err := xmlreader.ReadDocument(text, limits)
	if err != nil {
		return err //nolint:wrapcheck // named by the caller
	}
	return inOrder(b.Element.Type, root)
}

// inOrder tells whether the children of e, which are all right by themselves,
// stand in the order of their type's sequence.
func inOrder(t *xsd.Type, e *xmlreader.Element) error {
	at := 0
	for _, c := range e.Children {
		i := slices.IndexFunc(t.Children, func(d *xsd.Element) bool { return d.Name == c.Name })
		if i < at {
			return fmt.Errorf("%s stands behind %s", c.Name.Local, t.Children[at].Name.Local)
		}
		at = i
		if err := inOrder(t.Children[i].Type, c); err != nil {
			return err
		}
	}
	return nil
}

// skeleton makes an element of the schema with a place for each value.
func (r *reference) skeleton(name Name) string {
	var b strings.Builder
	_, rows := r.element(name)
	fmt.Fprintf(&b, "<%s xmlns=%q>\n", name.Local, name.Space)
	var open []string
	closeTo := func(depth int) {
		for len(open) > depth {
			fmt.Fprintf(&b, "%s</%s>\n", strings.Repeat("  ", len(open)), open[len(open)-1])
			open = open[:len(open)-1]
		}
	}
	for i, row := range rows {
		closeTo(len(row.Within))
		indent := strings.Repeat("  ", len(row.Within)+1)
		if i+1 < len(rows) && len(rows[i+1].Within) > len(row.Within) {
			fmt.Fprintf(&b, "%s<%s> <!-- %s -->\n", indent, row.Name, row.Occurs)
			open = append(open, row.Name)
			continue
		}
		fmt.Fprintf(&b, "%s<%s>%s</%s> <!-- %s -->\n", indent, row.Name, row.example(), row.Name, row.Occurs)
	}
	closeTo(0)
	fmt.Fprintf(&b, "</%s>", name.Local)
	return b.String()
}

// example is a value of the row's type, as far as the schema tells one.
func (r *referenceRow) example() string {
	switch {
	case len(r.Values) > 0:
		return string(xsd.AppendText(nil, r.Values[0].Value))
	case r.BuiltIn == "xs:boolean":
		return "true"
	case r.BuiltIn == "xs:dateTime":
		return "2026-01-31T12:00:00Z"
	case r.BuiltIn == "": // a complex type without elements
		return ""
	case r.BuiltIn == "xs:int", r.BuiltIn == "xs:long", r.BuiltIn == "xs:integer":
		return "1"
	default:
		return "?"
	}
}

// sampleEnvelope is a message with lines as a person writes them.
func sampleEnvelope(v Version, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?>` + "\n" +
		`<soap:Envelope xmlns:soap="` + v.Space() + `">` + "\n" +
		"  <soap:Body>\n" + indented(body, "    ") + "\n  </soap:Body>\n" +
		"</soap:Envelope>"
}

// sampleFault is the content of a Body as faultMessage writes it, with lines.
func sampleFault(v Version, reason, detail string) string {
	reason = string(xsd.AppendText(nil, reason))
	if v == SOAP12 {
		return "<soap:Fault>\n" +
			"  <soap:Code>\n    <soap:Value>soap:" + v.code("", true) + "</soap:Value>\n  </soap:Code>\n" +
			"  <soap:Reason>\n    <soap:Text xml:lang=\"en\">" + reason + "</soap:Text>\n  </soap:Reason>\n" +
			"  <soap:Detail>\n" + indented(detail, "    ") + "\n  </soap:Detail>\n" +
			"</soap:Fault>"
	}
	return "<soap:Fault>\n" +
		"  <faultcode>soap:" + v.code("", true) + "</faultcode>\n" +
		"  <faultstring>" + reason + "</faultstring>\n" +
		"  <detail>\n" + indented(detail, "    ") + "\n  </detail>\n" +
		"</soap:Fault>"
}

func indented(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+by)
}
