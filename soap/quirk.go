package soap

import (
	"net/http"
	"slices"
	"strings"
)

// Quirk is a client that needs another answer than the specification's.
type Quirk struct {
	UserAgent string // begins with this
	Needs     Need
	Reason    string // for the help page
}

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

// needs says whether the client of a request has a quirk.
func (s *Server) needs(r *http.Request, need Need) bool {
	agent := r.UserAgent()
	return slices.ContainsFunc(s.config.Quirks, func(q Quirk) bool { return q.Needs == need && strings.HasPrefix(agent, q.UserAgent) })
}
