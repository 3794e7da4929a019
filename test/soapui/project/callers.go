package project

// callers is the suite of who may call. It needs a service that has callers.
func callers() suite {
	return suite{
		Name: "Callers",
		Description: "Who may call, how often. It needs a service with callers, and the project's properties: caller and secret are of a caller " +
			"made with --digest; limited and limitedSecret of one made with --operations GetRegistration --rate 1.",
		Disabled: true,
		Cases:    []testCase{byBasic(), byToken(), wrongBasic(), wrongToken(), replayed(), forbidden(), rateLimited()},
	}
}

const securityHeader = "${#TestCase#token{v}}"

// credentials makes the properties that requests prove by who calls.
var credentials = step{Kind: "groovy", Name: "Make credentials", Content: makeCredentials}

func unauthenticated(c call) call {
	c.name, c.operation, c.body, c.expect = "Register", "Register", registerRequest(), fault("UNAUTHENTICATED", "")
	return c
}

func byBasic() testCase {
	return testCase{
		Name: "HTTP Basic", Description: "As every request of this project sends it where caller and secret are set.",
		Steps: both(
			call{name: "Register", operation: "Register", body: registerRequest(), expect: registered()},
			call{name: "Look it up", operation: "GetRegistration", body: lookupBy("username", username), expect: answer()},
		),
	}
}

func byToken() testCase {
	return testCase{
		Name: "UsernameToken", Description: "WS-Security in the request's header.", OwnCredentials: true,
		Table: &table{"type", []row{{"text", `PasswordText`}, {"digest", `PasswordDigest`}}},
		Steps: append([]step{credentials}, both(
			call{name: "Register", operation: "Register", headers: securityHeader, body: registerRequest(), expect: registered()},
		)...),
	}
}

func wrongBasic() testCase {
	return testCase{
		Name: "UNAUTHENTICATED: HTTP Basic", OwnCredentials: true,
		Table: &table{"scheme | callerEnding | secretEnding", []row{
			{"a wrong secret", `Basic |  | x`},
			{"an unknown caller", `Basic | x | `},
			{"another scheme", `Bearer |  | `},
		}},
		Steps: append([]step{credentials}, append(
			both(unauthenticated(call{http: []header{{"Authorization", "${Row#scheme.text} ${#TestCase#basic}"}}})),
			both(func() call { c := unauthenticated(call{}); c.name = "Register without a credential"; return c }())...,
		)...),
	}
}

func wrongToken() testCase {
	return testCase{
		Name: "UNAUTHENTICATED: UsernameToken", OwnCredentials: true,
		Table: &table{"type | callerEnding | secretEnding | seconds", []row{
			{"a wrong secret", `PasswordText |  | x | 0`},
			{"a digest of a wrong secret", `PasswordDigest |  | x | 0`},
			{"an unknown caller", `PasswordText | x |  | 0`},
			{"an unknown caller's digest", `PasswordDigest | x |  | 0`},
			{"an hour old", `PasswordDigest |  |  | -3600`},
			{"from the next hour", `PasswordDigest |  |  | 3600`},
			{"another type", `PasswordMystery |  |  | 0`},
		}},
		Steps: append([]step{credentials}, both(unauthenticated(call{headers: securityHeader}))...),
	}
}

func replayed() testCase {
	first := call{name: "Register", operation: "Register", headers: "${#TestCase#token11}", body: registerRequest(), expect: registered()}
	again := unauthenticated(call{headers: first.headers})
	again.name = "Use the token again"
	return testCase{
		Name: "UNAUTHENTICATED: a nonce again", Description: "A token is good for one message.", OwnCredentials: true,
		Steps: append([]step{credentials, first.in(versions[0])}, both(again)...),
	}
}

var limited = []header{{"Authorization", "${#TestCase#limited}"}}

func forbidden() testCase {
	return testCase{
		Name: "FORBIDDEN", Description: "An operation that the caller may not use.", OwnCredentials: true,
		Steps: append([]step{credentials}, both(
			call{name: "Register", operation: "Register", http: limited, body: registerRequest(), expect: fault("FORBIDDEN", "")},
		)...),
	}
}

func rateLimited() testCase {
	all := []step{credentials}
	for _, v := range versions {
		lookup := call{
			name: "Look it up", operation: "GetRegistration", http: limited, body: lookupBy("username", "nobody-${#TestCase#unique}"),
			expect: func(version) []assertion { return nil },
		}.in(v)
		all = append(all, lookup, step{Kind: "groovy", Name: "Until it is limited (" + v.Name + ")", Content: untilLimited})
	}
	return testCase{Name: "RATE_LIMITED", Description: "More calls than the caller may make.", OwnCredentials: true, Steps: all}
}
