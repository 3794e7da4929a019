package soap

import (
	"slices"
	"strings"
)

// Quirk is a client that needs another answer than the specification's.
type Quirk struct {
	UserAgent string // begins with this; NoUserAgent for those that send none
	Needs     Need
	Reason    string // for the help page
}

// NoUserAgent is for clients that do not say who they are, such as WCF, which
// reads no SOAP 1.2 fault with status 400. It is no User-Agent (RFC 9110, 10.1.5).
const NoUserAgent = "(none)"

// Need is what a client needs instead.
type Need uint8

const (
	// FaultStatus500 is HTTP status 500 for every SOAP 1.2 fault, also the sender's.
	FaultStatus500 Need = iota
	// ChallengeFirst is HTTP status 401 with WWW-Authenticate where a fault has
	// a Challenge. SOAP 1.1 asks for 500 with every fault (Basic Profile 1.1,
	// R1126), but such a client never sends its credentials then.
	ChallengeFirst
)

// DefaultQuirks are the clients that are known to need one.
var DefaultQuirks = []Quirk{
	{
		UserAgent: "Apache-CXF/", Needs: FaultStatus500,
		Reason: "Apache CXF reads no SOAP 1.2 fault that comes with HTTP status 400, so it gets 500.",
	},
	{
		UserAgent: "Apache CXF ", Needs: FaultStatus500,
		Reason: "So do its versions 2 and 3.0.",
	},
	{
		UserAgent: "Mozilla/4.0 (compatible; MSIE 6.0; MS Web Services Client Protocol", Needs: ChallengeFirst,
		Reason: "Web references of the .NET Framework send the user name and password that they have only after HTTP status 401, so they get it first.",
	},
	{
		UserAgent: "Axis2", Needs: ChallengeFirst,
		Reason: "Apache Axis2 sends its user name and password only after HTTP status 401, so it gets it first.",
	},
	{
		UserAgent: "SOAP::Lite/", Needs: ChallengeFirst,
		Reason: "SOAP::Lite for Perl sends its user name and password only after HTTP status 401, so it gets it first.",
	},
}

// needs says whether the client of a message has a quirk.
func (c *call) needs(need Need) bool {
	agent := c.request.UserAgent()
	if agent == "" {
		agent = NoUserAgent
	}
	return slices.ContainsFunc(c.server.config.Quirks, func(q Quirk) bool { return q.Needs == need && strings.HasPrefix(agent, q.UserAgent) })
}
