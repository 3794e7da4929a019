// Package bounce reads what mail servers send back: delivery status
// notifications (RFC 3464) and complaints in the Abuse Reporting Format (RFC
// 5965), from a Maildir or by SMTP.
//
// What may be relied on: a mail is taken, or moved away, once what it says is
// in the ledger, and otherwise comes again; no mail, however made, takes more
// than its bounded size of memory. What may not: that a report is true. Anybody
// may write one; the ledger believes those only that know a notification's id
// and its recipient.
package bounce
