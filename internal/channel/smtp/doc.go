// Package smtp hands e-mail to a mail server by SMTP (RFC 5321), over
// connections that are kept open between messages.
//
// What may be relied on: a message has the Message-ID of its notification, so a
// receiver can tell a repeated one; an error says whether the server has refused
// the message, has not taken it, or may have taken it, and never holds an
// address. What may not: acceptance by the server is not delivery.
package smtp
