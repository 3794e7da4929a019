package project

import "slices"

// codeRequest is a request about the contact that a code verifies. code is ""
// where the operation has none.
func codeRequest(operation, id, channel, code string) string {
	body := "<r:" + operation + "Request>\n      <r:registrationId>" + id + "</r:registrationId>\n      <r:channel>" + channel + "</r:channel>"
	if code != "" {
		body += "\n      <r:code>" + code + "</r:code>"
	}
	return body + "\n    </r:" + operation + "Request>"
}

// somebody registers a person without a mobile number, and keeps their id.
func somebody() []step {
	person := call{name: "Register", operation: "Register", body: registerRequest(), expect: registered()}.in(versions[0])
	return []step{person, keep(person.Name)}
}

// wrongCode is no person's, but for one in a million.
const wrongCode = "000000"

// verifyContact is the suite of the operation VerifyContact. What a right code
// does is not in it: SoapUI does not read people's messages.
func verifyContact() suite {
	enter := func(name string, expect expectation) call {
		return call{name: name, operation: "VerifyContact", body: codeRequest("VerifyContact", registrationID, "EMAIL", wrongCode), expect: expect}
	}
	invalid := fault("CODE_INVALID", "")
	return suite{
		Name:        "VerifyContact",
		Description: "The faults of VerifyContact. A right code is in a message that SoapUI does not read.",
		Cases: []testCase{
			{
				Name: "CODE_INVALID", Description: "A code that nobody was sent.",
				Steps: append(somebody(), both(enter("Enter a wrong code", invalid))...),
			},
			{
				Name: "TOO_MANY_ATTEMPTS", Description: "Five tries, and one more.",
				Steps: slices.Concat(somebody(), both(enter("Enter a wrong code", invalid), enter("Enter it again", invalid)),
					[]step{enter("Enter it for the fifth time", invalid).in(versions[0])}, both(enter("Enter it once more", fault("TOO_MANY_ATTEMPTS", "")))),
			},
			noSuchContact("VerifyContact", wrongCode),
			{
				Name: "VALIDATION_FAILED: VerifyContact",
				Table: &table{"id | channel | code | fields", []row{
					{"no UUID", `4711 | EMAIL | 123456 | registrationId PATTERN`},
					{"another channel", `01890a5d-ac96-774b-bcce-b302099a8057 | PIGEON | 123456 | channel ENUMERATION`},
					{"small letters", `01890a5d-ac96-774b-bcce-b302099a8057 | email | 123456 | channel ENUMERATION`},
					{"five digits", `01890a5d-ac96-774b-bcce-b302099a8057 | SMS | 12345 | code PATTERN`},
					{"a space", `01890a5d-ac96-774b-bcce-b302099a8057 | SMS | 123 456 | code PATTERN`},
					{"Arabic-Indic digits", `01890a5d-ac96-774b-bcce-b302099a8057 | SMS | ١٢٣٤٥٦ | code PATTERN`},
					{"SQL", `01890a5d-ac96-774b-bcce-b302099a8057 | SMS | ' OR 1=1 | code PATTERN`},
					{"all of it", `x | x | x | registrationId PATTERN, channel ENUMERATION, code PATTERN`},
				}},
				Steps: both(call{
					name: "Enter the code", operation: "VerifyContact", body: codeRequest("VerifyContact", "${Row#id}", "${Row#channel}", "${Row#code}"),
					expect: fault("VALIDATION_FAILED", "${Row#fields}"),
				}),
			},
		},
	}
}

// noSuchContact is the case of an operation about a contact that is none. The
// row of a person without a number is not the first: it is of the one that the
// row before has registered.
func noSuchContact(operation, code string) testCase {
	return testCase{
		Name: "NOT_FOUND: " + operation,
		Table: &table{"id | channel", []row{
			{"nobody", `01890a5d-ac96-774b-bcce-b302099a8057 | EMAIL`},
			{"no mobile number", registrationID + ` | SMS`},
		}},
		Steps: append(somebody(), both(call{
			name: "Ask", operation: operation, body: codeRequest(operation, "${Row#id}", "${Row#channel}", code), expect: fault("NOT_FOUND", ""),
		})...),
	}
}
