// Package gateway decides for each message who calls, whether it may, and
// whether it may now.
//
// To be relied on: a message that is refused here has had no effect, and is
// told neither what its operation's schema says of it nor whether its caller
// exists. A message with several credentials is accepted only if all of them
// are right and of one caller. A password that others may have seen on its way
// is not compared with anything. Logs and metrics hold no secret, and no name
// that is not a caller's.
//
// Not to be relied on: without any caller configured every message is let
// through. A digest proves who made a message's token, not who sent it, nor
// what else is in it.
package gateway
