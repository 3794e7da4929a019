// Package transport is the sockets of a service: TLS whose certificates are
// read again when they change, the PROXY protocol, and a bound on connections.
//
// To be relied on: who a peer is, and that its connection is secure, is
// believed from a proxy only if it is one of Settings.Proxies; at the bound a
// waiting connection makes room for a new one, a busy one never does.
//
// Not to be relied on: the bound counts connections, not what they send.
package transport
