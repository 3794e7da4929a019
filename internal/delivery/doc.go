// Package delivery knows what may become of a message after a provider has
// taken it over: delivery receipts of SMS gateways, and bounces and complaints
// of e-mail.
//
// What may be relied on: a state never goes back, a receipt that comes before
// its message is in the ledger is not lost while its gateway repeats it, and a
// report that names no message that was sent to that very recipient changes
// nothing, since anybody may write one. What may not: that anything comes back
// at all.
package delivery
