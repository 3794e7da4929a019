package project

import (
	"fmt"
	"strings"
)

// assertion is one of SoapUI's. Config is what it is configured by, as XML.
type assertion struct{ Type, Name, Config string }

// SoapUI's types of assertions. Two of them say the opposite of what they
// assert: the label in the program is the name here.
const (
	soapResponse     = "SOAP Response" // an envelope of the binding's version
	soapFault        = "Not SOAP Fault Assertion"
	notSOAPFault     = "SOAP Fault Assertion"
	schemaCompliance = "Schema Compliance"
	xpathMatch       = "XPath Match"
	httpStatus       = "Valid HTTP Status Codes"
	contains         = "Simple Contains"
	notContains      = "Simple NotContains"
	responseTime     = "Response SLA Assertion"
	script           = "GroovyScriptAssertion"
)

// match asserts that a path has a value.
type match struct{ name, path, value string }

func (m match) in(space string) assertion {
	path := fmt.Sprintf("declare namespace s='%s';\ndeclare namespace r='%s';\n%s", space, namespace, m.path)
	return assertion{xpathMatch, m.name, element("path", path) + element("content", m.value) + "<allowWildcards>false</allowWildcards>"}
}

// expectation is what a request is to be answered by.
type expectation func(v version) []assertion

// every envelope is asserted to be one, and to come in time.
func every(status string, more ...assertion) []assertion {
	return append([]assertion{
		{Type: soapResponse, Name: "SOAP Response"},
		{Type: schemaCompliance, Name: "Schema Compliance", Config: "<definition/>"},
		{Type: httpStatus, Name: "HTTP status " + status, Config: element("codes", status)},
		{Type: responseTime, Name: "Response SLA", Config: "<SLA>${#Project#sla}</SLA>"},
	}, more...)
}

// answer expects the operation's response.
func answer(matches ...match) expectation {
	return func(v version) []assertion {
		all := every("200", assertion{Type: notSOAPFault, Name: "Not SOAP Fault"})
		for _, m := range matches {
			all = append(all, m.in(v.Space))
		}
		return all
	}
}

// fault expects a fault of the caller with a typed detail. fields are names and
// codes of its field elements in order: "username TAKEN, email TAKEN".
func fault(code, fields string) expectation {
	return typedFault(code, func(field string) string {
		return "string-join(" + field + "/concat(r:name, ' ', r:code), ', ')"
	}, fields)
}

// faultInAnyOrder is fault with one field for each element of a RegisterRequest,
// told in the contract's order here and in any by the service.
func faultInAnyOrder(code, fields string) expectation {
	return typedFault(code, func(field string) string {
		return "string-join((for $name in ('" + strings.Join(order, "', '") + "') return " + field + "[r:name = $name]/concat(r:name, ' ', r:code)), ', ')"
	}, fields)
}

// typedFault expects a fault whose fields are told by a path.
func typedFault(code string, fieldsPath func(field string) string, fields string) expectation {
	return func(v version) []assertion {
		detail := v.Detail + "/r:RegistrationFault/"
		return envelopeFault(v.Sender, v.SenderStatus,
			match{"code", detail + "r:code", code},
			match{"not retryable", detail + "r:retryable", "false"},
			match{"correlation id", "matches(" + detail + "r:correlationId, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')", "true"},
			match{"fields", fieldsPath(detail + "r:field"), fields},
			// SoapUI's Schema Compliance does not look into the detail of a SOAP 1.2 fault.
			match{"elements of the detail", "matches(string-join(" + v.Detail + "/*/*/local-name(), ' '), '^code message correlationId retryable( field)*$')", "true"},
		)(v)
	}
}

// inside is what no fault may tell.
const inside = `(?s).*(goroutine|runtime error|panic|\.go:|\*registration|sqlite|SQLSTATE|velvet-anchor|/registrar/).*`

// envelopeFault expects a fault about the envelope, whose detail is not looked at.
func envelopeFault(code, status string, matches ...match) expectation {
	return func(v version) []assertion {
		all := every(status,
			assertion{Type: soapFault, Name: "SOAP Fault"},
			match{"fault code", "substring-after(" + v.Code + ", ':')", code}.in(v.Space),
			assertion{Type: notContains, Name: "Not the inside", Config: element("token", inside) + "<ignoreCase>true</ignoreCase><useRegEx>true</useRegEx>"},
		)
		for _, m := range matches {
			all = append(all, m.in(v.Space))
		}
		return all
	}
}

// element is an element without namespace that holds text.
func element(name, text string) string {
	return "<" + name + ">" + escape(text) + "</" + name + ">"
}
