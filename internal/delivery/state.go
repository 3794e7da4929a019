package delivery

import "registrar/internal/registration"

// next lists what a report changes: the ledger's state, what is told, and the
// state that follows. Whatever is not here stays as it is:
//
//   - DELIVERED is final; a failure that is told afterwards is of a copy.
//   - FAILED is final too: of a message of several parts one has not arrived,
//     or the report is a second one.
//   - EXPIRED was taken by no provider, so nobody can know of it.
//   - QUEUED, CLAIMED and SENDING are somebody's that works on it.
var next = map[[2]registration.State]registration.State{
	{registration.Accepted, registration.Delivered}: registration.Delivered,
	{registration.Accepted, registration.Failed}:    registration.Failed,
	{registration.Unknown, registration.Delivered}:  registration.Delivered,
	{registration.Unknown, registration.Failed}:     registration.Failed,
}

// After is the state of a notification in state current when a provider has
// told another one. Of what providers tell DELIVERED and FAILED count;
// everything else, such as "on its way", leaves it as it is.
func After(current, told registration.State) registration.State {
	if s, found := next[[2]registration.State{current, told}]; found {
		return s
	}
	return current
}
