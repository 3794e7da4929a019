package delivery_test

import (
	"testing"

	"registrar/internal/delivery"
	"registrar/internal/registration"
)

var states = []registration.State{
	registration.Queued, registration.Claimed, registration.Sending, registration.Accepted,
	registration.Delivered, registration.Failed, registration.Expired, registration.Unknown,
}

// TestAfter is every state with everything that may be told.
func TestAfter(t *testing.T) {
	t.Parallel()
	changes := map[[2]registration.State]registration.State{
		{registration.Accepted, registration.Delivered}: registration.Delivered,
		{registration.Accepted, registration.Failed}:    registration.Failed,
		{registration.Unknown, registration.Delivered}:  registration.Delivered,
		{registration.Unknown, registration.Failed}:     registration.Failed,
	}
	for _, current := range states {
		for _, told := range append([]registration.State{""}, states...) {
			want := current
			if changed, found := changes[[2]registration.State{current, told}]; found {
				want = changed
			}
			if got := delivery.After(current, told); got != want {
				t.Errorf("%s, told %q, is %s, want %s", current, told, got, want)
			}
		}
	}
}
