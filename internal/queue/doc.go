// Package queue carries notifications in lanes through Kafka, or anything that
// speaks its protocol.
//
// What may be relied on: a message that Publish acknowledged is on the disks
// that the topic's settings ask for; it is handled at least once; messages of
// one lane and recipient are handled in the order in which they were published
// one after the other; a lane waits for no other lane; an offset is committed
// only when everything before it has been handled.
//
// What may not: a message may be handled more than once, also at the same time
// by two members while a group rebalances, and what was published at the same
// time or again after an error has no order. Whoever handles messages keeps a
// ledger against that.
//
// It is the only package that knows the client library.
package queue
