// Package registration is the domain: what an account is, when a request for
// one is right, and what registering means. It knows no wire format, no
// database and no queue; it says by interfaces what it asks of them.
//
// To be relied on: Register is idempotent by the caller's request id, also
// across crashes and servers; an account, its profile, the record of the
// request and its notifications are stored together or not at all; no network
// call and no password hashing happens inside the store's transaction.
//
// Not to be relied on: the order in which notifications of different channels
// arrive, and any timing but the deadlines.
package registration
