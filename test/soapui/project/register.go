package project

import (
	"slices"
	"strings"
)

// register is the suite of the operation Register.
func register() suite {
	return suite{
		Name:        "Register",
		Description: "What Register does, and every fault of it that can be had from a service that works.",
		Cases:       slices.Concat(registers(), taken(), refused()),
	}
}

var receipt = []match{
	{"status", "//r:RegisterResponse/r:status", "PENDING_VERIFICATION"},
	{"UUID", "matches(//r:RegisterResponse/r:registrationId, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')", "true"},
	{"UTC", "matches(//r:RegisterResponse/r:registeredAt, 'Z$')", "true"},
}

// registered expects a receipt.
func registered(more ...match) expectation { return answer(slices.Concat(receipt, more)...) }

// registers are the cases of requests that are carried out.
func registers() []testCase {
	return []testCase{
		{
			Name: "Register a person", Description: "Every element of the request. Its load test is to be started by hand.",
			Steps: both(call{
				name: "Register", operation: "Register",
				body: registerRequest(
					child{"requestId", "request-${#TestCase#unique}-{v}"}, child{"firstName", "Amina"}, child{"lastName", "Al-Hassan"},
					child{"mobileNumber", "+966512345678"}, child{"locale", "en"}, child{"marketingConsent", "true"},
					child{"externalId", "external-${#TestCase#unique}-{v}"},
				),
				expect: registered(match{"message", "//r:RegisterResponse/r:message", "Your account has been registered."}),
			}),
			Load: &load{Name: "Register under load", Threads: 5, Seconds: 60},
		},
		{
			Name: "Register people of many languages", Description: "Names and addresses come back as they were given.",
			Table: &table{"username | email | firstName | lastName", []row{
				{"English", `Amina | amina | Amina | Al-Hassan`},
				{"Arabic", `نورة | نورة | نورة | العتيبي`},
				{"Arabic with vowels", `مُحَمَّد | muhammad | مُحَمَّد | عَبْدُ اللهِ`},
				{"Arabic with a mark of direction", `ليلى | layla | \u200fليلى | حسن\u200f`},
				{"Persian with a joiner", `علی | ali | علی\u200cرضا | رضایی`},
				{"Urdu", `زینب | zainab | زینب | خان`},
				{"Hebrew", `נועה | noa | נועה | כהן`},
				{"Chinese", `王小明 | wang | 小明 | 王`},
				{"Japanese", `はなこ | hanako | はなこ | 山田`},
				{"Hindi", `आरव | aarav | आरव | शर्मा`},
				{"Greek with a final sigma", `Αλέξης | alexis | Αλέξης | Παππάς`},
				{"Russian", `Алёна | alyona | Алёна | Соловьёва`},
				{"Turkish with and without a dot", `Işıl | isil | İpek | Işık`},
				{"apostrophe", `OBrien | o'brien | Sinéad | O'Brien`},
				{"as long as may be", `xxx | xxx | ` + long(30) + ` | ` + long(30)},
				{"one character", `xyz | xyz | Ó | 王`},
			}},
			Steps: both(
				call{
					name: "Register", operation: "Register",
					body: registerRequest(
						child{"username", "${Row#username}-${#TestCase#unique}-{v}"}, child{"email", "${Row#email}-${#TestCase#unique}-{v}@example.com"},
						child{"firstName", "${Row#firstName}"}, child{"lastName", "${Row#lastName}"},
					),
					expect: registered(),
				},
				call{
					name: "Look it up", operation: "GetRegistration",
					body: lookupBy("email", "${Row#email}-${#TestCase#unique}-{v}@example.com"),
					expect: answer(
						match{"username", "//r:username", "${Row#username.text}-${#TestCase#unique}-{v}"},
						match{"email", "//r:email", "${Row#email.text}-${#TestCase#unique}-{v}@example.com"},
						match{"firstName", "//r:firstName", "${Row#firstName.text}"},
						match{"lastName", "//r:lastName", "${Row#lastName.text}"},
					),
				},
			),
		},
		{
			Name: "Keep mobile numbers as E.164", Description: "Every common spelling of a number with its country.",
			Table: &table{"spelling | number", []row{
				{"plus", `+966512345678 | +966512345678`},
				{"two zeros", `00966512345678 | +966512345678`},
				{"spaces", `+966 51 234 5678 | +966512345678`},
				{"dashes", `+966-51-234-5678 | +966512345678`},
				{"dots", `+966.51.234.5678 | +966512345678`},
				{"slashes", `+966/51/234/5678 | +966512345678`},
				{"trunk prefix in parentheses", `+966 (0)51 234 5678 | +966512345678`},
				{"spaces around it", `\u0020 +966512345678\u0009 | +966512345678`},
				{"Arabic-Indic digits", `+٩٦٦ ٥١ ٢٣٤ ٥٦٧٨ | +966512345678`},
				{"Persian digits", `۰۰۹۶۶۵۱۲۳۴۵۶۷۸ | +966512345678`},
				{"Devanagari digits", `+९६६५१२३४५६७८ | +966512345678`},
				{"full width", `＋９６６５１２３４５６７８ | +966512345678`},
				{"marks of direction", `\u202a+966 51 234 5678\u202c | +966512345678`},
				{"spaces and hyphens that do not break", `+966\u00a051\u2011234\u20115678 | +966512345678`},
				{"Emirates", `+971 50 123 4567 | +971501234567`},
				{"Egypt", `+20 100 123 4567 | +201001234567`},
				{"Jordan", `00962 7 9012 3456 | +962790123456`},
				{"Yemen", `+967 712 345 678 | +967712345678`},
				{"United Kingdom", `+44 (0)7400 123 456 | +447400123456`},
				{"United States", `+1 (415) 555-2671 | +14155552671`},
				{"India", `+91 81234 56789 | +918123456789`},
			}},
			Steps: both(
				call{
					name: "Register", operation: "Register", body: registerRequest(child{"mobileNumber", "${Row#spelling}"}),
					expect: registered(),
				},
				call{
					name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username),
					expect: answer(match{"mobileNumber", "//r:mobileNumber", "${Row#number.text}"}),
				},
			),
		},
		{
			Name: "Register without a mobile number", Description: "Absent and nil are the same.",
			Table: &table{"xml", []row{{"absent", ``},
				{"nil", `<r:mobileNumber xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>`},
				{"nil written as 1", `<r:mobileNumber xsi:nil="1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"></r:mobileNumber>`},
			}},
			Steps: both(
				call{name: "Register", operation: "Register", body: withXML(registerRequest()), expect: registered()},
				call{
					name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username),
					expect: answer(match{"no mobileNumber", "count(//r:mobileNumber)", "0"}),
				},
			),
		},
		{
			Name: "Answer in the person's language", Description: "The message is in the request's language where there is one; the locale comes back in its canonical form.",
			Table: &table{"locale | kept | message", []row{
				{"English", `en | en | Your account has been registered.`},
				{"Arabic", `ar | ar | تم تسجيل حسابك.`},
				{"Arabic of Saudi Arabia", `ar-sa | ar-SA | تم تسجيل حسابك.`},
				{"Arabic in capitals", `AR-eg | ar-EG | تم تسجيل حسابك.`},
				{"a language without messages", `fr-CA | fr-CA | Your account has been registered.`},
				{"white space around it", `\u000a  en-GB\u0009 | en-GB | Your account has been registered.`},
			}},
			Steps: both(
				call{
					name: "Register", operation: "Register", body: registerRequest(child{"locale", "${Row#locale}"}),
					expect: registered(match{"message", "//r:message", "${Row#message.text}"}),
				},
				call{
					name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username),
					expect: answer(match{"locale", "//r:locale", "${Row#kept.text}"}),
				},
			),
		},
		{
			Name: "Read booleans as XML Schema writes them",
			Table: &table{"consent | kept", []row{{"true", `true | true`}, {"1", `1 | true`}, {"false", `false | false`},
				{"0", `0 | false`}, {"white space around it", `\u0020true\u000a | true`},
			}},
			Steps: both(
				call{
					name: "Register", operation: "Register", body: registerRequest(child{"marketingConsent", "${Row#consent}"}),
					expect: registered(),
				},
				call{
					name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username),
					expect: answer(match{"marketingConsent", "//r:marketingConsent", "${Row#kept.text}"}),
				},
			),
		},
		repeated(),
	}
}

// withXML ends a request with what the row has.
func withXML(request string) string {
	const end = "\n    </r:RegisterRequest>"
	return strings.TrimSuffix(request, end) + "\n      ${Row#xml.text}" + end
}

// repeated is a request that is sent again, in both versions.
func repeated() testCase {
	same := call{
		name: "Register", operation: "Register",
		body: registerRequest(
			child{"requestId", "request-${#TestCase#unique}"}, child{"username", "soapui-${#TestCase#unique}"},
			child{"email", "soapui-${#TestCase#unique}@example.com"}, child{"locale", "en"},
		),
		expect: registered(),
	}
	again := same
	again.name = "Register again"
	again.expect = registered(match{"the same registrationId", "//r:registrationId", registrationID})
	return testCase{
		Name: "Same requestId, same registrationId", Description: "A request that is sent again under its requestId gets the reply that it got, also by the other SOAP version.",
		Steps: append([]step{same.in(versions[0]), keep(same.in(versions[0]).Name)}, both(again)...),
	}
}
