package registration

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"
)

// Store is what the Service asks of storage.
type Store interface {
	// Create stores all of r in one transaction, or nothing, and gives the
	// notifications that it has queued: all of r's, and those of its codes but
	// for recipients who have had their codes of the day. Errors:
	// ErrRequestIDReused when the caller's request id is already recorded,
	// whatever its content and before any of the others; ErrUsernameTaken,
	// ErrEmailTaken, and never with a Phantom, ErrExternalIDTaken; ErrUnavailable when the database cannot take it before ctx's deadline.
	// An outcome that the database did not tell is found out by r's ids, and so
	// is an earlier call with them, at whichever server: it is a success that
	// queues nothing.
	Create(ctx context.Context, r Registration) (queued []Notification, err error)
	// Rehearse does all that Create does and takes all of it back, for what the
	// database says of it. Errors are Create's.
	Rehearse(ctx context.Context, r Registration) error
	// Recorded gives what the caller's request id led to. What another server has
	// committed a moment ago may be missing unless the latest is asked for, which
	// takes the database longer. Errors: ErrNotFound, ErrUnavailable.
	Recorded(ctx context.Context, caller, requestID string, latest bool) (Record, error)
	// Details gives the registration that key names. Errors: ErrNotFound, ErrUnavailable.
	Details(ctx context.Context, key Key) (Details, error)
	// ChangeContact stores what change makes of a contact, in one transaction
	// in which nobody else changes it, at whichever server. change is given the
	// contact as it is, may run more than once, and its error changes nothing
	// and is given as it is. revision is of this call alone: by it an outcome
	// that the database did not tell is found out, and a call that was made
	// before, at whichever server: change is then given a Contact that is Done,
	// and what it makes of it changes nothing. Errors: ErrNotFound when
	// there is no account id; CodesUsedUp; ErrUnavailable.
	ChangeContact(ctx context.Context, id ID, channel Channel, revision ID, change func(Contact) (ContactChange, error)) error
	// Record stores what is kept of a request that stored nothing else, in one
	// transaction. Errors: ErrUnavailable.
	Record(ctx context.Context, entry AuditEntry, events []Event) error
}

// Hasher makes and verifies password hashes with bounded concurrency.
type Hasher interface {
	// Hash gives the hash in PHC or modular crypt form. Errors: ErrUnavailable
	// at once when the queue is full; ctx's error when the caller gives up.
	Hash(ctx context.Context, password string) (string, error)
	// Verify says whether password is the one that hash was made from. Errors as Hash's.
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Announcer is told of notifications once they are committed. It must not
// block: what it has no room for is found in the outbox later.
type Announcer interface {
	Announce(notifications []Notification)
}

// Key names one registration by exactly one of its keys.
type Key struct {
	Caller     string // whose ExternalID
	ID         ID
	Username   string // canonical
	Email      string // canonical
	ExternalID string
}

// Service registers people and tells of registrations.
type Service struct {
	Rules     Rules
	Store     Store
	Hasher    Hasher
	Announcer Announcer
	Codes     Codes
	CodeRules CodeRules
	NewID     IDSource
	Now       func() time.Time
	// NotificationLife is how long the news of a registration is worth sending.
	NotificationLife time.Duration
	// RecordEvents: what happens to registrations is stored with them, for other systems.
	RecordEvents bool
	// Shadow is told what registrations in shadow mode came to.
	Shadow Comparer
	// Unrecorded, if not nil, is told why the audit entry, and the event, of a refused registration could not be stored. The caller is not.
	Unrecorded func(ctx context.Context, err error)
	// CorrelationID gives the id of a call, for its audit entry; nil for none.
	CorrelationID func(ctx context.Context) string

	// What VerifyPassword works with.
	Credentials  Credentials
	Decoys       Decoys
	Attempts     Attempts
	AttemptKeys  AttemptKeys
	AttemptRules AttemptRules
	// Outdated says whether a hash is another than Hasher would make now.
	Outdated func(hash string) bool
	// PasswordTried, if not nil, is told what became of each VerifyPassword.
	PasswordTried func(PasswordOutcome)
	// Unsettled, if not nil, is told what the caller is not: why what follows a
	// verdict could not be stored (a try given back, an origin known, a new
	// hash), and of a stored hash that cannot be verified.
	Unsettled func(ctx context.Context, err error)
}

// Receipt is the answer to Register.
type Receipt struct {
	ID           ID
	Status       Status
	Locale       string // of the person, for the message
	RegisteredAt time.Time
}

// Register creates an account with its profile and the notifications that
// follow. The same request under one request id gets the same receipt. Errors
// are *Error: VALIDATION_FAILED and PASSWORD_REJECTED with fields, the _TAKEN
// codes, REQUEST_ID_REUSED, UNAVAILABLE, INTERNAL, and FORBIDDEN for what was
// meant for shadow mode.
func (s *Service) Register(ctx context.Context, r Request) (Receipt, error) {
	if r.Shadow {
		return s.shadow(ctx, r)
	}
	if r.CallerOutcome != "" {
		return Receipt{}, errNotInShadow
	}
	receipt, err := s.register(ctx, r, s.Store.Create)
	s.recordRefusal(ctx, r, err)
	return receipt, err
}

// register does it by create, which is a Store's.
func (s *Service) register(ctx context.Context, r Request, create func(context.Context, Registration) ([]Notification, error)) (Receipt, error) {
	v, wrong := s.Rules.check(r)
	if r.RequestID != "" {
		// Also of a wrong request: what was right under yesterday's policy keeps its
		// receipt. Of a right one that is missed here, Create finds the record.
		receipt, err := s.replay(ctx, r, len(wrong) > 0)
		if err == nil || errors.Is(err, ErrRequestIDReused) || len(wrong) == 0 && !errors.Is(err, ErrNotFound) {
			return receipt, err
		}
	}
	if len(wrong) > 0 {
		return Receipt{}, refusal(wrong)
	}
	hash, err := s.Hasher.Hash(ctx, r.Password)
	if err != nil {
		return Receipt{}, unavailable(ctx, err)
	}
	reg, err := s.compose(ctx, r, v, hash)
	if err != nil {
		return Receipt{}, err
	}
	queued, err := create(ctx, reg)
	switch {
	case r.RequestID != "" && errors.Is(err, ErrRequestIDReused):
		receipt, err := s.replay(ctx, r, true)
		if errors.Is(err, ErrNotFound) { // gone again in between: the next try will succeed
			err = WrapError(Unavailable, ErrUnavailable.Message, errRecordGone)
		}
		return receipt, err
	case err != nil:
		return Receipt{}, unavailable(ctx, err)
	}
	s.Announcer.Announce(queued)
	return Receipt{ID: reg.Account.ID, Status: reg.Account.Status, Locale: reg.Profile.Locale, RegisteredAt: reg.Account.RegisteredAt}, nil
}

// replay answers from the record of an earlier request under the same id.
func (s *Service) replay(ctx context.Context, r Request, latest bool) (Receipt, error) {
	record, err := s.Store.Recorded(ctx, r.Caller, r.RequestID, latest)
	if err != nil {
		return Receipt{}, unavailable(ctx, err)
	}
	fingerprint := r.fingerprint()
	if subtle.ConstantTimeCompare(record.Fingerprint[:], fingerprint[:]) != 1 {
		return Receipt{}, ErrRequestIDReused
	}
	same, err := s.Hasher.Verify(ctx, record.PasswordHash, r.Password)
	if err != nil {
		return Receipt{}, unavailable(ctx, err)
	}
	if !same {
		return Receipt{}, ErrRequestIDReused
	}
	return Receipt{ID: record.AccountID, Status: record.Status, Locale: record.Locale, RegisteredAt: record.RegisteredAt}, nil
}

var errRecordGone = errors.New("registration: the request id is taken and its record is not there")

// compose fixes every id and time, and every code, before the first attempt to
// store them.
func (s *Service) compose(ctx context.Context, r Request, v valid, hash string) (Registration, error) {
	m, err := s.moment(r.Call, r.TraceParent, 8)
	if err != nil {
		return Registration{}, err
	}
	reg := Registration{
		Account: Account{
			ID: m.next(), Caller: r.Caller, ExternalID: r.ExternalID,
			Username: v.username, Email: v.email, Mobile: v.mobile,
			PasswordHash: hash, Status: PendingVerification, RegisteredAt: m.at,
		},
		Profile:     Profile{FirstName: r.FirstName, LastName: r.LastName, Locale: v.locale, MarketingConsent: r.MarketingConsent},
		RequestID:   r.RequestID,
		Fingerprint: r.fingerprint(),
	}
	reg.Audit = s.entry(ctx, &m, AuditRegister, reg.Account)
	if r.Verified {
		err = s.complete(&reg, &m, r.Silent)
	} else {
		err = s.pend(&reg, &m, r.Silent)
	}
	if r.EnumerationSafe && !r.Verified && err == nil {
		reg.Phantom = s.phantom(reg, &m)
	}
	return reg, err
}

// pend makes reg one whose contacts are to be verified, by a code each.
func (s *Service) pend(reg *Registration, m *moment, silent bool) error {
	reg.Events = s.happened(m.event(EventRegistrationCreated, reg.Account))
	if silent {
		return nil
	}
	for _, channel := range reg.Account.channels() {
		recipient, key, err := s.recipient(reg.Account, channel)
		if err != nil {
			return err
		}
		code, err := s.Codes.New(reg.Account.ID, channel)
		if err != nil {
			return WrapError(Internal, "The service could not make a code.", err)
		}
		code = s.issued(code, m.at)
		reg.Codes = append(reg.Codes, CodeSending{
			Code: code, Quota: s.quota(channel, key),
			Notification: m.notification(reg.Account.ID, VerificationCode, channel, recipient, reg.Profile.Locale, code.ExpiresAt),
		})
	}
	return nil
}

// complete makes reg one whose contacts its caller has verified.
func (s *Service) complete(reg *Registration, m *moment, silent bool) (err error) {
	a := &reg.Account
	a.Status, a.EmailVerifiedAt = Active, m.at
	if a.Mobile != "" {
		a.MobileVerifiedAt = m.at
	}
	events := []Event{m.event(EventRegistrationCreated, *a)}
	for _, channel := range a.channels() {
		events = append(events, m.contactVerified(*a, channel))
	}
	reg.Events = s.happened(append(events, m.event(EventRegistrationCompleted, *a))...)
	if !silent {
		reg.Notifications, err = s.news(m, *a, reg.Profile.Locale)
	}
	return err
}

// happened are events that are to be stored.
func (s *Service) happened(events ...Event) []Event {
	if !s.RecordEvents {
		return nil
	}
	return events
}

// news tells a person, by each of their contacts, that the account may be used.
func (s *Service) news(m *moment, a Account, locale string) ([]Notification, error) {
	var all []Notification
	for _, channel := range a.channels() {
		recipient, _, err := s.recipient(a, channel)
		if err != nil {
			return nil, err
		}
		all = append(all, m.notification(a.ID, RegistrationCompleted, channel, recipient, locale, m.at.Add(s.NotificationLife)))
	}
	return all, nil
}

// refusal is PASSWORD_REJECTED when only the password is wrong.
func refusal(wrong []FieldError) *Error {
	if len(wrong) == 1 && wrong[0].Field == "password" {
		return NewError(PasswordRejected, "The password is not acceptable.", wrong...)
	}
	return NewError(ValidationFailed, "The request is not valid.", wrong...)
}

// unavailable gives an error that has no category yet one: the caller may try
// again when time ran out, and the rest is a fault of this service. What was
// said around an *Error is kept for the log.
func unavailable(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		if err == error(e) { //nolint:errorlint // told apart from a wrapped one
			return e
		}
		return &Error{Code: e.Code, Message: e.Message, Fields: e.Fields, cause: err}
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return WrapError(Unavailable, ErrUnavailable.Message, err)
	}
	return WrapError(Internal, "The service failed.", fmt.Errorf("registration: %w", err))
}
