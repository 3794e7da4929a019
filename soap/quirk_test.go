package soap_test

import (
	"context"
	"testing"

	"registrar/soap"
)

func TestAClientIsChallengedOnlyWhereItAsksForThat(t *testing.T) {
	refusal := &soap.Error{Kind: soap.Unauthenticated, Reason: "Not you."}
	const dotNET = "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol 4.0.30319.42000)"
	const challenge = `Basic realm="echo", charset="UTF-8"`
	ownQuirk := []soap.Quirk{{UserAgent: "Legacy/", Needs: soap.ChallengeFirst, Reason: "It asks."}}
	for name, test := range map[string]struct {
		agent     string
		challenge string
		quirks    []soap.Quirk
		status11  int
		status12  int
	}{
		"any client":                      {"zeep/4.3", challenge, nil, 500, 400},
		"no User-Agent":                   {"", challenge, nil, 500, 400},
		"a web reference":                 {dotNET, challenge, nil, 401, 401},
		"a web reference, no challenge":   {dotNET, "", nil, 500, 400},
		"CXF wants 500":                   {"Apache-CXF/4.1.5", challenge, nil, 500, 500},
		"CXF of before wants 500":         {"Apache CXF 3.0.16", challenge, nil, 500, 500},
		"who does not say, configured":    {"", challenge, []soap.Quirk{{UserAgent: soap.NoUserAgent, Needs: soap.FaultStatus500}}, 500, 500},
		"who says, beside that":           {"zeep/4.3", challenge, []soap.Quirk{{UserAgent: soap.NoUserAgent, Needs: soap.FaultStatus500}}, 500, 400},
		"a client of the configuration's": {"Legacy/2", challenge, ownQuirk, 401, 401},
		"those replace the defaults":      {dotNET, challenge, ownQuirk, 500, 400},
		"the name stands elsewhere":       {"x " + dotNET, challenge, nil, 500, 400},
	} {
		e := refusing(t, refusal, func(c *soap.Config) {
			c.Quirks = test.quirks
			c.Faults = func(ctx context.Context, err error) soap.Fault {
				f := faults(ctx, err)
				f.Challenge = test.challenge
				return f
			}
		})
		for version, want := range map[soap.Version]int{soap.SOAP11: test.status11, soap.SOAP12: test.status12} {
			body, kind := envelope11(say(hello)), "text/xml; charset=utf-8"
			if version == soap.SOAP12 {
				body, kind = envelope12(say(hello)), "application/soap+xml; charset=utf-8"
			}
			a := e.send(t, body, "Content-Type", kind, "User-Agent", test.agent)
			e.expectFault(t, a, soap.Unauthenticated)
			told := ""
			if want == 401 {
				told = test.challenge
			}
			if a.status != want || a.header.Get("WWW-Authenticate") != told || a.header.Get("Content-Type") != kind {
				t.Errorf("%s, SOAP %s: %d %v", name, version, a.status, a.header)
			}
		}
	}
}
