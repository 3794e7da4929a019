package wsa

import (
	"slices"
	"strings"

	"registrar/soap"
)

// The namespaces that are understood.
const (
	Space10     = "http://www.w3.org/2005/08/addressing"             // WS-Addressing 1.0
	Space200408 = "http://schemas.xmlsoap.org/ws/2004/08/addressing" // the submission
)

// version is what differs between the two.
type version struct {
	space        string
	anonymous    string // the address of the connection's other end
	invalid      string // the code of a header that is wrong
	addressing   string // the action of faults of WS-Addressing itself
	soap         string // and of those that SOAP and its modules define
	isParameter  bool   // a reference parameter that is sent back is marked
	urnDelimiter string // in default actions for a target namespace that is a URN
}

var versions = []*version{{
	space:        Space10,
	anonymous:    Space10 + "/anonymous",
	invalid:      "InvalidAddressingHeader",
	addressing:   Space10 + "/fault",
	soap:         Space10 + "/soap/fault",
	isParameter:  true,
	urnDelimiter: ":",
}, {
	space:        Space200408,
	anonymous:    Space200408 + "/role/anonymous",
	invalid:      "InvalidMessageInformationHeader",
	addressing:   Space200408 + "/fault",
	soap:         Space200408 + "/fault",
	urnDelimiter: "/",
}}

// locals are the headers that are understood, by their local names.
var locals = []string{"Action", "MessageID", "RelatesTo", "To", "From", "ReplyTo", "FaultTo"}

// versionOf is the version whose header that is, nil if it is none.
func versionOf(name soap.Name) *version {
	for _, v := range versions {
		if v.space == name.Space && slices.Contains(locals, name.Local) {
			return v
		}
	}
	return nil
}

func (v *version) name(local string) soap.Name { return soap.Name{Space: v.space, Local: local} }

// fault is an error about a header. detail is the code in WS-Addressing 1.0
// (SOAP Binding, section 6.4.1) that says more, "" for none.
func (v *version) fault(detail, reason string) *soap.Error {
	e := &soap.Error{Kind: soap.Addressing, Reason: reason, Subcode: v.name(v.invalid)}
	if detail != "" && v.space == Space10 {
		e.Subsubcode = v.name(detail)
	}
	return e
}

// action is the default one of an operation's message (WS-Addressing 1.0,
// Metadata, section 4.4.4; the submission, section 3.3.2) from the parts behind
// the target namespace.
func (v *version) action(portType soap.Name, parts ...string) string {
	delimiter := "/"
	if len(portType.Space) > 4 && strings.EqualFold(portType.Space[:4], "urn:") {
		delimiter = v.urnDelimiter
	}
	base := portType.Space
	if delimiter == "/" {
		base = strings.TrimSuffix(base, delimiter)
	}
	return strings.Join(append([]string{base, portType.Local}, parts...), delimiter)
}
