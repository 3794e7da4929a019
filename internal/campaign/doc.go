// Package campaign sends marketing to those who consented to it: who gets it,
// when, and how they end it.
//
// What may be relied on: a person gets at most one notification of a campaign,
// whatever crashes and however many servers run, and exactly one if they were
// to get it when the Feeder came to their account; who has no consent, no
// verified contact or a suppressed one gets none; pausing and cancelling hold
// at once for whatever no notifier has claimed.
//
// What may not: that a notification is sent. That is the ledger's, which never
// repeats marketing whose outcome is unknown. Nor that people who registered,
// consented or became active after the Feeder passed their account are reached.
package campaign
