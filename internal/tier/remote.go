package tier

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// call is a Call on the wire, fixed here where nobody has before.
func (c *Client) call(of registration.Call) (*tierv1.Call, error) {
	if of.At.IsZero() {
		of.At = time.Now()
	}
	if of.ID.IsZero() {
		var err error
		if of.ID, err = c.settings.NewID(); err != nil {
			return nil, registration.WrapError(registration.Internal, "The service could not make an id.", err)
		}
	}
	return &tierv1.Call{Id: of.ID[:], At: timestamppb.New(of.At)}, nil
}

// Register implements Registrar.
func (c *Client) Register(ctx context.Context, r registration.Request) (registration.Receipt, error) {
	call, err := c.call(r.Call)
	if err != nil {
		return registration.Receipt{}, err
	}
	out, err := c.registrations.Register(ctx, &tierv1.RegisterRequest{
		Call: call, Caller: r.Caller, RequestId: r.RequestID, Username: r.Username, Email: r.Email, Password: r.Password,
		FirstName: r.FirstName, LastName: r.LastName, MobileNumber: r.MobileNumber, Locale: r.Locale, MarketingConsent: r.MarketingConsent,
		ExternalId: r.ExternalID, Silent: r.Silent, Verified: r.Verified, EnumerationSafe: r.EnumerationSafe,
		Shadow: r.Shadow, CallerOutcome: r.CallerOutcome, Refused: wireFields(r.Refused),
	})
	if err != nil {
		return registration.Receipt{}, err
	}
	account, err := id(out.GetRegistrationId())
	if err != nil {
		return registration.Receipt{}, err
	}
	return registration.Receipt{ID: account, Status: registration.Status(out.GetStatus()), Locale: out.GetLocale(), RegisteredAt: instant(out.GetRegisteredAt())}, nil
}

// Details implements Registrar. Canonical keys, and whom notifications go to,
// stay behind.
func (c *Client) Details(ctx context.Context, l registration.Lookup) (registration.Details, error) {
	out, err := c.registrations.Details(ctx, &tierv1.DetailsRequest{
		Caller: l.Caller, RegistrationId: l.RegistrationID, Username: l.Username, Email: l.Email, ExternalId: l.ExternalID, EnumerationSafe: l.EnumerationSafe,
	})
	if err != nil {
		return registration.Details{}, err
	}
	return details(out)
}

// Verify implements Registrar.
func (c *Client) Verify(ctx context.Context, r registration.VerifyRequest) (registration.Verified, error) {
	call, err := c.call(r.Call)
	if err != nil {
		return registration.Verified{}, err
	}
	out, err := c.registrations.Verify(ctx, &tierv1.VerifyRequest{
		Call: call, RegistrationId: r.RegistrationID, Channel: string(r.Channel), Code: r.Code, Silent: r.Silent,
		Caller: r.Caller, EnumerationSafe: r.EnumerationSafe,
	})
	if err != nil {
		return registration.Verified{}, err
	}
	return registration.Verified{Status: registration.Status(out.GetStatus()), VerifiedAt: instant(out.GetVerifiedAt())}, nil
}

// Resend implements Registrar.
func (c *Client) Resend(ctx context.Context, r registration.ResendRequest) (registration.Resent, error) {
	call, err := c.call(r.Call)
	if err != nil {
		return registration.Resent{}, err
	}
	out, err := c.registrations.Resend(ctx, &tierv1.ResendRequest{
		Call: call, RegistrationId: r.RegistrationID, Channel: string(r.Channel), Caller: r.Caller, EnumerationSafe: r.EnumerationSafe,
	})
	if err != nil {
		return registration.Resent{}, err
	}
	return registration.Resent{Locale: out.GetLocale(), ExpiresAt: instant(out.GetExpiresAt()), NextResendAt: instant(out.GetNextResendAt())}, nil
}

// VerifyPassword implements Registrar.
func (c *Client) VerifyPassword(ctx context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
	call, err := c.call(r.Call)
	if err != nil {
		return registration.PasswordVerdict{}, err
	}
	out, err := c.registrations.VerifyPassword(ctx, &tierv1.VerifyPasswordRequest{
		Call: call, Caller: r.Caller, Login: r.Login, Password: r.Password, Origin: r.Origin, EnumerationSafe: r.EnumerationSafe,
	})
	if err != nil || !out.GetValid() {
		return registration.PasswordVerdict{}, err
	}
	account, err := id(out.GetRegistrationId())
	if err != nil {
		return registration.PasswordVerdict{}, err
	}
	return registration.PasswordVerdict{Valid: true, ID: account, Status: registration.Status(out.GetStatus())}, nil
}

// Callers implements caller.Source.
func (c *Client) Callers(ctx context.Context) ([]caller.Caller, error) {
	out, err := c.callers.List(ctx, &tierv1.ListRequest{})
	if err != nil {
		return nil, err
	}
	all := make([]caller.Caller, len(out.GetCallers()))
	for i, one := range out.GetCallers() {
		if all[i], err = callerOf(one); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Spend implements caller.Spender.
func (c *Client) Spend(ctx context.Context, use registration.ID, name string, nonce [32]byte, expires time.Time) error {
	call, err := c.call(registration.Call{ID: use})
	if err != nil {
		return err
	}
	out, err := c.callers.SpendNonce(ctx, &tierv1.SpendNonceRequest{Call: call, Caller: name, Nonce: nonce[:], ExpiresAt: timestamp(expires)})
	switch {
	case err != nil:
		return err
	case out.GetReplayed():
		return caller.ErrReplayed
	default:
		return nil
	}
}

// Reserve implements caller.Usage. Where it is made again at another server,
// what the first one took is lost to the caller for that second or day.
func (c *Client) Reserve(ctx context.Context, name string, p caller.Policy, want int, now time.Time) (caller.Grant, error) {
	out, err := c.callers.Reserve(ctx, &tierv1.ReserveRequest{Caller: name, Policy: wirePolicy(p), Want: int64(want), At: timestamp(now)})
	if err != nil {
		return caller.Grant{}, err
	}
	return caller.Grant{Permits: int(out.GetPermits()), RetryAfter: out.GetRetryAfter().AsDuration(), Quota: out.GetQuota()}, nil
}

// Standing implements Consents.
func (c *Client) Standing(ctx context.Context, account registration.ID, channel registration.Channel) (consented bool, locale string, err error) {
	out, err := c.consents.Standing(ctx, &tierv1.StandingRequest{RegistrationId: account[:], Channel: string(channel)})
	if err != nil {
		return false, "", err
	}
	return out.GetConsented(), out.GetLocale(), nil
}

// Withdraw implements Consents.
func (c *Client) Withdraw(ctx context.Context, account registration.ID, channel registration.Channel, now time.Time) error {
	_, err := c.consents.Withdraw(ctx, &tierv1.WithdrawRequest{RegistrationId: account[:], Channel: string(channel), At: timestamp(now)})
	return err
}

// Restore implements Consents.
func (c *Client) Restore(ctx context.Context, account registration.ID, channel registration.Channel) error {
	_, err := c.consents.Restore(ctx, &tierv1.RestoreRequest{RegistrationId: account[:], Channel: string(channel)})
	return err
}
