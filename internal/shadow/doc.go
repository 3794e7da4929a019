// Package shadow compares what registrations come to here with what they came
// to at the caller, for callers in shadow mode: systems that still register
// people by themselves, and ask here what would have become of it.
//
// To be relied on: a comparison holds keys of the caller's own, outcomes, and
// the names of elements and rules, and nothing of what a person has typed; a
// request with a request id is compared once, however often it is sent.
//
// Not to be relied on: that every request is compared. One that could not be
// decided is not, and one whose comparison could not be stored in time is lost
// and counted as such.
package shadow
