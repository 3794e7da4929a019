// Package sms knows how a text travels as short messages: in which alphabet,
// and in how many parts (3GPP TS 23.038 and TS 23.040).
//
// What may be relied on: Split loses nothing, no part is longer than fits, and
// no part ends within a character. What may not: that a phone can show what
// UCS-2 carries.
package sms
