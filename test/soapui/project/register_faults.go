package project

// taken are the cases of requests for what somebody has already.
func taken() []testCase {
	const first = "soapui-${#TestCase#unique}"
	person := registerRequest(
		child{"requestId", "request-${#TestCase#unique}"}, child{"username", first}, child{"email", first + "@example.com"},
		child{"externalId", "external-${#TestCase#unique}"},
	)
	arrange := call{name: "Register the first", operation: "Register", body: person, expect: registered()}.in(versions[0])
	refuse := func(name string, t *table, code, fields string, children ...child) testCase {
		return testCase{Name: name, Table: t, Steps: append([]step{arrange}, both(call{
			name: "Register the second", operation: "Register", body: registerRequest(children...), expect: fault(code, fields),
		})...)}
	}
	return []testCase{
		refuse("USERNAME_TAKEN", &table{"username", []row{
			{"the same", `soapui`},
			{"capitals", `SOAPUI`},
			{"full width", `ｓｏａｐｕｉ`},
			{"an invisible character", `soap\u200bui`},
			{"a soft hyphen", `soap\u00adui`},
			{"a mark of direction", `\u200esoapui`},
		}}, "USERNAME_TAKEN", "username TAKEN", child{"username", "${Row#username}-${#TestCase#unique}"}),
		refuse("EMAIL_TAKEN", &table{"local | domain", []row{
			{"the same", `soapui | example.com`},
			{"capitals before the sign", `SoapUI | example.com`},
			{"capitals behind the sign", `soapui | Example.COM`},
			{"full width", `ｓｏａｐｕｉ | example.com`},
			{"an invisible character", `soap\u200bui | example.com`},
			{"an ideographic full stop", `soapui | example。com`},
		}}, "EMAIL_TAKEN", "email TAKEN", child{"email", "${Row#local}-${#TestCase#unique}@${Row#domain}"}),
		refuse("EXTERNAL_ID_TAKEN", nil, "EXTERNAL_ID_TAKEN", "externalId TAKEN", child{"externalId", "external-${#TestCase#unique}"}),
		refuse("All that is taken is told at once", nil, "USERNAME_TAKEN", "username TAKEN, email TAKEN, externalId TAKEN",
			child{"username", first}, child{"email", first + "@example.com"}, child{"externalId", "external-${#TestCase#unique}"}),
		refuse("REQUEST_ID_REUSED", &table{"firstName | password", []row{
			{"another name", `Somebody | ` + password},
			{"another password", ` | other-anchor-tuesday`},
		}}, "REQUEST_ID_REUSED", "requestId REUSED", child{"requestId", "request-${#TestCase#unique}"}, child{"username", first},
			child{"email", first + "@example.com"}, child{"externalId", "external-${#TestCase#unique}"},
			child{"password", "${Row#password}"}, child{"firstName", "Amina ${Row#firstName}"}),
	}
}

// refused are the cases of requests that break a rule.
func refused() []testCase {
	cases := []testCase{
		{
			Name: "PASSWORD_REJECTED", Description: "Only the password is wrong, by the policy and not by the schema.",
			Table: &table{"password | rule", []row{
				{"a common one", `password123 | BLOCKLISTED`},
				{"a common one in capitals", `QwErTy123 | BLOCKLISTED`},
				{"a common one with ornaments", `!!iloveyou!! | BLOCKLISTED`},
				{"a repetition", `zozozozozozozo | PREDICTABLE`},
				{"a sequence", `cdefghijklmno | PREDICTABLE`},
				{"like the user name", `soapui-${#TestCase#unique} | LIKE_USERNAME`},
				{"like the first name", `Zubayda-2026 | LIKE_NAME`},
				{"like the last name", `77-al-hamdani | LIKE_NAME`},
				{"like the names in another order", `hamdani zubayda | LIKE_NAME`},
			}},
			Steps: both(call{
				name: "Register", operation: "Register",
				body:   registerRequest(child{"password", "${Row#password}"}, child{"firstName", "Zubayda"}, child{"lastName", "Al-Hamdani"}),
				expect: fault("PASSWORD_REJECTED", "password ${Row#rule}"),
			}),
		},
		{
			Name: "All invalid fields are told at once", Description: "Those that break the schema and those that break the service's rules.",
			Steps: both(call{
				name: "Register", operation: "Register",
				body: registerRequest(
					child{"requestId", "é"}, child{"username", "a b"}, child{"email", "nobody"}, child{"password", "short"}, child{"firstName", ""},
					child{"lastName", "&#x200b; "}, child{"mobileNumber", "12345"}, child{"locale", "en_US"}, child{"marketingConsent", "yes"},
					child{"externalId", long(65)},
				),
				expect: faultInAnyOrder("VALIDATION_FAILED", "requestId PATTERN, username CHARACTERS, email FORMAT, password TOO_SHORT, firstName TOO_SHORT, "+
					"lastName BLANK, mobileNumber FORMAT, locale PATTERN, marketingConsent TYPE, externalId TOO_LONG"),
			}, call{
				name: "Register nobody", operation: "Register", body: "<r:RegisterRequest/>",
				expect: fault("VALIDATION_FAILED", "username REQUIRED, email REQUIRED, password REQUIRED"),
			}),
		},
		{
			Name: "VALIDATION_FAILED: structure", Description: "Elements and attributes that the schema does not have there.",
			Table: &table{"xml | fields", []row{
				{"an unknown element", `<r:nickname>Ami</r:nickname> | nickname UNKNOWN`},
				{"an element of another namespace", `<x:firstName xmlns:x="urn:other">Amina</x:firstName> | firstName NAMESPACE`},
				{"an element of no namespace", `<firstName>Amina</firstName> | firstName NAMESPACE`},
				{"an element twice", `<r:username>other-name</r:username> | username REPEATED`},
				{"nil where there may be none", `<r:firstName xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/> | firstName NIL`},
				{"nil with content", `<r:mobileNumber xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">+966512345678</r:mobileNumber> | mobileNumber NIL`},
				{"an attribute", `<r:firstName title="Dr">Amina</r:firstName> | firstName ATTRIBUTE`},
				{"an element inside a value", `<r:firstName>Am<b/>ina</r:firstName> | firstName CONTENT`},
				{"text between the elements", `Amina | RegisterRequest CONTENT`},
				{"another type", `<r:firstName xsi:type="xs:base64Binary" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema">QW1pbmE=</r:firstName> | firstName TYPE`},
			}},
			Steps: both(call{
				name: "Register", operation: "Register", body: withXML(registerRequest()), expect: fault("VALIDATION_FAILED", "${Row#fields}"),
			}),
		},
	}
	for _, f := range badValues {
		cases = append(cases, testCase{
			Name: "VALIDATION_FAILED: " + f.field, Table: &table{"value | rule", f.rows},
			Steps: both(call{
				name: "Register", operation: "Register", body: registerRequest(child{f.field, "${Row#value}"}),
				expect: fault("VALIDATION_FAILED", f.field+" ${Row#rule}"),
			}),
		})
	}
	return cases
}
