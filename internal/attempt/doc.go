// Package attempt has the keyed hashes by which tries to verify passwords are
// counted, and forgets the counts that are over.
//
// To be relied on: whoever has the database and not the key does not learn from
// the counts which logins and origins there are, not by trying them either; a
// hash is of one kind, and none of another kind is the same.
//
// Not to be relied on: how many tries there are. That is package
// registration's, and counted by the store.
package attempt
