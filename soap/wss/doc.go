// Package wss reads the Security header of WS-Security 1.0 to 1.1.1: a
// UsernameToken with PasswordText or PasswordDigest, and a Timestamp.
//
// To be relied on: what is not verified is never ignored. A Security header
// for this node that holds a signature, anything encrypted or any other token
// is a fault, and so are two headers, two tokens and two timestamps, so that no
// one can wrap what another part of the program would take for verified. A
// Timestamp that is expired, from the future or unreadable is a fault also
// where no credential is asked for. Reasons of faults hold no value of the
// request, and a Token never prints its password.
//
// Not to be relied on: whether the password is right, and whether a nonce was
// seen before, is for whoever accepts the token. Nothing binds a token to the
// rest of its message, so it proves no more than that its sender had the
// secret when it was made; only TLS keeps a PasswordText secret. A header of
// an earlier draft's namespace, and one for another actor or role, is not read.
package wss
