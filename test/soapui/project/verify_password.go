package project

import (
	"fmt"
	"slices"
)

// passwordRequest is a VerifyPasswordRequest.
func passwordRequest(login, password string) string {
	return "<r:VerifyPasswordRequest>\n      <r:login>" + login + "</r:login>\n      <r:password>" + password + "</r:password>\n    </r:VerifyPasswordRequest>"
}

// passwordsAtOnce is how many wrong passwords of one login are taken at once by
// default (attempts.login_burst).
const passwordsAtOnce = 10

// verifyPassword is the suite of the operation VerifyPassword.
func verifyPassword() suite {
	const first = "soapui-${#TestCase#unique}-11"
	verify := func(name, login, password string, expect expectation) call {
		return call{name: name, operation: "VerifyPassword", body: passwordRequest(login, password), expect: expect}
	}
	valid := answer(
		match{"valid", "//r:VerifyPasswordResponse/r:valid", "true"},
		match{"registrationId", "//r:VerifyPasswordResponse/r:registrationId", registrationID},
		match{"status", "//r:VerifyPasswordResponse/r:status", "PENDING_VERIFICATION"},
	)
	invalid := answer(
		match{"not valid", "//r:VerifyPasswordResponse/r:valid", "false"},
		match{"nothing else", "count(//r:VerifyPasswordResponse/*)", "1"},
	)
	limited := func(v version) []assertion {
		detail := v.Detail + "/r:RegistrationFault/"
		return envelopeFault(v.Sender, v.SenderStatus, match{"code", detail + "r:code", "RATE_LIMITED"}, match{"retryable", detail + "r:retryable", "true"})(v)
	}
	var wrong []call
	for n := range passwordsAtOnce / len(versions) {
		wrong = append(wrong, verify(fmt.Sprintf("Wrong password %d", n+1), first, "velvet-anchor-monday", invalid))
	}
	return suite{
		Name:        "VerifyPassword",
		Description: "What VerifyPassword answers, and its faults.",
		Cases: []testCase{
			{
				Name: "Right passwords", Description: "In any spelling of the login.",
				Table: &table{"prefix | suffix", []row{
					{"user name", `soapui- | `},
					{"user name in capitals", `SOAPUI- | `},
					{"user name in full width", `ｓｏａｐｕｉ- | `},
					{"address", `soapui- | @example.com`},
					{"address in capitals", `SoapUI- | @EXAMPLE.com`},
				}},
				Steps: append(somebody(), both(verify("Verify it", "${Row#prefix}${#TestCase#unique}-11${Row#suffix}", password, valid))...),
			},
			{
				Name: "Wrong passwords", Description: "A wrong password, a login that nobody has and one that nobody can have are one answer.",
				Table: &table{"login | password", []row{
					{"wrong password", first + ` | velvet-anchor-monday`},
					{"one letter", first + ` | x`},
					{"capitals", first + ` | VELVET-ANCHOR-TUESDAY`},
					{"nobody", `nobody-${#TestCase#unique} | ` + password},
					{"nobody's address", `nobody-${#TestCase#unique}@example.com | ` + password},
					{"no user name", `a b ${#TestCase#unique} | ` + password},
					{"no address", `@${#TestCase#unique}@ | ` + password},
					{"SQL", `' OR '1'='1 | ' OR '1'='1`},
				}},
				Steps: append(somebody(), both(verify("Verify it", "${Row#login}", "${Row#password}", invalid))...),
			},
			{
				Name: "RATE_LIMITED: VerifyPassword", Description: "Ten wrong passwords of a login, and then the right one, from where it has not succeeded before.",
				Steps: slices.Concat(somebody(), both(wrong...), both(verify("The right password", first, password, limited))),
			},
			{
				Name: "VALIDATION_FAILED: VerifyPassword",
				Table: &table{"login | password | fields", []row{
					{"a short login", `ab | x | login TOO_SHORT`},
					{"a long login", long(255) + ` | x | login TOO_LONG`},
					{"no password", `amina |  | password TOO_SHORT`},
					{"a long password", `amina | ` + long(1025) + ` | password TOO_LONG`},
					{"all of it", `a |  | login TOO_SHORT, password TOO_SHORT`},
				}},
				Steps: both(verify("Verify it", "${Row#login}", "${Row#password}", fault("VALIDATION_FAILED", "${Row#fields}"))),
			},
		},
	}
}
