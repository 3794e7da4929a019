package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/soap"
	"registrar/soap/wss"
)

// Settings of a Gateway.
type Settings struct {
	// WSS is for WS-Security headers; its Refused is the Gateway's own.
	WSS wss.Settings
	// Secure says whether what a request holds was seen by nobody on its way,
	// so that a password in it may be taken; nil is by TLS alone.
	Secure func(*http.Request) bool
	// Observe, if not nil, is told of each message. caller is "" where it is
	// not known who calls. It must not block.
	Observe func(caller string, result Result)
}

// Result is what became of a message, for metrics.
type Result string

// The results.
const (
	Accepted        Result = "accepted"
	Open            Result = "open"          // no callers are configured
	NoCredential    Result = "no_credential" //nolint:gosec // a result, no credential
	Unreadable      Result = "unreadable_credential"
	Expired         Result = "expired_credential"
	InTheClear      Result = "password_in_the_clear"
	Unauthenticated Result = "unauthenticated"
	Replayed        Result = "replayed"
	Forbidden       Result = "forbidden"
	RateLimited     Result = "rate_limited"
	Unavailable     Result = "unavailable" // the database did not say whether it may
)

// Gateway decides. It may be used by several goroutines.
type Gateway struct {
	settings  Settings
	directory *caller.Directory
	limiter   *caller.Limiter
	nonces    caller.Spender
	log       *slog.Logger
	refusals  *refusals
	replays   *replays
}

// New makes a Gateway.
func New(s Settings, d *caller.Directory, l *caller.Limiter, n caller.Spender, log *slog.Logger) *Gateway {
	if s.Secure == nil {
		s.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	return &Gateway{settings: s, directory: d, limiter: l, nonces: n, log: log, refusals: newRefusals(), replays: newReplays()}
}

// HeaderHandler is the Gateway's place in a soap.Server: behind the envelope
// and before the schema. Errors of its own are of UNAUTHENTICATED, FORBIDDEN,
// RATE_LIMITED and UNAVAILABLE.
func (g *Gateway) HeaderHandler() soap.HeaderHandler {
	s := g.settings.WSS
	s.Refused = g.unread
	return wss.HeaderHandler(s, g.accept)
}

type contextKey struct{}

// Caller gives who calls, by the context of an operation; false where no
// callers are configured.
func Caller(ctx context.Context) (caller.Caller, bool) {
	c, ok := ctx.Value(contextKey{}).(caller.Caller)
	return c, ok
}

func (g *Gateway) accept(ctx context.Context, m *soap.Message, t *wss.Token) (context.Context, error) {
	if !g.directory.Configured() {
		g.observe("", Open)
		return ctx, nil
	}
	v, err := g.admit(ctx, m, t)
	g.observe(v.caller.Name, v.result)
	if err != nil {
		g.tell(ctx, m, v)
		return nil, err
	}
	return context.WithValue(ctx, contextKey{}, v.caller), nil
}

// unread tells of a message whose Security header is a fault: who it is of is
// not known. Without callers it is counted only, as it means nothing to anybody
// but its sender.
func (g *Gateway) unread(ctx context.Context, m *soap.Message, fault *soap.Error) {
	v := verdict{result: Unreadable}
	if fault.Subcode == wss.MessageExpired {
		v.result = Expired
	}
	g.observe("", v.result)
	if g.directory.Configured() {
		g.tell(ctx, m, v)
	}
}

func (g *Gateway) observe(name string, result Result) {
	if g.settings.Observe != nil {
		g.settings.Observe(name, result)
	}
}

// verdict is what is known of a message when it is decided on.
type verdict struct {
	claimed string        // the name that it gives, which may be anything; not to be told
	caller  caller.Caller // whose message it is; where that is not proved, no more than the Name, if there is such a caller
	proved  bool
	result  Result
}

// admit decides on a message.
func (g *Gateway) admit(ctx context.Context, m *soap.Message, t *wss.Token) (v verdict, err error) {
	held, err := credentialsOf(m.HTTP, t)
	if err != nil {
		v.result = Unreadable
		return v, err
	}
	if v.claimed = held.name(); g.directory.Known(v.claimed) {
		v.caller.Name = v.claimed
	}
	switch secure := g.settings.Secure(m.HTTP); {
	case held.none():
		v.result = NoCredential
		if secure {
			return v, ErrNoCredential
		}
		return v, errNoCredentialInTheClear
	case held.password() && !secure:
		v.result = InTheClear
		return v, errInTheClear
	}
	c, err := g.authenticate(held)
	if err != nil {
		v.result = Unauthenticated
		return v, err
	}
	v.caller, v.proved = c, true
	v.result, err = g.allow(ctx, c, m, t)
	return v, err
}

// allow decides on a message of a caller.
func (g *Gateway) allow(ctx context.Context, c caller.Caller, m *soap.Message, t *wss.Token) (Result, error) {
	if len(c.Policy.Operations) > 0 && !slices.Contains(c.Policy.Operations, m.Operation) {
		return Forbidden, caller.ErrForbidden
	}
	if g.replays.knows(c.Name, t) {
		return Replayed, errReplayed
	}
	// The permit comes before the nonce: who is told to send the same message
	// again later can. It is given back where the nonce was used before: a
	// replay is not to use up what is its caller's.
	taken := time.Now()
	if err := g.limiter.Take(ctx, c); err != nil {
		return orUnavailable(RateLimited, err), err
	}
	if err := g.spend(ctx, c, t); err != nil {
		g.limiter.GiveBack(c, taken)
		return orUnavailable(Replayed, err), err
	}
	return Accepted, nil
}

func orUnavailable(r Result, err error) Result {
	if errors.Is(err, registration.ErrUnavailable) {
		return Unavailable
	}
	return r
}

// spendTimeout is for one call of the Spender.
const spendTimeout = 3 * time.Second

// spend lets a token with a nonce serve once.
func (g *Gateway) spend(ctx context.Context, c caller.Caller, t *wss.Token) error {
	if t == nil || t.Nonce == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	switch err := g.nonces.Spend(ctx, registration.ID{}, c.Name, nonceKey(t), t.Expires); {
	case err == nil:
		return nil
	case errors.Is(err, caller.ErrReplayed):
		g.replays.note(c.Name, t)
		return errReplayed
	case errors.Is(err, registration.ErrUnavailable):
		return err
	default:
		return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, err)
	}
}
