package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"registrar/internal/caller"
)

// TestPolicyFlags: what is given changes, the rest stays, and the whole is
// checked as it then is.
func TestPolicyFlags(t *testing.T) {
	t.Parallel()
	before := caller.Caller{Name: "erp", CertificateSubject: "CN=erp", Policy: caller.Policy{Operations: []string{"Register"}, Rate: 10, Burst: 20, DailyQuota: 30, SuppressNotifications: true}}
	with := func(change func(*caller.Caller)) caller.Caller {
		c := before
		change(&c)
		return c
	}
	for _, tt := range []struct {
		args string
		want caller.Caller
		err  string
	}{
		{"--rate 5", with(func(c *caller.Caller) { c.Policy.Rate = 5 }), ""},
		{"--burst 0 --rate 0", with(func(c *caller.Caller) { c.Policy.Rate, c.Policy.Burst = 0, 0 }), ""},
		{"--daily-quota 1000000000", with(func(c *caller.Caller) { c.Policy.DailyQuota = 1_000_000_000 }), ""},
		{"--operations all", with(func(c *caller.Caller) { c.Policy.Operations = nil }), ""},
		{"--operations Register,GetRegistration,Register", with(func(c *caller.Caller) { c.Policy.Operations = []string{"GetRegistration", "Register"} }), ""},
		{"--suppress-notifications=false", with(func(c *caller.Caller) { c.Policy.SuppressNotifications = false }), ""},
		{"--verified-contacts", with(func(c *caller.Caller) { c.Policy.VerifiedContacts = true }), ""},
		{"--shadow", with(func(c *caller.Caller) { c.Policy.Shadow = true }), ""},
		{"--enumeration-safe --suppress-notifications=false", with(func(c *caller.Caller) { c.Policy.EnumerationSafe, c.Policy.SuppressNotifications = true, false }), ""},
		{"--enumeration-safe --suppress-notifications=false --shadow", before, "cannot be both"},
		{"--enumeration-safe --suppress-notifications=false --verified-contacts", before, "cannot be enumeration-safe too"},
		{"--enumeration-safe", before, "notifications cannot be suppressed"},
		{"--certificate-subject=", with(func(c *caller.Caller) { c.CertificateSubject = "" }), ""},
		{"--certificate-subject=cn=portal", with(func(c *caller.Caller) { c.CertificateSubject = "CN=portal" }), ""},
		{"--rate 0", before, "burst without a rate"},
		{"--rate 1000001", before, "--rate must be"},
		{"--burst -1", before, "--burst must be"},
		{"--daily-quota 1000000001", before, "--daily-quota must be"},
		{"--operations=", before, "--operations names none"},
		{"--operations=,", before, `no operation ""`},
		{"--operations register", before, `no operation "register"`},
		{"--operations all,Register", before, `no operation "all"`},
		{"--certificate-subject=portal", before, "distinguished name"},
	} {
		var flags policyFlags
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.add(fs)
		if flags.given(fs) {
			t.Error("given without any")
		}
		if err := fs.Parse(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		got := before
		err := flags.apply(fs, &got)
		if !flags.given(fs) {
			t.Errorf("%s is not given", tt.args)
		}
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: no %q in %v", tt.args, tt.err, err)
		case tt.err == "" && (err != nil || !reflect.DeepEqual(got, tt.want)):
			t.Errorf("%s: got %+v, %v", tt.args, got, err)
		}
	}
}

// TestEndingSecrets: the ones before end after the overlap at the latest, and
// those that are over are dropped.
func TestEndingSecrets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	of := func(expires ...time.Duration) (all []caller.Secret) {
		for i, d := range expires {
			s := caller.Secret{Hash: [32]byte{byte(i)}}
			if d != 0 {
				s.ExpiresAt = now.Add(d)
			}
			all = append(all, s)
		}
		return all
	}
	for _, tt := range []struct {
		overlap time.Duration
		before  []caller.Secret
		after   []time.Duration
	}{
		{24 * time.Hour, nil, nil},
		{24 * time.Hour, of(0), []time.Duration{24 * time.Hour}},
		{24 * time.Hour, of(0, time.Hour, 48*time.Hour, -time.Second), []time.Duration{24 * time.Hour, time.Hour, 24 * time.Hour}},
		{0, of(0, time.Hour, -time.Hour), nil},
	} {
		kept := slices.Clone(tt.before)
		var after []time.Duration
		for _, s := range ending(tt.before, now, tt.overlap) {
			after = append(after, s.ExpiresAt.Sub(now))
		}
		if !slices.Equal(after, tt.after) {
			t.Errorf("overlap %s: %v, want %v", tt.overlap, after, tt.after)
		}
		if !reflect.DeepEqual(kept, tt.before) {
			t.Error("what change was given is changed: it may run again")
		}
	}
}
