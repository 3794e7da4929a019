package project

import (
	"slices"
	"strings"

	"registrar/wsdl"
)

// edge is the suite of what is the same for every operation: documents, media
// types, envelopes, headers, limits.
func edge() suite {
	return suite{
		Name:        "Edge",
		Description: "What happens before any operation: HTTP, XML, the envelope and its header.",
		Cases:       slices.Concat([]testCase{documents(), served()}, transport(), envelopes(), headers()),
	}
}

func get(name, path string, assertions ...assertion) step {
	return step{Kind: "http", Name: name, Method: "GET", Path: path, Assertions: append([]assertion{status("200")}, assertions...)}
}

func status(codes string) assertion {
	return assertion{httpStatus, "HTTP status " + codes, element("codes", codes)}
}

func holds(token string) assertion {
	return assertion{contains, "Contains", element("token", token) + "<ignoreCase>false</ignoreCase><useRegEx>false</useRegEx>"}
}

// hasHeader asserts the value of an HTTP header of the answer.
func hasHeader(name, value string) assertion {
	return assertion{script, name, element("scriptText",
		"def values = messageExchange.responseHeaders.find { it.key?.equalsIgnoreCase('"+name+"') }?.value\nassert values?.toString()?.contains('"+value+"')")}
}

// documents are what GET serves.
func documents() testCase {
	xpath := func(name, path, value string) assertion {
		return match{name, "declare namespace wsdl='http://schemas.xmlsoap.org/wsdl/';\n" + path, value}.in("http://www.w3.org/2001/XMLSchema")
	}
	const url = "${#Project#base}/registration"
	return testCase{
		Name: "Documents", Description: "The description names the address that it was asked at.",
		Steps: []step{
			get("WSDL", "/registration?wsdl",
				hasHeader("Content-Type", "text/xml; charset=utf-8"),
				xpath("absolute schemaLocation", "//s:import/@schemaLocation", url+"?xsd=registration.xsd"),
				xpath("addresses", "string-join(//wsdl:port/*/@location, ' ')", url+" "+url),
				xpath("bindings", "string-join(//wsdl:binding/@name, ' ')", "RegistrationSoap11 RegistrationSoap12"),
				xpath("operations", "string-join(//wsdl:portType/wsdl:operation/@name, ' ')", strings.Join(wsdl.Operations(), " ")),
			),
			get("WSDL, in capitals", "/registration?WSDL", holds("wsdl:definitions")),
			get("Schema", "/registration?xsd=registration.xsd",
				hasHeader("Content-Type", "text/xml; charset=utf-8"), xpath("namespace", "/s:schema/@targetNamespace", namespace)),
			get("Page", "/registration", hasHeader("Content-Type", "text/html; charset=utf-8"), holds("?wsdl")),
			{Kind: "http", Name: "No such schema", Method: "GET", Path: "/registration?xsd=other.xsd", Assertions: []assertion{status("404")}},
			{Kind: "http", Name: "No such document", Method: "GET", Path: "/registration?wadl", Assertions: []assertion{status("404")}},
			{Kind: "http", Name: "Another method", Method: "PUT", Path: "/registration", Assertions: []assertion{status("405"), hasHeader("Allow", "POST")}},
		},
	}
}

// served asserts an answer against the schema that the service serves, not the
// one in the project.
func served() testCase {
	live := func(expect expectation) expectation {
		return func(v version) []assertion {
			return append(expect(v), assertion{schemaCompliance, "Schema Compliance with the served WSDL", element("definition", "${#Project#base}/registration?wsdl")})
		}
	}
	return testCase{
		Name: "Answers are valid by the served WSDL",
		Steps: both(
			call{name: "Register", operation: "Register", body: registerRequest(), expect: live(registered())},
			call{name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username), expect: live(answer())},
			call{name: "Register again", operation: "Register", body: registerRequest(), expect: live(fault("USERNAME_TAKEN", "username TAKEN, email TAKEN"))},
		),
	}
}

// transport are the cases of HTTP headers and charsets.
func transport() []testCase {
	contentType := []header{{"Content-Type", "${Row#type.text}"}}
	unsupported := testCase{
		Name: "415 Unsupported Media Type",
		Table: &table{"type", []row{
			{"plain text", `text/plain; charset=utf-8`},
			{"JSON", `application/json`},
			{"XML of any kind", `application/xml`},
			{"a form", `application/x-www-form-urlencoded`},
			{"MTOM", `multipart/related; type="application/xop+xml"; boundary=part`},
			{"XOP", `application/xop+xml`},
			{"nonsense", `xml`},
		}},
	}
	for _, v := range versions {
		c := call{name: "Register", operation: "Register", body: registerRequest(), http: contentType, expect: func(version) []assertion {
			return []assertion{status("415"), hasHeader("Accept-Post", "text/xml, application/soap+xml")}
		}}
		unsupported.Steps = append(unsupported.Steps, c.in(v))
	}
	spelled := func(v version, rows ...row) testCase {
		return testCase{
			Name: "Spellings of the media type, " + v.Name, Table: &table{"type", rows},
			Steps: []step{call{name: "Register", operation: "Register", body: registerRequest(), http: contentType, expect: registered()}.in(v)},
		}
	}
	charsets := testCase{Name: "Charsets", Description: "What is not ASCII arrives in each charset that is read."}
	for _, encoding := range []string{"UTF-8", "UTF-16", "ISO-8859-1", "windows-1252"} {
		charsets.Steps = append(charsets.Steps, both(
			call{
				name: "Register in " + encoding, operation: "Register", encoding: encoding, expect: registered(),
				body: registerRequest(child{"username", username + "-" + encoding}, child{"email", encoding + "-" + email}, child{"firstName", "Zoë Þórdís"}),
			},
			call{
				name: "Look " + encoding + " up", operation: "GetRegistration", encoding: encoding, body: lookupBy("username", username+"-"+encoding),
				expect: answer(match{"firstName", "//r:firstName", "Zoë Þórdís"}),
			},
		)...)
	}
	return []testCase{
		unsupported,
		spelled(versions[0],
			row{"no charset", `text/xml`},
			row{"a quoted charset", `text/xml; charset="utf-8"`},
			row{"capitals", `Text/XML;Charset=UTF-8`},
			row{"an action beside it", `text/xml; charset=utf-8; action="urn:registrar:registration:v1/Register"`},
			row{"SOAP 1.2's", `application/soap+xml; charset=utf-8`},
		),
		spelled(versions[1],
			row{"no charset and no action", `application/soap+xml`},
			row{"a quoted charset", `application/soap+xml; charset="utf-8"`},
			row{"the action before the charset", `application/soap+xml; action="urn:registrar:registration:v1/Register"; charset=UTF-8`},
			row{"an unquoted action", `application/soap+xml;charset=utf-8;action=urn:registrar:registration:v1/Register`},
			row{"SOAP 1.1's", `text/xml; charset=utf-8`},
		),
		charsets,
	}
}
