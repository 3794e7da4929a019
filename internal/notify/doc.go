// Package notify is the notification service: it takes what a lane of the queue
// leads to, renders it, hands it to a provider and keeps the ledger.
//
// What may be relied on: a notification is never lost, since the ledger and its
// outbox row outlive every queue message; no two notifiers hold one at the same
// time; a person gets it once, except after an attempt without an answer, where
// the lane's rule says whether it may be sent again (see Notifier). What may not
// be relied on: order between recipients, and an answer within the call that
// published the message.
package notify
