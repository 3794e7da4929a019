package registration

import "context"

// Lookup is what a caller asks GetRegistration for: exactly one field beside
// Caller is set.
type Lookup struct {
	Caller         string
	RegistrationID string
	Username       string
	Email          string
	ExternalID     string
	// EnumerationSafe: the caller finds its own registrations alone, and none by an
	// e-mail address.
	EnumerationSafe bool
}

// Details gives the registration that l names, in any spelling of its keys.
// Errors are *Error: VALIDATION_FAILED, NOT_FOUND, FORBIDDEN, UNAVAILABLE, INTERNAL.
func (s *Service) Details(ctx context.Context, l Lookup) (Details, error) {
	key, wrong := s.Rules.key(l)
	if wrong != nil {
		return Details{}, NewError(ValidationFailed, "The request is not valid.", *wrong)
	}
	if l.EnumerationSafe && key.isAddress() {
		return Details{}, errAddressLookup
	}
	details, err := s.Store.Details(ctx, key)
	switch {
	case err != nil:
		return Details{}, unavailable(ctx, err)
	case l.EnumerationSafe && details.Account.Caller != l.Caller:
		return Details{}, ErrNotFound
	}
	details.concealPhantom()
	return details, nil
}

// CheckLookup gives everything that is wrong with l.
func (rules Rules) CheckLookup(l Lookup) []FieldError {
	if _, wrong := rules.key(l); wrong != nil {
		return []FieldError{*wrong}
	}
	return nil
}

// key is the canonical key that l names.
func (rules Rules) key(l Lookup) (Key, *FieldError) {
	key := Key{Caller: l.Caller}
	named := 0
	for _, s := range []string{l.RegistrationID, l.Username, l.Email, l.ExternalID} {
		if s != "" {
			named++
		}
	}
	if named != 1 {
		return key, &FieldError{"GetRegistrationRequest", "EXACTLY_ONE", "must name exactly one of registrationId, username, email, externalId"}
	}
	switch {
	case l.RegistrationID != "":
		id, err := ParseID(l.RegistrationID)
		if err != nil {
			return key, &FieldError{"registrationId", "UUID", "is not a UUID in its 36-character form"}
		}
		key.ID = id
	case l.Username != "":
		username, wrong := ParseUsername(l.Username)
		if wrong != nil {
			return key, wrong
		}
		key.Username = username.Key
	case l.Email != "":
		email, wrong := ParseEmail(l.Email, rules.DomainToASCII)
		if wrong != nil {
			return key, wrong
		}
		key.Email = email.Key
	default:
		key.ExternalID = l.ExternalID
	}
	return key, nil
}
