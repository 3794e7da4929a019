// Package smpp hands SMS to a message centre by SMPP 3.4, over a transceiver
// bind that is kept, and takes the delivery receipts that come back by it.
//
// What may be relied on: an error says whether the message centre has refused
// a message, has not taken it, or may have taken it, and never holds a number
// or a text; no Send outlives its context, whatever the message centre does; a
// receipt is acknowledged once it is kept, and asked for again where it cannot
// be. What may not: acceptance is not delivery, receipts come late, twice or
// never, and a message of several parts may have been taken in part when it
// fails.
//
// The PDUs are those of gosmpp; bind, window and reconnection are this
// package's.
package smpp
