// Package tier is the hop between web servers and application servers: gRPC
// with round robin, health checks and deadlines.
//
// To be relied on: a call that the Client gives up on one server is made again
// at another one only under the same Call, so that it is done once; the
// domain's errors arrive as they were, without their causes, which stay in the
// application server's log; nothing of a request is told to a log here.
//
// Not to be relied on: that a call reaches one server only, or that a server
// which does not answer has not done it.
package tier

//go:generate ../../hack/protoc/run tierv1/tier.proto tierv1

import (
	"context"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// Registrar is the registration workflow; see registration.Service.
type Registrar interface {
	Register(ctx context.Context, r registration.Request) (registration.Receipt, error)
	Details(ctx context.Context, l registration.Lookup) (registration.Details, error)
	Verify(ctx context.Context, r registration.VerifyRequest) (registration.Verified, error)
	Resend(ctx context.Context, r registration.ResendRequest) (registration.Resent, error)
	VerifyPassword(ctx context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error)
}

// Consents keeps who is written to; see unsubscribe.Consents.
type Consents interface {
	Standing(ctx context.Context, account registration.ID, channel registration.Channel) (consented bool, locale string, err error)
	Withdraw(ctx context.Context, account registration.ID, channel registration.Channel, now time.Time) error
	Restore(ctx context.Context, account registration.ID, channel registration.Channel) error
}

// Callers is what the gateway asks of callers; see caller.Source, caller.Nonces
// and caller.Usage.
type Callers interface {
	Callers(ctx context.Context) ([]caller.Caller, error)
	Spend(ctx context.Context, call registration.ID, name string, nonce [32]byte, expires time.Time) error
	Reserve(ctx context.Context, name string, p caller.Policy, want int, now time.Time) (caller.Grant, error)
}
