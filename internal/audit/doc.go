// Package audit is the audit log: who registered, verified, imported, exported
// and erased what, in a form in which a later change shows.
//
// # How it is made
//
// An entry is written in the transaction of what it tells, as a Record that is
// not chained yet, so that calls do not wait for each other. A moment later a
// Sealer, one of all servers by a lease, puts the records into the chain: each
// gets the next sequence number, the hash of the one before, and its own.
//
// A Record names its writer, a random id of the process, and a number, which
// the writer counts from 1. Where the writers have a key, it also has a MAC.
//
// # The encoding
//
// In what is hashed, every field is preceded by its length in octets; lengths
// and integers are 8 octets, big endian; times are microseconds since
// 1970-01-01 UTC; absent ids and digests are empty, and texts are UTF-8.
//
//	digest  = HMAC-SHA256(salt, external id)
//	content = id, time, action, outcome, caller, registration id, digest,
//	          correlation id, traceparent, detail, writer, number
//	mac     = HMAC-SHA256(key, "registrar audit record v1" content)
//	hash    = SHA-256("registrar audit entry v1" sequence previous content mac)
//
// previous of the first entry is empty. The external id is in the chain by its
// digest alone, whose salt is random, so that it can be erased for a person's
// sake and the chain stays whole.
//
// # What shows, and what does not
//
// In the chain, an edited, removed, inserted or moved entry shows at its place,
// to everybody, unless all that comes behind it was hashed anew as well. That,
// and an end that was cut off, shows against a Head that was kept elsewhere, and
// against none else. With a key that is not in the database, entries cannot be
// edited or made up by who has the database alone, also with all hashes made
// anew, and also before they are sealed.
//
// What explains a chain that is not all there is in the chain as well: a PRUNE
// tells up to which entry and hash the beginning was removed, and a BLANK, sealed
// behind them, names the entries whose external ids an erasure has removed, by the
// beginnings of their digests. Where none tells of it, the chain is broken. With no
// key such an entry can be made up, as any: that a pruning was meant then shows by
// the PrunedLine that was kept elsewhere, and that an erasure was by nothing.
//
// A record that is removed before it is sealed leaves a gap in its writer's
// numbers. So does a call whose outcome its server did not learn, and a process
// that died in the middle of one: a gap is a reason to look, and no proof. With
// no key, whoever has the database can number the records anew that are not
// sealed. The last records of a process leave no gap. That sealing is held up
// shows by the age of what waits for it.
//
// Nothing here shows that an entry was never written: who may change the
// program may do that.
package audit
