package project

// resendCode is the suite of the operation ResendCode. What it does after the
// cooldown is not in it: the suite would have to wait for that.
func resendCode() suite {
	return suite{
		Name:        "ResendCode",
		Description: "The faults of ResendCode.",
		Cases: []testCase{
			{
				Name: "RESEND_TOO_SOON", Description: "The first code has just been sent.",
				Steps: append(somebody(), both(call{
					name: "Ask for it again", operation: "ResendCode", body: codeRequest("ResendCode", registrationID, "EMAIL", ""), expect: fault("RESEND_TOO_SOON", ""),
				})...),
			},
			noSuchContact("ResendCode", ""),
			{
				Name: "VALIDATION_FAILED: ResendCode",
				Table: &table{"id | channel | fields", []row{
					{"no UUID", `4711 | EMAIL | registrationId PATTERN`},
					{"another channel", `01890a5d-ac96-774b-bcce-b302099a8057 | PIGEON | channel ENUMERATION`},
					{"all of it", `x | x | registrationId PATTERN, channel ENUMERATION`},
				}},
				Steps: both(call{
					name: "Ask for it again", operation: "ResendCode", body: codeRequest("ResendCode", "${Row#id}", "${Row#channel}", ""),
					expect: fault("VALIDATION_FAILED", "${Row#fields}"),
				}),
			},
		},
	}
}
