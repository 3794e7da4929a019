// Package outbox brings notifications from the database to the queue.
//
// What may be relied on: a committed notification is published at least once,
// and again after a while (see Grace) until it is settled, whatever crashes in
// between, and within seconds where the queue says that it has lost messages
// (see Losses); a queue that is down delays and loses nothing. What may not: that
// it is published once only.
//
// Events are brought to other systems likewise, but in their order, and a broker's
// acknowledgment deletes them: see Events.
//
// A Relay publishes what its own process has just committed at once; the one
// relay that holds the lease also publishes all that is due in the database.
package outbox
