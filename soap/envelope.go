package soap

import (
	"errors"
	"slices"
	"strings"

	"registrar/soap/xmlreader"
)

// envelope is a message while and after it is read.
type envelope struct {
	server        *Server
	reader        *xmlreader.Reader
	version       Version // zero until the root says it
	blocks        []*xmlreader.Element
	notUnderstood []Name
	refusal       error // what is wrong with the header or the operation

	operation  *operation
	in         any
	violations []Violation
}

// read reads a whole document as a message, in one pass. Nothing has an effect
// before it has come to the end. The error is an *Error: of all that is wrong
// what is decided first, which is whether this is well-formed XML, then the
// envelope, what must be understood, and the operation.
func (e *envelope) read(actions []string) error {
	err := e.readEnvelope(actions)
	var own *Error
	if errors.As(err, &own) {
		if end := e.readToEnd(); end != nil {
			err = end
		}
	}
	if err == nil {
		err = e.refusal
	}
	var syntax *xmlreader.Error
	if errors.As(err, &syntax) {
		kind, what := Malformed, "The request is not well-formed XML"
		if syntax.Limit() {
			kind, what = LimitExceeded, "The request exceeds a limit"
		} else if syntax.Reason == xmlreader.Doctype || syntax.Reason == xmlreader.ProcessingInstruction {
			what = "The request is refused"
		}
		return failure(kind, "%s: %s (at byte %d).", what, string(syntax.Reason), syntax.Offset)
	}
	return err
}

// readToEnd checks what was not read as a message.
func (e *envelope) readToEnd() error {
	for {
		t, err := e.reader.Next()
		if err != nil || t.Kind == xmlreader.EndDocument {
			return err //nolint:wrapcheck // classified by read
		}
	}
}

func (e *envelope) readEnvelope(actions []string) error {
	root, err := e.reader.Next()
	if err != nil {
		return err //nolint:wrapcheck // classified by read
	}
	switch root.Name {
	case Name{Space: Envelope11, Local: "Envelope"}:
		e.version = SOAP11
	case Name{Space: Envelope12, Local: "Envelope"}:
		e.version = SOAP12
	default:
		return failure(VersionMismatch, "The document is not an envelope of SOAP 1.1 or SOAP 1.2.")
	}
	if err := e.noEncodingStyle(root.Attrs); err != nil {
		return err
	}
	const beforeHeader, beforeBody, afterBody = 0, 1, 2
	for place := beforeHeader; ; {
		t, err := e.reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // classified by read
		}
		switch t.Kind {
		case xmlreader.Text:
			if !isBlank(t.Text) {
				return failure(Malformed, "There is text in the envelope outside its Header and Body.")
			}
			continue
		case xmlreader.EndElement:
			if place != afterBody {
				return failure(Malformed, "The envelope has no Body.")
			}
			_, err := e.reader.Next() // the end of the document, or what is wrong behind the envelope
			return err                //nolint:wrapcheck // classified by read
		}
		space := e.version.Space()
		switch {
		case place == beforeHeader && t.Name == Name{Space: space, Local: "Header"}:
			place = beforeBody
			if err = e.noEncodingStyle(t.Attrs); err == nil {
				err = e.readHeader()
			}
		case place <= beforeBody && t.Name == Name{Space: space, Local: "Body"}:
			place = afterBody
			if err = e.noEncodingStyle(t.Attrs); err == nil {
				err = e.readBody(actions)
			}
		default:
			err = failure(Malformed, "The envelope holds an element that may not stand there; it is one Header at most, then one Body.")
		}
		if err != nil {
			return err
		}
	}
}

// noEncodingStyle refuses the attribute on the envelope's own elements where
// SOAP 1.2 does (part 1, 5.1.1). In SOAP 1.1 clients always write it there,
// and it is without meaning for a literal message.
func (e *envelope) noEncodingStyle(attrs []xmlreader.Attr) error {
	for _, a := range attrs {
		if e.version == SOAP12 && a.Name == (Name{Space: Envelope12, Local: "encodingStyle"}) {
			return failure(Malformed, "SOAP 1.2 does not allow encodingStyle on Envelope, Header and Body.")
		}
	}
	return nil
}

// readBody reads the Body whose start was read last: exactly one element.
func (e *envelope) readBody(actions []string) error {
	for children := 0; ; {
		t, err := e.reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // classified by read
		}
		switch t.Kind {
		case xmlreader.Text:
			if !isBlank(t.Text) {
				return failure(Malformed, "There is text in the Body outside its element.")
			}
		case xmlreader.StartElement:
			if children++; children > 1 {
				if t.Name.Local != "multiRef" && !hasEncoding(t.Attrs) {
					return failure(Malformed, "The Body holds more than one element.")
				}
				if err := e.refuse(encoded()); err != nil {
					return err
				}
				continue
			}
			if err := e.readOperation(t, actions); err != nil {
				return err
			}
		default:
			if children == 0 {
				return failure(Malformed, "The Body is empty.")
			}
			return nil
		}
	}
}

// refuse notes what is wrong and skips the element whose start was read last.
// What was noted before is decided before.
func (e *envelope) refuse(why error) error {
	if e.refusal == nil {
		e.refusal = why
	}
	return e.reader.Skip() //nolint:wrapcheck // classified by read
}

// readOperation dispatches on the Body's element and reads it.
func (e *envelope) readOperation(start xmlreader.Token, actions []string) error {
	if e.refusal != nil {
		return e.reader.Skip() //nolint:wrapcheck // classified by read
	}
	if hasEncoding(start.Attrs) {
		return e.refuse(encoded())
	}
	o := e.server.byInput[start.Name]
	if o == nil {
		return e.refuse(e.server.unknownOperation(start.Name))
	}
	// The Body decides. An action that names something else could have passed
	// a gateway that decides by the header alone.
	for _, a := range actions {
		if !o.named(a) {
			return e.refuse(failure(ActionMismatch, "The SOAP action is not that of the operation in the Body, which is %s.", o.Action))
		}
	}
	e.operation = o
	e.in = o.create()
	violations, err := o.input.Decode(e.reader, start, e.in)
	if err != nil {
		return err //nolint:wrapcheck // classified by read
	}
	if slices.ContainsFunc(violations, func(v Violation) bool { return isEncoding(v.Attribute) }) {
		e.refusal = encoded()
	}
	e.violations = violations
	return nil
}

// unknownOperation tells what the Body should hold.
func (s *Server) unknownOperation(name Name) error {
	if path, ok := s.config.OtherVersions[name.Space]; ok {
		return failure(UnknownOperation, "The namespace %s is served at %s, of another version of the contract; here it is %s.",
			name.Space, path, s.contract.portType.Space)
	}
	var known []string
	for _, o := range s.operations {
		if o.Input.Local == name.Local {
			return failure(UnknownOperation, "The Body's element %s must be in the namespace %s.", name.Local, o.Input.Space)
		}
		known = append(known, o.Input.Local)
	}
	return failure(UnknownOperation, "The Body's element is no operation of this service; it is one of %s in the namespace %s.",
		strings.Join(known, ", "), s.operations[0].Input.Space)
}

func encoded() *Error {
	return failure(Encoded, "This service is document/literal. The request is RPC/encoded: "+
		"set style document and use literal in the client, or make the client again from the WSDL.")
}

// isEncoding tells the attributes that only encoded messages have.
func isEncoding(attribute Name) bool {
	switch attribute.Space {
	case Envelope11, Envelope12:
		return attribute.Local == "encodingStyle"
	case encoding11, encoding12:
		return true
	default:
		return attribute == Name{Local: "href"}
	}
}

func hasEncoding(attrs []xmlreader.Attr) bool {
	return slices.ContainsFunc(attrs, func(a xmlreader.Attr) bool { return isEncoding(a.Name) })
}
