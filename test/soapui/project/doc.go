// Package project writes the SoapUI project of the service: a suite for each
// operation, one for the edge and one for callers, in both SOAP versions, with
// load tests. The last needs a service with callers and does not run by itself.
//
// To be relied on: the project opens and runs in SoapUI 4.0.1 and later, the
// open source edition included, which has no data sources (a table is a
// properties step here, and two scripts walk it). It runs again and again
// against the same service: each case makes names of its own. It holds the
// contract, so it opens without the service. What the service does on a
// default configuration is all that it asserts.
//
// Not to be relied on: what a person saves over the file is lost with the next
// `make generate`.
package project
