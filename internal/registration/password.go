package registration

import (
	"context"
	"errors"
	"time"
)

// PasswordRequest is what a caller asks VerifyPassword for.
type PasswordRequest struct {
	Caller      string
	Login       string // a user name or an e-mail address, in any spelling
	Password    string
	Origin      string // from where the person logs in, in the caller's terms; "" for not told
	TraceParent string
	Call        Call
	// EnumerationSafe: by an e-mail address only ACTIVE accounts can be logged in
	// to, and others are answered as a login that nobody has. Whoever has just
	// registered with an address would else be told, by the password that they
	// gave, or by the time that its hash takes, whether the account is theirs.
	EnumerationSafe bool
}

// PasswordVerdict is the answer to VerifyPassword. ID and Status are zero where
// it is not valid.
type PasswordVerdict struct {
	Valid  bool
	ID     ID
	Status Status
}

// PasswordOutcome is what became of a VerifyPassword, for metrics.
type PasswordOutcome string

// The outcomes.
const (
	PasswordValid   PasswordOutcome = "valid"
	PasswordInvalid PasswordOutcome = "invalid"
	PasswordLimited PasswordOutcome = "limited"
	PasswordError   PasswordOutcome = "error"
)

// Credentials is where the passwords' hashes are.
type Credentials interface {
	// Credential gives that of the account that a login names, whatever
	// server registered it. Errors: ErrNotFound, ErrUnavailable.
	Credential(ctx context.Context, l Login) (Credential, error)
	// Rehash puts a hash in the place of the one that is there, or does nothing
	// where there is another one by now. Errors: ErrUnavailable.
	Rehash(ctx context.Context, account ID, old, hash string) error
}

// Credential is what an account's password is verified by.
type Credential struct {
	AccountID    ID
	Status       Status
	PasswordHash string // "" for an account that has no password
}

// Decoys are hashes for logins that nobody has, so that there is always one to
// verify.
type Decoys interface {
	// For gives a login's: the same one each time, and of the same kinds as the
	// accounts' are, so that its time tells nothing.
	For(login string) string
}

const (
	// settleTimeout bounds how long the answer waits for what follows it.
	settleTimeout = time.Second
	// rehashShare is the part of the time left that a new hash may take.
	rehashShare = 2
)

// VerifyPassword says whether a password is that of the account with a login.
// A login that nobody has, one that nobody can have and a wrong password are
// one answer, after the same work: the same statements of the database, and one
// verification of a hash. Errors are *Error: RATE_LIMITED with RetryAfter, also
// where the password would have been right; UNAVAILABLE, INTERNAL.
//
// A try is taken before the password is looked at, so that whatever is asked
// at any number of servers at once is no more than AttemptRules allow. A right
// password gives its try back and makes its origin known: from there the person
// has an allowance of their own, which nobody elsewhere can use up. A call that
// is made again counts once.
//
// A hash that is outdated is made anew before the answer, not after it: so it
// stands in the same bounded queue as every other one, with a caller who waits
// for it, and no work goes on that nobody asks for. It is once for an account,
// and where it does not succeed the next right password brings it.
func (s *Service) VerifyPassword(ctx context.Context, r PasswordRequest) (PasswordVerdict, error) {
	verdict, err := s.verifyPassword(ctx, r)
	if s.PasswordTried != nil {
		s.PasswordTried(outcomeOf(verdict, err))
	}
	return verdict, err
}

func (s *Service) verifyPassword(ctx context.Context, r PasswordRequest) (PasswordVerdict, error) {
	m, err := s.moment(r.Call, r.TraceParent, 1)
	if err != nil {
		return PasswordVerdict{}, err
	}
	login := s.Rules.login(r.Login)
	a := s.attempt(m.next(), login, r)
	known, err := s.Attempts.Take(ctx, a)
	if err != nil {
		return PasswordVerdict{}, unavailable(ctx, err)
	}
	credential, right, err := s.judgePassword(ctx, login, r)
	if err != nil || right {
		s.settle(ctx, func(ctx context.Context) error { return s.Attempts.GiveBack(ctx, a, known, right) })
	}
	switch {
	case err != nil:
		return PasswordVerdict{}, unavailable(ctx, err)
	case !right:
		return PasswordVerdict{}, nil
	}
	if s.Outdated(credential.PasswordHash) {
		s.rehash(ctx, credential, r.Password)
	}
	return PasswordVerdict{Valid: true, ID: credential.AccountID, Status: credential.Status}, nil
}

// attempt is what a try counts against. Its time is this server's own.
func (s *Service) attempt(id ID, login Login, r PasswordRequest) Attempt {
	a := Attempt{
		ID: id, At: s.Now().UTC().Truncate(time.Microsecond), Rules: s.AttemptRules,
		Login: s.AttemptKeys.Login(login.Key), Caller: s.AttemptKeys.Caller(r.Caller),
	}
	if r.Origin != "" {
		a.Origin = s.AttemptKeys.Origin(r.Caller, login.Key, r.Origin)
	}
	return a
}

// judgePassword verifies one hash: the account's, or a decoy where there is none.
func (s *Service) judgePassword(ctx context.Context, login Login, r PasswordRequest) (c Credential, right bool, err error) {
	decoy := s.Decoys.For(login.Key) // also where it is not needed, as nobody knows yet
	c, err = s.Credentials.Credential(ctx, login)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return c, false, err
	}
	if err != nil || c.PasswordHash == "" || r.EnumerationSafe && login.isAddress() && c.Status != Active {
		_, err = s.Hasher.Verify(ctx, decoy, r.Password)
		return Credential{}, false, err
	}
	right, err = s.Hasher.Verify(ctx, c.PasswordHash, r.Password)
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return c, right, err
	}
	// A stored hash that cannot be verified is nobody's password, and no other answer.
	s.unsettled(ctx, err)
	_, err = s.Hasher.Verify(ctx, decoy, r.Password)
	return Credential{}, false, err
}

// rehash stores a hash as it is made now.
func (s *Service) rehash(ctx context.Context, c Credential, password string) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/rehashShare) // the rest is for the answer
		defer cancel()
	}
	hash, err := s.Hasher.Hash(ctx, password)
	if err == nil {
		err = s.Credentials.Rehash(ctx, c.AccountID, c.PasswordHash, hash)
	}
	s.unsettled(ctx, err)
}

// settle does what follows a verdict. The caller may be gone by now.
func (s *Service) settle(ctx context.Context, do func(context.Context) error) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	s.unsettled(ctx, do(limited))
}

func (s *Service) unsettled(ctx context.Context, err error) {
	if err != nil && s.Unsettled != nil {
		s.Unsettled(ctx, err)
	}
}

func outcomeOf(v PasswordVerdict, err error) PasswordOutcome {
	switch {
	case v.Valid:
		return PasswordValid
	case err == nil:
		return PasswordInvalid
	case errors.Is(err, &Error{Code: RateLimited}):
		return PasswordLimited
	default:
		return PasswordError
	}
}
