// Package wsdl holds the service's contract: one WSDL 1.1 document and the XML
// Schema of its types, as they are served. The Go types of the contract are
// made from them into package registrationv1 by `go generate`, and are never
// edited.
//
// The documents are the only place where an element, a facet or an operation of
// the contract is written down; the endpoint checks requests against Schema itself.
package wsdl

import "embed"

//go:generate go tool gowsdl -p registrationv1 -o registration.go -d . registration.wsdl

// Description is the WSDL document. Its schemaLocation is relative and its
// addresses are those of the embedded default; both are replaced when it is served.
//
//go:embed registration.wsdl
var Description []byte

// Schema is the XML Schema document that Description imports.
//
//go:embed registration.xsd
var Schema []byte

// Samples holds an example of each message for people to read and send, one
// element a file: samples/OPERATION.request.xml, .response.xml and .fault.xml.
//
//go:embed samples
var Samples embed.FS
