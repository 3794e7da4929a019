// Package inbox is the channel for a machine without mail and SMS providers:
// messages stay in the database, people read them on a page, and programs read
// them in the shape of Mailpit's API.
//
// What may be relied on: a message is there once for each notification, however
// often it is sent; an HTML mail runs no script and loads nothing. What may not:
// the page asks nobody for a password, so it must be served where only those
// come who may read every message.
package inbox
