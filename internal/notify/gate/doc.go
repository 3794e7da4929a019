// Package gate guards notification providers: it leaves one alone that does not
// work, and keeps to the rate that each may be used at.
//
// To be relied on:
//
//   - While a provider's breaker is open, Pass gives notify.ErrShut at once, to
//     those too that had waited already: another provider may be asked.
//   - In any time t no more messages pass than Rate times t and the burst, which
//     is 1 message or 50 ms of the rate, and as much again for one-time codes.
//   - A one-time code waits for nothing but the codes before it: for at most
//     one token's time where there are none, whatever else waits.
//   - Of what codes leave of the rate, marketing gets MarketingShare of the
//     rate, before transactional news; and all that nobody else wants.
//   - Messages of the lower priorities that wait together go in lots of up to
//     25 ms of the rate.
//   - Inside a priority the first to come is the first to go.
//
// Not to be relied on: a rate over several processes (each has its own), and
// marketing's share while one-time codes alone take the whole rate.
package gate
