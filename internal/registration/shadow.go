package registration

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Registered is the outcome of a registration that was not refused; the others
// are Codes.
const Registered = "REGISTERED"

// errNotInShadow is for what a caller sent for comparison and not for registration:
// it has the outcome already, and the caller is not in shadow mode, or no more.
var errNotInShadow = NewError(Forbidden, "callerOutcome is for callers in shadow mode, and this one is not. Nothing was registered.")

// Comparison is what a registration in shadow mode came to, here and at its
// caller. It holds keys and rules, and nothing of what was in the request.
type Comparison struct {
	ID         ID // the same for the same request id
	At         time.Time
	Caller     string
	RequestID  string // "" for none
	ExternalID string // "" for none
	Ours       string // Registered or a Code
	Theirs     string // as the caller told it; "" for not told
	Refused    []FieldError
}

// Comparer keeps Comparisons.
type Comparer interface {
	// Compare keeps c, once for its ID. The caller waits for it, and is not told
	// where it cannot be kept.
	Compare(ctx context.Context, c Comparison)
}

// shadow is Register in shadow mode: the rules, the password's hash and the
// database's answer as ever, by an attempt that is taken back. Nothing of the
// person is kept, nobody is told, and no event tells of it. What it came to is
// told to Shadow.
//
// The receipt's id names nothing. It follows from the request id, under the key
// of the codes, so that a repeated request gets it again; another content under
// the same request id is not noticed, since nothing is kept to know it by.
func (s *Service) shadow(ctx context.Context, r Request) (Receipt, error) {
	if r.RequestID != "" {
		r.Call.ID = s.shadowID(r.Caller, r.RequestID)
	}
	receipt, err := s.rehearse(ctx, r)
	s.compare(ctx, r, err)
	return receipt, err
}

func (s *Service) rehearse(ctx context.Context, r Request) (Receipt, error) {
	if len(r.Refused) > 0 {
		wrong := slices.Clone(r.Refused)
		for _, f := range s.Rules.Check(r) {
			if !slices.ContainsFunc(r.Refused, func(known FieldError) bool { return known.Field == f.Field }) {
				wrong = append(wrong, f)
			}
		}
		return Receipt{}, NewError(ValidationFailed, "The request is not valid.", wrong...)
	}
	return s.register(ctx, r, func(ctx context.Context, reg Registration) ([]Notification, error) {
		return nil, s.Store.Rehearse(ctx, reg)
	})
}

// shadowID is a UUID of version 8 (RFC 9562 section 5.8).
func (s *Service) shadowID(caller, requestID string) ID {
	sum := s.Codes.Recipient("SHADOW", caller+"\x00"+requestID)
	id := ID(sum[:len(ID{})])
	id[6], id[8] = 0x80|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

// compare tells Shadow what a request came to. What was not decided, since the
// service could not, is not compared: the caller asks again.
func (s *Service) compare(ctx context.Context, r Request, err error) {
	ours, told := Registered, (*Error)(nil)
	if err != nil {
		var ok bool
		if told, ok = errors.AsType[*Error](err); !ok || !told.turnsDown() {
			return
		}
		ours = string(told.Code)
	}
	m, err := s.moment(r.Call, "", 1)
	if err != nil {
		return // the machine has no entropy, as the registration itself has found
	}
	c := Comparison{
		ID: m.next(), At: m.at, Caller: r.Caller, RequestID: r.RequestID, ExternalID: tellable(r.ExternalID), Ours: ours, Theirs: r.CallerOutcome,
	}
	if told != nil {
		c.Refused = told.Fields
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	s.Shadow.Compare(limited, c)
}
