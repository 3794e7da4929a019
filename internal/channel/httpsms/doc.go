// Package httpsms hands SMS to a gateway by one templated HTTP request, which
// fits Twilio, Vonage and most national gateways.
//
// What may be relied on: a request is sent at most once for each Send; redirects
// are not followed; no error holds the number, the text, a secret or the URL.
// What may not: that a gateway which answers 200 with an error in the body has
// taken the message. Such a gateway needs another Sender.
package httpsms
