// Package verification makes one-time codes, and knows them again.
//
// To be relied on: a code is six digits, each of the million as likely as any
// other; whoever has the database and not the key learns nothing of a code but
// by trying all of them at the service; a MAC or a sealed code is good for the
// account, the channel and the issue that it was made for, and for nothing
// else; no error holds a code.
//
// Not to be relied on: how often a code may be tried and how long it is good.
// That is package registration's, and counted by the store.
package verification
