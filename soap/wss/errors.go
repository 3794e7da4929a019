package wss

import "registrar/soap"

// The namespaces of WSS: SOAP Message Security 1.0, which 1.1 and 1.1.1 kept.
const (
	SecextSpace  = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"  // wsse
	UtilitySpace = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" // wsu
)

// The codes of faults (WSS: SOAP Message Security 1.1.1, section 12), each a
// Subcode in SOAP 1.2. All are in wsse but MessageExpired: section 10 and the
// schema of wsu have it there.
var (
	InvalidSecurity          = soap.Name{Space: SecextSpace, Local: "InvalidSecurity"}
	UnsupportedSecurityToken = soap.Name{Space: SecextSpace, Local: "UnsupportedSecurityToken"}
	FailedAuthentication     = soap.Name{Space: SecextSpace, Local: "FailedAuthentication"} // for whoever accepts tokens
	MessageExpired           = soap.Name{Space: UtilitySpace, Local: "MessageExpired"}
)

func invalid(reason string) *soap.Error     { return failure(InvalidSecurity, reason) }
func unsupported(reason string) *soap.Error { return failure(UnsupportedSecurityToken, reason) }
func expired(reason string) *soap.Error     { return failure(MessageExpired, reason) }

func failure(subcode soap.Name, reason string) *soap.Error {
	return &soap.Error{Kind: soap.Unauthenticated, Subcode: subcode, Reason: reason}
}
