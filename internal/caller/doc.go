// Package caller is the systems that may call the service: who they are, how
// they prove it, what they may do and how often.
//
// To be relied on: a wrong credential of a known caller and any credential of
// an unknown one get the same answer after the same work; a nonce is good for
// one message at all servers together; the limits of a policy hold over all
// servers together. No secret is kept that can be read from the database alone.
//
// Not to be relied on: a change of a caller holds at every server only after
// Settings.Refresh.
package caller
