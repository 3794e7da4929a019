// Package xsd checks and binds XML against the part of XML Schema 1.0 that
// document/literal contracts are made of, and writes it.
//
// The part: global and local elements, named and anonymous types, sequences
// (minOccurs, maxOccurs, nillable), and restrictions of string, boolean, int,
// integer, long and dateTime by enumeration, pattern, length, minLength,
// maxLength, whiteSpace, minInclusive and maxInclusive, qualified throughout.
// Anything else in a schema is an error of Compile, never passed over.
//
// To be relied on: a value that Decode binds without a violation is valid
// against the schema, but for the order of children; one walk finds all that
// is wrong, up to MaxViolations; neither violations nor errors hold a value of
// the document; names of its elements and attributes they do.
//
// Not to be relied on: children may come in any order, as the meaning is
// plain. Encode writes what the schema asks for, in its order, but does not
// check facets: whoever fills a response answers for its values. Years other
// than 1 to 9999 are refused.
package xsd
