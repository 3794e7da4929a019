// Package person is what a person may ask for: all that is held of them, and to
// be erased.
//
// What may be relied on: an erasure that was begun is finished by the next one
// that is asked for, whatever ended it; the account is gone first, so that
// nothing new is sent or stored of the person from then on; a message that is
// being sent is waited for, and is gone with the rest. A tombstone is kept, by
// which an import knows whom not to bring back. User name and address are free
// again.
//
// What stays: the audit log's entries, which name the registration and no
// person; reasons for which nothing is sent to an address or a number, as
// hashes, where the person has said so; counts under keyed hashes, which end by
// themselves. What has left (messages at providers, events that were
// published, backups, logs of the database) is not reached from here.
package person
