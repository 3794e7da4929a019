package main

import (
	"testing"

	"registrar/internal/registration"
)

func TestMasked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		channel         registration.Channel
		recipient, want string
	}{
		{registration.EmailChannel, "amina@example.com", "a***@e***.com"},
		{registration.EmailChannel, "a@b.example.co.uk", "a***@b***.uk"},
		{registration.EmailChannel, "émile@bücher.example", "é***@b***.example"},
		{registration.EmailChannel, "registrar@localhost", "r***@l***"},
		{registration.EmailChannel, "nobody", "***"},
		{registration.EmailChannel, "", "***"},
		{registration.SMSChannel, "+966512345678", "+9665******78"},
		{registration.SMSChannel, "+4712345", "********"},
		{registration.SMSChannel, "", ""},
	} {
		if got := masked(c.channel, c.recipient); got != c.want {
			t.Errorf("%q is shown as %q, want %q", c.recipient, got, c.want)
		}
	}
}
