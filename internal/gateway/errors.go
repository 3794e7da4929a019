package gateway

import (
	"errors"
	"fmt"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/soap"
	"registrar/soap/wss"
)

// ErrNoCredential is for a message that says nothing of who calls. To be
// compared with errors.Is; Challenge is what to answer it with.
var ErrNoCredential = fmt.Errorf("gateway: %w", registration.NewError(registration.Unauthenticated,
	"The caller is not authenticated: the request has no credential. Send a user name and a password by HTTP Basic or in a WS-Security UsernameToken, or use a client certificate."))

// What else a caller is told. None of it depends on who is a caller.
var (
	errNoCredentialInTheClear = noCredentialError{registration.NewError(registration.Unauthenticated,
		"The caller is not authenticated: the request has no credential. Over this connection, which others can read, a WS-Security UsernameToken with a PasswordDigest is taken; passwords are over TLS only.")}
	errInTheClear = fmt.Errorf("gateway: %w", registration.NewError(registration.Unauthenticated,
		"A password is taken over TLS only. This one has come over a connection that others can read and was not looked at: have it replaced, and use https or a PasswordDigest."))
	errAuthorization = fmt.Errorf("gateway: %w", registration.NewError(registration.Unauthenticated,
		"The Authorization header is not one of HTTP Basic with a user name and a password."))
	errTokenWrong = fmt.Errorf("gateway: %w (%w)", caller.ErrUnauthenticated, failed(caller.ErrUnauthenticated.Message))
	errReplayed   = fmt.Errorf("gateway: %w (%w)", registration.NewError(registration.Unauthenticated, replayed), failed(replayed))
)

const replayed = "The nonce of the UsernameToken was used before: each message needs its own."

// failed is for the subcode of a fault in SOAP 1.2.
func failed(reason string) *soap.Error {
	return &soap.Error{Kind: soap.Unauthenticated, Subcode: wss.FailedAuthentication, Reason: reason}
}

// noCredentialError is ErrNoCredential where a password would not be taken.
type noCredentialError struct{ told *registration.Error }

func (e noCredentialError) Error() string        { return "gateway: " + e.told.Error() }
func (e noCredentialError) Unwrap() error        { return e.told }
func (e noCredentialError) Is(target error) bool { return target == ErrNoCredential }

// challenge asks for HTTP Basic (RFC 7617).
const challenge = `Basic realm="registrar", charset="UTF-8"`

// Challenge is the WWW-Authenticate header for an error: "" but where HTTP
// Basic would have been taken and there was no credential.
func Challenge(err error) string {
	var clear noCredentialError
	if !errors.Is(err, ErrNoCredential) || errors.As(err, &clear) {
		return ""
	}
	return challenge
}
