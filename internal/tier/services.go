package tier

import (
	"context"
	"errors"

	"google.golang.org/protobuf/types/known/durationpb"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// registrations is the workflow, for web servers.
type registrations struct {
	tierv1.UnimplementedRegistrationServiceServer
	registrar   Registrar
	traceParent func(ctx context.Context) string // nil for none
}

func (s registrations) trace(ctx context.Context) string {
	if s.traceParent == nil {
		return ""
	}
	return s.traceParent(ctx)
}

func (s registrations) Register(ctx context.Context, in *tierv1.RegisterRequest) (*tierv1.RegisterResponse, error) {
	call, err := callOf(in.GetCall())
	if err != nil {
		return nil, err
	}
	r, err := s.registrar.Register(ctx, registration.Request{
		Caller: in.GetCaller(), RequestID: in.GetRequestId(), Username: in.GetUsername(), Email: in.GetEmail(), Password: in.GetPassword(),
		FirstName: in.GetFirstName(), LastName: in.GetLastName(), MobileNumber: in.GetMobileNumber(), Locale: in.GetLocale(),
		MarketingConsent: in.GetMarketingConsent(), ExternalID: in.GetExternalId(), TraceParent: s.trace(ctx), Call: call,
		Silent: in.GetSilent(), Verified: in.GetVerified(), EnumerationSafe: in.GetEnumerationSafe(),
		Shadow: in.GetShadow(), CallerOutcome: in.GetCallerOutcome(), Refused: fieldsOf(in.GetRefused()),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return &tierv1.RegisterResponse{RegistrationId: r.ID[:], Status: string(r.Status), Locale: r.Locale, RegisteredAt: timestamp(r.RegisteredAt)}, nil
}

func (s registrations) Details(ctx context.Context, in *tierv1.DetailsRequest) (*tierv1.DetailsResponse, error) {
	d, err := s.registrar.Details(ctx, registration.Lookup{
		Caller: in.GetCaller(), RegistrationID: in.GetRegistrationId(), Username: in.GetUsername(), Email: in.GetEmail(), ExternalID: in.GetExternalId(),
		EnumerationSafe: in.GetEnumerationSafe(),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return detailsResponse(d), nil
}

func (s registrations) Verify(ctx context.Context, in *tierv1.VerifyRequest) (*tierv1.VerifyResponse, error) {
	call, err := callOf(in.GetCall())
	if err != nil {
		return nil, err
	}
	v, err := s.registrar.Verify(ctx, registration.VerifyRequest{
		RegistrationID: in.GetRegistrationId(), Channel: registration.Channel(in.GetChannel()), Code: in.GetCode(),
		TraceParent: s.trace(ctx), Call: call, Silent: in.GetSilent(),
		Caller: in.GetCaller(), EnumerationSafe: in.GetEnumerationSafe(),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return &tierv1.VerifyResponse{Status: string(v.Status), VerifiedAt: timestamp(v.VerifiedAt)}, nil
}

func (s registrations) Resend(ctx context.Context, in *tierv1.ResendRequest) (*tierv1.ResendResponse, error) {
	call, err := callOf(in.GetCall())
	if err != nil {
		return nil, err
	}
	r, err := s.registrar.Resend(ctx, registration.ResendRequest{
		RegistrationID: in.GetRegistrationId(), Channel: registration.Channel(in.GetChannel()), TraceParent: s.trace(ctx), Call: call,
		Caller: in.GetCaller(), EnumerationSafe: in.GetEnumerationSafe(),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return &tierv1.ResendResponse{Locale: r.Locale, ExpiresAt: timestamp(r.ExpiresAt), NextResendAt: timestamp(r.NextResendAt)}, nil
}

func (s registrations) VerifyPassword(ctx context.Context, in *tierv1.VerifyPasswordRequest) (*tierv1.VerifyPasswordResponse, error) {
	call, err := callOf(in.GetCall())
	if err != nil {
		return nil, err
	}
	v, err := s.registrar.VerifyPassword(ctx, registration.PasswordRequest{
		Caller: in.GetCaller(), Login: in.GetLogin(), Password: in.GetPassword(), Origin: in.GetOrigin(), TraceParent: s.trace(ctx), Call: call,
		EnumerationSafe: in.GetEnumerationSafe(),
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	out := &tierv1.VerifyPasswordResponse{Valid: v.Valid}
	if v.Valid {
		out.RegistrationId, out.Status = v.ID[:], string(v.Status)
	}
	return out, nil
}

// callers is what web servers' gateways ask.
type callers struct {
	tierv1.UnimplementedCallerServiceServer
	callers Callers
}

func (s callers) List(ctx context.Context, _ *tierv1.ListRequest) (*tierv1.ListResponse, error) {
	all, err := s.callers.Callers(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	out := &tierv1.ListResponse{}
	for _, c := range all {
		out.Callers = append(out.Callers, wireCaller(c))
	}
	return out, nil
}

func (s callers) SpendNonce(ctx context.Context, in *tierv1.SpendNonceRequest) (*tierv1.SpendNonceResponse, error) {
	call, err := callOf(in.GetCall())
	if err != nil {
		return nil, err
	}
	var nonce [32]byte
	if len(in.GetNonce()) != len(nonce) || in.GetExpiresAt() == nil {
		return nil, errWire
	}
	copy(nonce[:], in.GetNonce())
	err = s.callers.Spend(ctx, call.ID, in.GetCaller(), nonce, instant(in.GetExpiresAt()))
	if errors.Is(err, caller.ErrReplayed) {
		return &tierv1.SpendNonceResponse{Replayed: true}, nil
	}
	return &tierv1.SpendNonceResponse{}, err //nolint:wrapcheck // the domain's own
}

func (s callers) Reserve(ctx context.Context, in *tierv1.ReserveRequest) (*tierv1.ReserveResponse, error) {
	if in.GetAt() == nil {
		return nil, errWire
	}
	g, err := s.callers.Reserve(ctx, in.GetCaller(), policyOf(in.GetPolicy()), int(in.GetWant()), instant(in.GetAt()))
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return &tierv1.ReserveResponse{Permits: int64(g.Permits), RetryAfter: durationpb.New(g.RetryAfter), Quota: g.Quota}, nil
}

// consents is what the page to unsubscribe at does.
type consents struct {
	tierv1.UnimplementedConsentServiceServer
	consents Consents
}

func (s consents) Standing(ctx context.Context, in *tierv1.StandingRequest) (*tierv1.StandingResponse, error) {
	account, err := id(in.GetRegistrationId())
	if err != nil {
		return nil, err
	}
	consented, locale, err := s.consents.Standing(ctx, account, registration.Channel(in.GetChannel()))
	if err != nil {
		return nil, err //nolint:wrapcheck // the domain's own
	}
	return &tierv1.StandingResponse{Consented: consented, Locale: locale}, nil
}

func (s consents) Withdraw(ctx context.Context, in *tierv1.WithdrawRequest) (*tierv1.WithdrawResponse, error) {
	account, err := id(in.GetRegistrationId())
	if err != nil || in.GetAt() == nil {
		return nil, errWire
	}
	return &tierv1.WithdrawResponse{}, s.consents.Withdraw(ctx, account, registration.Channel(in.GetChannel()), instant(in.GetAt()))
}

func (s consents) Restore(ctx context.Context, in *tierv1.RestoreRequest) (*tierv1.RestoreResponse, error) {
	account, err := id(in.GetRegistrationId())
	if err != nil {
		return nil, err
	}
	return &tierv1.RestoreResponse{}, s.consents.Restore(ctx, account, registration.Channel(in.GetChannel()))
}
