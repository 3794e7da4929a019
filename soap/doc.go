// Package soap serves a document/literal contract, given as a WSDL 1.1
// document and its schemas, over SOAP 1.1 and 1.2 on one URL.
//
// To be relied on: an operation's handler runs only for a request that is
// well-formed to its last byte, keeps every limit, is a right envelope of
// either version whose mandatory header blocks are all understood, and is
// valid against the schema that is served (but for the order of children).
// The answer is of the request's version. Every error, its own and those of
// handlers, becomes a fault by one function of the application; no text of an
// error reaches a caller otherwise. A panic in a handler becomes a fault too.
//
// Not to be relied on: deadlines are those of the http.Server and of the
// handlers; authentication and addressing are for HeaderHandlers; RPC/encoded
// messages, attachments (MTOM, SwA) and the HTTP GET binding are refused.
package soap
