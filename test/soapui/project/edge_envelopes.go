package project

// malformed expects a fault for a message that could not be read.
func malformed() expectation { return fault("VALIDATION_FAILED", "") }

// beyondLimit expects a fault for a message that goes beyond a limit.
func beyondLimit(v version) []assertion {
	return append(malformed()(v), match{"limit", "matches(string(//faultstring | //s:Reason/s:Text), 'limit|more than')", "true"}.in(v.Space))
}

// envelopes are the cases of what is no message of this service.
func envelopes() []testCase {
	return []testCase{
		{
			Name: "Broken envelopes", Description: "Rows are what stands in the Envelope.",
			Table: &table{"xml", []row{
				{"nothing", ``},
				{"no Body", `<soapenv:Header/>`},
				{"an empty Body", `<soapenv:Body/>`},
				{"two elements in the Body", `<soapenv:Body><r:GetRegistrationRequest/><r:GetRegistrationRequest/></soapenv:Body>`},
				{"text in the Body", `<soapenv:Body>text<r:GetRegistrationRequest/></soapenv:Body>`},
				{"two Bodies", `<soapenv:Body><r:GetRegistrationRequest/></soapenv:Body><soapenv:Body/>`},
				{"an element behind the Body", `<soapenv:Body><r:GetRegistrationRequest/></soapenv:Body><r:more/>`},
				{"the Header behind the Body", `<soapenv:Body><r:GetRegistrationRequest/></soapenv:Body><soapenv:Header/>`},
				{"text between Header and Body", `<soapenv:Header/>text<soapenv:Body><r:GetRegistrationRequest/></soapenv:Body>`},
				{"a header block of no namespace", `<soapenv:Header><block/></soapenv:Header><soapenv:Body><r:GetRegistrationRequest/></soapenv:Body>`},
				{"a processing instruction", `<soapenv:Body><?target data?><r:GetRegistrationRequest/></soapenv:Body>`},
				{"RPC/encoded", `<soapenv:Body><r:GetRegistrationRequest soapenv:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"/></soapenv:Body>`},
				{"a tag that is not closed", `<soapenv:Body><r:GetRegistrationRequest></soapenv:Body>`},
				{"tags that cross", `<soapenv:Body><r:GetRegistrationRequest><r:email></r:GetRegistrationRequest></r:email></soapenv:Body>`},
				{"a prefix that is not declared", `<soapenv:Body><x:GetRegistrationRequest/></soapenv:Body>`},
				{"an attribute twice", `<soapenv:Body a="1" a="2"><r:GetRegistrationRequest/></soapenv:Body>`},
				{"an attribute twice by two prefixes", `<soapenv:Body xmlns:q="urn:q" xmlns:p="urn:q" q:a="1" p:a="2"><r:GetRegistrationRequest/></soapenv:Body>`},
				{"an unknown entity", `<soapenv:Body><r:GetRegistrationRequest>&nobody;</r:GetRegistrationRequest></soapenv:Body>`},
				{"a character that XML does not have", `<soapenv:Body><r:GetRegistrationRequest>&#0;</r:GetRegistrationRequest></soapenv:Body>`},
				{"an ampersand", `<soapenv:Body><r:GetRegistrationRequest>a & b</r:GetRegistrationRequest></soapenv:Body>`},
			}},
			Steps: both(call{name: "Look up", operation: "GetRegistration", bare: "${Row#xml.text}", expect: malformed()}),
		},
		{
			Name: "No XML", Description: "What stands before or behind the envelope.",
			Steps: both(
				call{name: "No XML", operation: "Register", document: "no XML at all", expect: malformed()},
				call{name: "JSON", operation: "Register", document: `{"username": "amina"}`, expect: malformed()},
				call{name: "A second root", operation: "Register", document: `<a/><b/>`, expect: malformed()},
			),
		},
		{
			Name: "Document type declarations", Description: "They are refused, so that no entity is ever expanded (SOAP 1.1, 3; SOAP 1.2 part 1, 5).",
			Steps: both(
				call{name: "Entity expansion", operation: "Register", expect: malformed(), document: `<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>`},
				call{name: "External entity", operation: "Register", expect: malformed(), document: `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`},
				call{name: "External subset", operation: "Register", expect: malformed(), document: `<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>`},
			),
		},
		{
			Name: "Limits",
			Steps: both(
				call{name: "Too large", operation: "Register", body: registerRequest(child{"firstName", "${='x' * 2000000}"}), expect: beyondLimit},
				call{name: "Too deep", operation: "Register", body: registerRequest(child{"firstName", "${='<a>' * 40}${='</a>' * 40}"}), expect: beyondLimit},
				call{name: "Too many elements", operation: "Register", body: registerRequest(child{"firstName", "${='<a/>' * 2000}"}), expect: beyondLimit},
				call{name: "Too many attributes", operation: "Register", body: `<r:RegisterRequest a${=(1..100).join('="" a')}=""/>`, expect: beyondLimit},
			),
		},
		{
			Name: "Unknown operations",
			Table: &table{"element", []row{
				{"no operation", `<r:DeleteRegistrationRequest/>`},
				{"a response", `<r:RegisterResponse/>`},
				{"the operation without its suffix", `<r:Register/>`},
				{"another case", `<r:registerRequest/>`},
				{"another version of the contract", `<x:RegisterRequest xmlns:x="urn:registrar:registration:v999"/>`},
				{"no namespace", `<RegisterRequest/>`},
			}},
			Steps: both(call{name: "Call", operation: "Register", body: "${Row#element.text}", expect: malformed()}),
		},
		{
			Name: "VersionMismatch", Description: "An envelope of neither version is answered in SOAP 1.1 (SOAP 1.2 part 1, appendix A), with the versions that there are.",
			Steps: both(
				call{name: "Envelope of no version", operation: "Register", document: `<soapenv:Envelope xmlns:soapenv="urn:no-version"><soapenv:Body/></soapenv:Envelope>`, expect: notAnEnvelope},
				call{name: "No envelope", operation: "Register", document: `<note/>`, expect: notAnEnvelope},
			),
		},
	}
}

// notAnEnvelope expects a VersionMismatch, in SOAP 1.1 whatever was sent.
func notAnEnvelope(v version) []assertion {
	matches := []match{
		{"fault code", "substring-after(" + versions[0].Code + ", ':')", "VersionMismatch"},
		{"no detail", "count(//detail)", "0"},
		{"versions", "declare namespace s12='http://www.w3.org/2003/05/soap-envelope';\ncount(/s:Envelope/s:Header/s12:Upgrade/s12:SupportedEnvelope)", "2"},
	}
	all := []assertion{status("500")}
	for _, m := range matches {
		all = append(all, m.in(versions[0].Space))
	}
	if v == versions[0] { // the other binding knows SOAP 1.2 alone
		all = append(all, assertion{Type: soapResponse, Name: "SOAP Response"}, assertion{Type: soapFault, Name: "SOAP Fault"})
	}
	return all
}

// headers are the cases of header blocks and of the action.
func headers() []testCase {
	const block = `<x:Transaction xmlns:x="urn:x"`
	soapAction := []header{{"SOAPAction", "${Row#action.text}"}}
	notUnderstood := []call{
		{name: "Register", operation: "Register", headers: block + ` soapenv:mustUnderstand="1"/>`, body: registerRequest()},
		{name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username), expect: fault("NOT_FOUND", "")},
	}
	notUnderstood[0].expect = func(v version) []assertion {
		matches := []match{{"no detail", "count(" + v.Detail + ")", "0"}}
		if v == versions[1] {
			matches = append(matches, match{"the block", "substring-after(/s:Envelope/s:Header/s:NotUnderstood/@qname, ':')", "Transaction"})
		}
		return envelopeFault("MustUnderstand", "500", matches...)(v)
	}
	return []testCase{
		{
			Name: "mustUnderstand", Description: "A mandatory block that is not understood stops the request before it has an effect.",
			Steps: both(notUnderstood...),
		},
		{
			Name: "Header blocks that need not be understood",
			Table: &table{"attributes", []row{
				{"none", ``},
				{"mustUnderstand is 0", `soapenv:mustUnderstand="0"`},
				{"for another node, by actor", `soapenv:mustUnderstand="1" soapenv:actor="urn:another-node" soapenv:role="urn:another-node"`},
			}},
			Steps: both(call{
				name: "Register", operation: "Register", headers: block + " ${Row#attributes.text}>text</x:Transaction>", body: registerRequest(), expect: registered(),
			}),
		},
		{
			Name: "mustUnderstand is no boolean",
			Steps: both(call{
				name: "Register", operation: "Register", headers: block + ` soapenv:mustUnderstand="yes"/>`, body: registerRequest(), expect: malformed(),
			}),
		},
		{
			Name: "SOAPAction of another operation", Description: "The action of Register with a request of GetRegistration, and the other way round (CVE-2012-3451).",
			Steps: both(
				call{name: "GetRegistration under the action of Register", operation: "Register", body: lookupBy("username", "amina"), expect: malformed()},
				call{name: "Register under the action of GetRegistration", operation: "GetRegistration", body: registerRequest(), expect: malformed()},
			),
		},
		{
			Name: "Spellings of SOAPAction",
			Table: &table{"action", []row{
				{"quoted", `"urn:registrar:registration:v1/Register"`},
				{"unquoted", `urn:registrar:registration:v1/Register`},
				{"empty in quotes", `""`},
				{"empty", ``},
			}},
			Steps: []step{call{name: "Register", operation: "Register", http: soapAction, body: registerRequest(), expect: registered()}.in(versions[0])},
		},
	}
}
