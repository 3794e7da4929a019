// Package address reads domain names and mobile telephone numbers with the
// libraries that know their rules, so that package registration need not.
//
// To be relied on: two spellings of one name or number give the same answer.
//
// Not to be relied on: that the name resolves or that anybody has the number.
// Which numbers are valid comes with phonenumbers' metadata and changes with
// its version.
package address
