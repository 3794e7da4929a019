// Package export writes a caller's people to a file, for a system that takes
// registration back, or over.
//
// To be relied on: everybody is written who was there when it began, once, those
// with an external id first, in its order. Memory does not grow with the number of
// people. The file is there under its name when it is whole, and is its owner's
// alone. Each hash is in a form that the reader was said to verify, or empty, and
// counted.
//
// Not to be relied on: a state of one moment. Who is registered or changes while it
// runs is written as they were before or after.
package export
