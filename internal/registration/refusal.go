package registration

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// recordTimeout bounds how long a caller whose request is refused waits for
// what is kept of it to be stored.
const recordTimeout = time.Second

// recordRefusal stores the audit entry of a request that the domain turned down,
// and its event. It changes nothing of what the caller is told, also when it
// fails.
func (s *Service) recordRefusal(ctx context.Context, r Request, err error) {
	refused, ok := errors.AsType[*Error](err)
	if !ok || !refused.turnsDown() {
		return
	}
	m, err := s.moment(r.Call, r.TraceParent, 2)
	if err == nil {
		of := Account{Caller: r.Caller, ExternalID: tellable(r.ExternalID)}
		// The event's id is the call's: made again at another server, it is the same one.
		e := m.event(EventRegistrationRefused, of)
		e.Refusal = refused.Code
		entry := s.entry(ctx, &m, AuditRegister, of)
		entry.Outcome = string(refused.Code)
		// The caller may be gone by now; that it was refused stays true.
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
		err = s.Store.Record(limited, entry, s.happened(e))
	}
	if err != nil && s.Unrecorded != nil {
		s.Unrecorded(ctx, err)
	}
}

// turnsDown says whether a well-formed request was turned down for what is in it.
func (e *Error) turnsDown() bool {
	switch e.Code {
	case ValidationFailed, UsernameTaken, EmailTaken, ExternalIDTaken, PasswordRejected, RequestIDReused:
		return true
	default:
		return false
	}
}

// maxExternalID is the contract's, in characters.
const maxExternalID = 64

// tellable is a refused request's external id, or "" when that is itself not
// one that the contract knows.
func tellable(externalID string) string {
	if !utf8.ValidString(externalID) || utf8.RuneCountInString(externalID) > maxExternalID || strings.ContainsFunc(externalID, unicode.IsControl) {
		return ""
	}
	return externalID
}
