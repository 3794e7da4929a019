package tier

import (
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// errWire is for a message that no other end of this release sends.
var errWire = registration.WrapError(registration.Internal, internalMessage, errors.New("tier: a message holds what it cannot hold"))

// id reads 16 octets.
func id(b []byte) (registration.ID, error) {
	if len(b) != len(registration.ID{}) {
		return registration.ID{}, errWire
	}
	return registration.ID(b), nil
}

// timestamp writes a time; zero is absent.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// instant reads a time; absent is zero.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// callOf reads a Call, which every Client sends.
func callOf(c *tierv1.Call) (registration.Call, error) {
	made, err := id(c.GetId())
	if err != nil || made.IsZero() || c.GetAt() == nil {
		return registration.Call{}, errWire
	}
	return registration.Call{ID: made, At: c.GetAt().AsTime()}, nil
}

func wireFields(fields []registration.FieldError) (out []*tierv1.FieldError) {
	for _, f := range fields {
		out = append(out, &tierv1.FieldError{Field: f.Field, Rule: f.Rule, Message: f.Message})
	}
	return out
}

func fieldsOf(in []*tierv1.FieldError) (fields []registration.FieldError) {
	for _, f := range in {
		fields = append(fields, registration.FieldError{Field: f.GetField(), Rule: f.GetRule(), Message: f.GetMessage()})
	}
	return fields
}

func detailsResponse(d registration.Details) *tierv1.DetailsResponse {
	out := &tierv1.DetailsResponse{
		RegistrationId: d.Account.ID[:], Caller: d.Account.Caller, ExternalId: d.Account.ExternalID,
		Username: d.Account.Username.Text, Email: d.Account.Email.Text, MobileNumber: string(d.Account.Mobile),
		Status: string(d.Account.Status), RegisteredAt: timestamp(d.Account.RegisteredAt),
		EmailVerifiedAt: timestamp(d.Account.EmailVerifiedAt), MobileVerifiedAt: timestamp(d.Account.MobileVerifiedAt),
		FirstName: d.Profile.FirstName, LastName: d.Profile.LastName, Locale: d.Profile.Locale, MarketingConsent: d.Profile.MarketingConsent,
	}
	for _, n := range d.Notifications {
		out.Notifications = append(out.Notifications, &tierv1.Notification{
			Id: n.ID[:], Kind: string(n.Kind), Channel: string(n.Channel), State: string(n.State), Attempts: int32(n.Attempts),
			CreatedAt: timestamp(n.CreatedAt), UpdatedAt: timestamp(n.UpdatedAt), Deadline: timestamp(n.Deadline),
		})
	}
	return out
}

func details(in *tierv1.DetailsResponse) (registration.Details, error) {
	account, err := id(in.GetRegistrationId())
	if err != nil {
		return registration.Details{}, err
	}
	d := registration.Details{
		Account: registration.Account{
			ID: account, Caller: in.GetCaller(), ExternalID: in.GetExternalId(),
			Username: registration.Username{Text: in.GetUsername()}, Email: registration.Email{Text: in.GetEmail()}, Mobile: registration.Mobile(in.GetMobileNumber()),
			Status: registration.Status(in.GetStatus()), RegisteredAt: instant(in.GetRegisteredAt()),
			EmailVerifiedAt: instant(in.GetEmailVerifiedAt()), MobileVerifiedAt: instant(in.GetMobileVerifiedAt()),
		},
		Profile: registration.Profile{FirstName: in.GetFirstName(), LastName: in.GetLastName(), Locale: in.GetLocale(), MarketingConsent: in.GetMarketingConsent()},
	}
	for _, n := range in.GetNotifications() {
		one, err := id(n.GetId())
		if err != nil {
			return registration.Details{}, err
		}
		d.Notifications = append(d.Notifications, registration.Notification{
			ID: one, AccountID: account, Kind: registration.Kind(n.GetKind()), Channel: registration.Channel(n.GetChannel()), State: registration.State(n.GetState()),
			Attempts: int(n.GetAttempts()), CreatedAt: instant(n.GetCreatedAt()), UpdatedAt: instant(n.GetUpdatedAt()), Deadline: instant(n.GetDeadline()),
		})
	}
	return d, nil
}

func wireCaller(c caller.Caller) *tierv1.Caller {
	out := &tierv1.Caller{
		Name: c.Name, CertificateSubject: c.CertificateSubject, Policy: wirePolicy(c.Policy), Disabled: c.Disabled,
		CreatedAt: timestamp(c.CreatedAt), UpdatedAt: timestamp(c.UpdatedAt),
	}
	for _, s := range c.Secrets {
		out.Secrets = append(out.Secrets, &tierv1.Secret{Hash: s.Hash[:], Sealed: s.Sealed, CreatedAt: timestamp(s.CreatedAt), ExpiresAt: timestamp(s.ExpiresAt)})
	}
	return out
}

func callerOf(in *tierv1.Caller) (caller.Caller, error) {
	c := caller.Caller{
		Name: in.GetName(), CertificateSubject: in.GetCertificateSubject(), Policy: policyOf(in.GetPolicy()), Disabled: in.GetDisabled(),
		CreatedAt: instant(in.GetCreatedAt()), UpdatedAt: instant(in.GetUpdatedAt()),
	}
	for _, s := range in.GetSecrets() {
		secret := caller.Secret{Sealed: s.GetSealed(), CreatedAt: instant(s.GetCreatedAt()), ExpiresAt: instant(s.GetExpiresAt())}
		if len(s.GetHash()) != len(secret.Hash) {
			return caller.Caller{}, errWire
		}
		copy(secret.Hash[:], s.GetHash())
		c.Secrets = append(c.Secrets, secret)
	}
	return c, nil
}

func wirePolicy(p caller.Policy) *tierv1.Policy {
	return &tierv1.Policy{
		Operations: p.Operations, Rate: int64(p.Rate), Burst: int64(p.Burst), DailyQuota: int64(p.DailyQuota),
		SuppressNotifications: p.SuppressNotifications, VerifiedContacts: p.VerifiedContacts, EnumerationSafe: p.EnumerationSafe, Shadow: p.Shadow,
	}
}

func policyOf(p *tierv1.Policy) caller.Policy {
	return caller.Policy{
		Operations: p.GetOperations(), Rate: int(p.GetRate()), Burst: int(p.GetBurst()), DailyQuota: int(p.GetDailyQuota()),
		SuppressNotifications: p.GetSuppressNotifications(), VerifiedContacts: p.GetVerifiedContacts(),
		EnumerationSafe: p.GetEnumerationSafe(), Shadow: p.GetShadow(),
	}
}
