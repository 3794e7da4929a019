// Package unsubscribe is the page behind the link in each campaign's message,
// and the address that mail programs post to (RFC 8058).
//
// What may be relied on: a GET changes nothing, whoever follows links; a POST
// needs neither cookie nor sign-in nor script, is answered without a redirect,
// and may be repeated; a page asks for nothing from elsewhere and cannot be
// framed.
//
// What may not: that whoever uses a link is the person it was sent to. It
// leads to nothing else than this one wish.
package unsubscribe
