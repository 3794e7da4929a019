package project

import "fmt"

const namespace = "urn:registrar:registration:v1"

// version is a SOAP version, and what faults of the caller are in it.
type version struct {
	Name         string // for a person
	Digits       string // part of names
	Interface    string // the binding
	Type         string // SoapUI's name
	Space        string // of the envelope
	Code         string // path of the fault's code
	Sender       string // the code of the caller's faults
	SenderStatus string // and their HTTP status
	Detail       string // path of the fault's detail
}

var versions = []version{
	{
		Name: "SOAP 1.1", Digits: "11", Interface: "RegistrationSoap11", Type: "1_1", Space: "http://schemas.xmlsoap.org/soap/envelope/",
		Code: "//s:Fault/faultcode", Sender: "Client", SenderStatus: "500", Detail: "//s:Fault/detail",
	},
	{
		Name: "SOAP 1.2", Digits: "12", Interface: "RegistrationSoap12", Type: "1_2", Space: "http://www.w3.org/2003/05/soap-envelope",
		Code: "//s:Fault/s:Code/s:Value", Sender: "Sender", SenderStatus: "400", Detail: "//s:Fault/s:Detail",
	},
}

// envelope wraps header blocks and the Body's content.
func (v version) envelope(headers, body string) string {
	if headers == "" {
		headers = "<soapenv:Header/>"
	} else {
		headers = "<soapenv:Header>" + headers + "</soapenv:Header>"
	}
	return v.bare(headers + "\n  <soapenv:Body>\n    " + body + "\n  </soapenv:Body>")
}

// bare wraps what is to stand right in the envelope.
func (v version) bare(content string) string {
	return fmt.Sprintf("<soapenv:Envelope xmlns:soapenv=%q xmlns:r=%q>\n  %s\n</soapenv:Envelope>", v.Space, namespace, content)
}
