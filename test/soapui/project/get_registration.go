package project

// getRegistration is the suite of the operation GetRegistration.
func getRegistration() suite {
	const first = "soapui-${#TestCase#unique}"
	person := call{
		name: "Register", operation: "Register",
		body: registerRequest(
			child{"username", first}, child{"email", first + "@example.com"}, child{"externalId", "external-${#TestCase#unique}"},
			child{"firstName", "نورة"}, child{"lastName", "العتيبي"}, child{"mobileNumber", "+966 51 ${#TestCase#digits}"}, child{"locale", "ar-SA"},
			child{"marketingConsent", "true"},
		),
		expect: registered(),
	}.in(versions[0])
	lookup := func(name, key, value string, expect expectation) call {
		return call{name: name, operation: "GetRegistration", body: lookupBy(key, value), expect: expect}
	}
	whole := answer(
		match{"registrationId", "//r:GetRegistrationResponse/r:registrationId", registrationID},
		match{"status", "//r:GetRegistrationResponse/r:status", "PENDING_VERIFICATION"},
		match{"username", "//r:username", first},
		match{"email", "//r:email", first + "@example.com"},
		match{"firstName", "//r:firstName", "نورة"},
		match{"lastName", "//r:lastName", "العتيبي"},
		match{"mobileNumber", "//r:mobileNumber", "+96651${#TestCase#digits}"},
		match{"locale", "//r:locale", "ar-SA"},
		match{"marketingConsent", "//r:marketingConsent", "true"},
		match{"externalId", "//r:externalId", "external-${#TestCase#unique}"},
		match{"nothing verified", "count(//r:emailVerifiedAt | //r:mobileVerifiedAt)", "0"},
		match{"no password", "count(//*[contains(lower-case(local-name()), 'password')])", "0"},
		match{"a code by e-mail and one by SMS", "string-join((for $c in ('EMAIL', 'SMS') return //r:notification[r:channel = $c]/concat(r:channel, ' ', r:kind)), ', ')", "EMAIL VERIFICATION_CODE, SMS VERIFICATION_CODE"},
	)
	return suite{
		Name:        "GetRegistration",
		Description: "What GetRegistration tells, and its faults.",
		Cases: []testCase{
			{
				Name: "Look up by each key", Description: "All of the account but its password, and its notifications. Its load test is to be started by hand.",
				Steps: append([]step{person, keep(person.Name)}, both(
					lookup("By registrationId", "registrationId", registrationID, whole),
					lookup("By username", "username", first, whole),
					lookup("By email", "email", first+"@example.com", whole),
					lookup("By externalId", "externalId", "external-${#TestCase#unique}", whole),
				)...),
				Load: &load{Name: "GetRegistration under load", Threads: 5, Seconds: 60},
			},
			{
				Name: "Look up by other spellings of the keys",
				Table: &table{"key | prefix | suffix", []row{
					{"username in capitals", `username | SOAPUI- | `},
					{"username in full width", `username | ｓｏａｐｕｉ- | `},
					{"email in capitals", `email | SoapUI- | @EXAMPLE.com`},
					{"email with an ideographic full stop", `email | soapui- | @example。com`},
				}},
				Steps: append([]step{person, keep(person.Name)}, both(
					lookup("Look it up", "${Row#key}", "${Row#prefix}${#TestCase#unique}${Row#suffix}", whole),
				)...),
			},
			{
				Name: "NOT_FOUND",
				Table: &table{"key | value", []row{
					{"registrationId", `registrationId | 01890a5d-ac96-774b-bcce-b302099a8057`},
					{"username", `username | nobody-${#TestCase#unique}`},
					{"Arabic username", `username | لا-أحد-${#TestCase#unique}`},
					{"email", `email | nobody-${#TestCase#unique}@example.com`},
					{"externalId", `externalId | nobody-${#TestCase#unique}`},
					{"SQL", `externalId | ' OR '1'='1`},
				}},
				Steps: both(lookup("Look it up", "${Row#key}", "${Row#value}", fault("NOT_FOUND", ""))),
			},
			{
				Name: "VALIDATION_FAILED: keys of GetRegistration",
				Table: &table{"xml | fields", []row{
					{"no key", ` | GetRegistrationRequest EXACTLY_ONE`},
					{"two keys", `<r:username>amina</r:username><r:email>amina@example.com</r:email> | GetRegistrationRequest EXACTLY_ONE`},
					{"no UUID", `<r:registrationId>4711</r:registrationId> | registrationId PATTERN`},
					{"a UUID in braces", `<r:registrationId>{01890a5d-ac96-774b-bcce-b302099a8057}</r:registrationId> | registrationId PATTERN`},
					{"no user name", `<r:username>a b</r:username> | username CHARACTERS`},
					{"a short user name", `<r:username>ab</r:username> | username TOO_SHORT`},
					{"no address", `<r:email>amina.example.com</r:email> | email FORMAT`},
					{"an empty externalId", `<r:externalId/> | externalId TOO_SHORT`},
					{"a key twice", `<r:username>amina</r:username><r:username>omar</r:username> | username REPEATED`},
					{"an unknown key", `<r:username>amina</r:username><r:mobileNumber>+966512345678</r:mobileNumber> | mobileNumber UNKNOWN`},
				}},
				Steps: both(call{
					name: "Look it up", operation: "GetRegistration", body: lookupRequest("${Row#xml.text}"),
					expect: fault("VALIDATION_FAILED", "${Row#fields}"),
				}),
			},
		},
	}
}
