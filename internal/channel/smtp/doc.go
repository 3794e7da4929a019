// Package smtp hands e-mail to a mail server by SMTP (RFC 5321), over
// connections that are kept open between messages, signed by DKIM (RFC 6376)
// where it has keys.
//
// What may be relied on: a message has the Message-ID of its notification, so a
// receiver can tell a repeated one, and reports on it name the notification (RFC
// 3461); an error says whether the server has refused the message, has not
// taken it, or may have taken it, whose failure it is, and never holds an
// address. What may not: acceptance by the server is not delivery.
package smtp
