package registration

import (
	"context"
	"time"
)

// Action is what an entry of the audit log is about, in upper snake case.
type Action string

// The actions of this package; package audit has the others.
const (
	AuditRegister      Action = "REGISTER"
	AuditVerifyContact Action = "VERIFY_CONTACT"
)

// AuditOK is the outcome of what was done.
const AuditOK = "OK"

// AuditEntry is what the audit log keeps of a call: keys, and nothing secret,
// no address, no number and no name.
type AuditEntry struct {
	ID            ID        // zero for no entry at all
	At            time.Time // UTC, to the microsecond
	Action        Action
	Outcome       string // AuditOK, or the contract's code
	Caller        string // "" where callers are not authenticated, and for commands
	AccountID     ID     // zero where there is no registration
	ExternalID    string // "" for none
	CorrelationID string // by which the log and a fault name the call; "" for none
	TraceParent   string // W3C Trace Context; "" for none
	Detail        string // further keys, as name=value with spaces between; at most 255 octets
}

// entry is that of a call about an account now.
func (s *Service) entry(ctx context.Context, m *moment, action Action, a Account) AuditEntry {
	e := AuditEntry{
		ID: m.next(), At: m.at, Action: action, Outcome: AuditOK, Caller: a.Caller, AccountID: a.ID, ExternalID: a.ExternalID, TraceParent: m.traceParent,
	}
	if s.CorrelationID != nil {
		e.CorrelationID = s.CorrelationID(ctx)
	}
	return e
}
