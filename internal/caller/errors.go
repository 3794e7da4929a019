package caller

import (
	"errors"

	"registrar/internal/registration"
)

// What the parts answer; to be compared with errors.Is.
var (
	ErrExists       = errors.New("caller: there is a caller of this name already")
	ErrUnknown      = errors.New("caller: there is no caller of this name")
	ErrSubjectTaken = errors.New("caller: another caller has this certificate subject")
	ErrReplayed     = errors.New("caller: the nonce was used before")
)

// What a caller is told.
var (
	// ErrUnauthenticated is the same for every wrong credential: which part of it is wrong is told to nobody.
	ErrUnauthenticated = registration.NewError(registration.Unauthenticated, "The caller is not authenticated: its credential is not valid.")
	ErrForbidden       = registration.NewError(registration.Forbidden, "The caller may not use this operation.")
)
