package project

import "strings"

// call is a request to an operation, and what is expected of its answer.
type call struct {
	name      string
	operation string
	headers   string // header blocks
	body      string // of the Body
	bare      string // instead of headers and body: the content of the Envelope
	document  string // instead of all: what is sent
	http      []header
	encoding  string // "" is UTF-8
	expect    expectation
}

// perVersion stands for the version's digits in what a call sends and expects,
// so that the requests of both versions register different people.
const perVersion = "{v}"

// in makes the call's step for a version.
func (c call) in(v version) step {
	content := c.document
	switch {
	case content != "":
	case c.bare != "":
		content = v.bare(c.bare)
	default:
		content = v.envelope(c.headers, c.body)
	}
	s := step{
		Kind: "request", Name: c.name + " (" + v.Name + ")", Version: v, Operation: c.operation, Encoding: "UTF-8",
		Headers: c.http, Content: strings.ReplaceAll(content, perVersion, v.Digits),
	}
	if c.encoding != "" {
		s.Encoding = c.encoding
	}
	for _, a := range c.expect(v) {
		a.Config = strings.ReplaceAll(a.Config, perVersion, v.Digits)
		s.Assertions = append(s.Assertions, a)
	}
	return s
}

// both makes the steps of calls in both versions, the first calls first.
func both(calls ...call) []step {
	var steps []step
	for _, c := range calls {
		for _, v := range versions {
			steps = append(steps, c.in(v))
		}
	}
	return steps
}

// keep remembers the registrationId of a step's answer as the case's property.
func keep(from string) step {
	return step{Kind: "transfer", Name: "Keep the registrationId", From: from}
}

// registrationID is the remembered one.
const registrationID = "${#TestCase#registrationId}"

// child is an element of a request.
type child struct{ name, value string }

// order is that of the contract.
var order = []string{
	"requestId", "username", "email", "password", "firstName", "lastName", "mobileNumber", "locale", "marketingConsent", "externalId", "callerOutcome",
}

const (
	username = "soapui-${#TestCase#unique}-{v}"
	email    = "soapui-${#TestCase#unique}-{v}@example.com"
	password = "velvet-anchor-tuesday"
)

// registerRequest is a request of a new person's required elements, with
// others beside or instead of them.
func registerRequest(children ...child) string {
	values := map[string]string{"username": username, "email": email, "password": password}
	for _, c := range children {
		values[c.name] = c.value
	}
	var b strings.Builder
	b.WriteString("<r:RegisterRequest>")
	for _, name := range order {
		if value, ok := values[name]; ok {
			b.WriteString("\n      <r:" + name + ">" + value + "</r:" + name + ">")
		}
	}
	b.WriteString("\n    </r:RegisterRequest>")
	return b.String()
}

// lookupRequest looks an account up by what is in it.
func lookupRequest(content string) string {
	return "<r:GetRegistrationRequest>\n      " + content + "\n    </r:GetRegistrationRequest>"
}

func lookupBy(key, value string) string {
	return lookupRequest("<r:" + key + ">" + value + "</r:" + key + ">")
}
