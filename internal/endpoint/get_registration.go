package endpoint

import (
	"context"

	"github.com/hooklift/gowsdl/soap"

	"registrar/internal/registration"
	edge "registrar/soap"
	"registrar/wsdl/registrationv1"
)

// checkGetRegistration counts a key that breaks the schema as named, though it
// is absent in in.
func (e *Endpoint) checkGetRegistration(in *registrationv1.GetRegistrationRequest, bySchema []edge.Violation) []edge.Violation {
	l := lookup(in)
	for _, v := range bySchema {
		key, named := map[string]*string{
			"registrationId": &l.RegistrationID, "username": &l.Username, "email": &l.Email, "externalId": &l.ExternalID,
		}[v.Element]
		if named && *key == "" {
			*key = "?" // nothing is looked up by it
		}
	}
	return violations(e.Rules.CheckLookup(l))
}

func (e *Endpoint) getRegistration(ctx context.Context, in *registrationv1.GetRegistrationRequest) (*registrationv1.GetRegistrationResponse, error) {
	l := lookup(in)
	c := e.Caller(ctx)
	l.Caller, l.EnumerationSafe = c.Name, c.EnumerationSafe
	d, err := e.Registrar.Details(ctx, l)
	if err != nil {
		return nil, err
	}
	out := &registrationv1.GetRegistrationResponse{
		RegistrationId:   element[registrationv1.RegistrationId](d.Account.ID.String()),
		Status:           element[registrationv1.Status](string(d.Account.Status)),
		Username:         element[registrationv1.Username](d.Account.Username.Text),
		Email:            element[registrationv1.Email](d.Account.Email.Text),
		FirstName:        element[registrationv1.PersonName](d.Profile.FirstName),
		LastName:         element[registrationv1.PersonName](d.Profile.LastName),
		MobileNumber:     element[registrationv1.MobileNumber](string(d.Account.Mobile)),
		Locale:           element[registrationv1.Locale](d.Profile.Locale),
		MarketingConsent: d.Profile.MarketingConsent,
		ExternalId:       element[registrationv1.ExternalId](d.Account.ExternalID),
		RegisteredAt:     soap.CreateXsdDateTime(d.Account.RegisteredAt, true),
		EmailVerifiedAt:  soap.CreateXsdDateTime(d.Account.EmailVerifiedAt, true),
		MobileVerifiedAt: soap.CreateXsdDateTime(d.Account.MobileVerifiedAt, true),
	}
	for _, n := range d.Notifications {
		out.Notification = append(out.Notification, &registrationv1.Notification{
			NotificationId: element[registrationv1.RegistrationId](n.ID.String()),
			Channel:        element[registrationv1.Channel](string(n.Channel)),
			Kind:           element[registrationv1.NotificationKind](string(n.Kind)),
			State:          element[registrationv1.NotificationState](string(n.State)),
			CreatedAt:      soap.CreateXsdDateTime(n.CreatedAt, true),
			UpdatedAt:      soap.CreateXsdDateTime(n.UpdatedAt, true),
			Deadline:       soap.CreateXsdDateTime(n.Deadline, true),
			Attempts:       int32(n.Attempts),
		})
	}
	return out, nil
}

func lookup(in *registrationv1.GetRegistrationRequest) registration.Lookup {
	return registration.Lookup{
		RegistrationID: text(in.RegistrationId),
		Username:       text(in.Username),
		Email:          text(in.Email),
		ExternalID:     text(in.ExternalId),
	}
}
