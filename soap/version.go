package soap

import "registrar/soap/xsd"

// Version is a version of SOAP.
type Version uint8

// The versions that are served.
const (
	SOAP11 Version = iota + 1
	SOAP12
)

// The namespaces of the versions' envelopes and of their encodings.
const (
	Envelope11 = "http://schemas.xmlsoap.org/soap/envelope/"
	Envelope12 = "http://www.w3.org/2003/05/soap-envelope"
	encoding11 = "http://schemas.xmlsoap.org/soap/encoding/"
	encoding12 = "http://www.w3.org/2003/05/soap-encoding"
)

// Name is an expanded name.
type Name = xsd.Name

func (v Version) String() string {
	if v == SOAP12 {
		return "1.2"
	}
	return "1.1"
}

// Space is the namespace of the version's envelope.
func (v Version) Space() string {
	if v == SOAP12 {
		return Envelope12
	}
	return Envelope11
}

// mediaType is the Content-Type of answers. It is written exactly like this:
// WCF refuses text/xml with any other charset than its binding's.
func (v Version) mediaType() string {
	if v == SOAP12 {
		return "application/soap+xml; charset=utf-8"
	}
	return "text/xml; charset=utf-8"
}
