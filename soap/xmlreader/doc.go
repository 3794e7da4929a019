// Package xmlreader is a strict, namespace-aware pull reader of XML 1.0 over a
// complete UTF-8 document in memory.
//
// To be relied on: a document that is read to EndDocument without an error is
// well-formed (XML 1.0, 5th edition) and namespace-well-formed (Namespaces in
// XML 1.0, 3rd edition), has no document type declaration and no processing
// instruction, and keeps every limit. Nothing is fetched, nothing is expanded
// but the five predefined entities and character references. Limits hold
// before anything is allocated for what exceeds them. Errors never hold text
// of the document.
//
// Not to be relied on: text arrives in as many pieces as comments and CDATA
// sections cut it into; consumers join it. Strings of tokens are parts of the
// document, so they keep it in memory.
package xmlreader
