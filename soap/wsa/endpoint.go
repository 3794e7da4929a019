package wsa

import (
	"slices"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// endpoint is an endpoint reference to which answers go.
type endpoint struct {
	parameters []*xmlreader.Element // to be sent back with what goes there
}

// Limits of what is sent back: clients of Oracle's SOA Suite have ten or so, of
// 1 KiB in all. In an answer each element declares its namespace anew, so
// without a limit a small request could make a large answer.
const (
	maxParameters     = 32       // elements, with those inside
	maxParameterBytes = 16 << 10 // as they are written
)

// readEndpoint reads an endpoint reference as far as anything of it matters:
// one address.
func (v *version) readEndpoint(e *xmlreader.Element) (address string, err error) {
	var found *xmlreader.Element
	for _, c := range e.Children {
		if c.Name != v.name("Address") {
			continue
		}
		if found != nil {
			return "", v.fault("InvalidEPR", "The header "+e.Name.Local+" of WS-Addressing has two addresses.")
		}
		found = c
	}
	if found == nil {
		return "", v.fault("MissingAddressInEPR", "The header "+e.Name.Local+" of WS-Addressing has no Address.")
	}
	if trim(e.Text) != "" {
		return "", v.fault("InvalidEPR", "The header "+e.Name.Local+" of WS-Addressing has text outside its elements.")
	}
	return v.uri(found, "InvalidAddress")
}

// readBack reads a ReplyTo or FaultTo. Only the anonymous address is taken:
// to answer anywhere else would let a caller choose what this service
// connects to. The none address is refused as well: a caller that wants no
// answer would never learn whether the operation was done.
func (v *version) readBack(e *xmlreader.Element) (endpoint, error) {
	address, err := v.readEndpoint(e)
	if err != nil {
		return endpoint{}, err
	}
	if address != v.anonymous {
		return endpoint{}, v.fault("OnlyAnonymousAddressSupported", "The header "+e.Name.Local+" of WS-Addressing must have the address "+v.anonymous+": answers go back on the same connection.")
	}
	var to endpoint
	for _, c := range e.Children {
		if c.Name == v.name("ReferenceParameters") || c.Name == v.name("ReferenceProperties") {
			to.parameters = append(to.parameters, c.Children...)
		}
	}
	elements, size := 0, 0
	for _, parameter := range to.parameters {
		if s := parameter.Name.Space; s == "" || s == Space10 || s == Space200408 || s == soap.Envelope11 || s == soap.Envelope12 {
			return endpoint{}, v.fault("InvalidEPR", "A reference parameter cannot be a header block: it is in no namespace, or in that of SOAP or WS-Addressing.")
		}
		if mixed(parameter) {
			return endpoint{}, v.fault("InvalidEPR", "A reference parameter holds text and elements beside each other.")
		}
		n, bytes := weigh(parameter)
		elements, size = elements+n, size+bytes
	}
	if elements > maxParameters || size > maxParameterBytes {
		return endpoint{}, v.fault("InvalidEPR", "The reference parameters are more than 32 elements, or more than 16 KiB.")
	}
	return to, nil
}

// mixed says whether there is text beside elements, whose order would be lost.
func mixed(e *xmlreader.Element) bool {
	return len(e.Children) > 0 && trim(e.Text) != "" || slices.ContainsFunc(e.Children, mixed)
}

// weigh gives how many elements there are in e, itself included, and about how
// many bytes they take when they are written.
func weigh(e *xmlreader.Element) (elements, bytes int) {
	elements, bytes = 1, 2*len(e.Name.Local)+len(e.Name.Space)+len(e.Text)+16
	for _, a := range e.Attrs {
		bytes += len(a.Name.Space) + len(a.Name.Local) + len(a.Value) + 24
	}
	for _, c := range e.Children {
		n, b := weigh(c)
		elements, bytes = elements+n, bytes+b
	}
	return elements, bytes
}
