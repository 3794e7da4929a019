// Package store keeps accounts, the notifications' ledger, the outbox, the
// local inbox and the callers with what they have used in a relational
// database: MariaDB, also as a Galera cluster, or a SQLite file.
//
// To be relied on: what a method acknowledged is on disk; a method either did
// all that it says or nothing; transactions that the database aborts are
// repeated until the context's deadline; one whose outcome is unknown is
// looked up and never told as done or as taken by guess. Uniqueness is the
// database's own. Errors hold no driver's text, since that quotes values.
//
// On SQLite those who wait for the writer at the same time share one
// transaction, and one sync of the disk; each is answered after it, as if it
// had been alone.
//
// Not to be relied on: the order in which rows committed at once become
// visible, and, on a cluster, a connection's node staying the same.
//
// Methods without a deadline of their caller give up after retryLimit.
package store
