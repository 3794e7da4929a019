package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"registrar/internal/caller"
	"registrar/wsdl"
)

const (
	mostRate  = 1_000_000
	mostBurst = 1_000_000
	mostQuota = 1_000_000_000
)

// policyFlags are the flags that say what a caller may do, and its certificate.
type policyFlags struct {
	operations         []string
	rate, burst, quota int
	suppress, verified bool
	safe, shadow       bool
	certificateSubject string
}

// allOperations is how every operation is written, as none is kept.
const allOperations = "all"

func (f *policyFlags) add(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.operations, "operations", nil, "`names` of the operations that it may use, with commas between, of "+strings.Join(wsdl.Operations(), ", ")+"; or all (the default)")
	fs.IntVar(&f.rate, "rate", 0, "calls a second, over all servers together; 0 is without limit")
	fs.IntVar(&f.burst, "burst", 0, "calls at once after a pause; 0 is as many as --rate")
	fs.IntVar(&f.quota, "daily-quota", 0, "calls a day (UTC), over all servers together; 0 is without limit")
	fs.BoolVar(&f.suppress, "suppress-notifications", false, "tell nobody of its registrations, for a backfill of people who know")
	fs.BoolVar(&f.verified, "verified-contacts", false, "it has verified the contacts of those whom it registers: accounts are ACTIVE at once, and no codes are sent")
	fs.BoolVar(&f.safe, "enumeration-safe", false, "tell it nothing by which addresses that have an account differ from others, also not by time; the account's owner gets a mail instead")
	fs.BoolVar(&f.shadow, "shadow", false, "check and answer its registrations as if, keep and send nothing of them, and compare with its callerOutcome (registrar shadow)")
	fs.StringVar(&f.certificateSubject, "certificate-subject", "", "distinguished `name` in its client certificate (RFC 4514), such as 'CN=erp,O=Acme'")
}

// given says whether any of them is on the command line.
func (f *policyFlags) given(fs *pflag.FlagSet) bool {
	return slices.ContainsFunc([]string{"operations", "rate", "burst", "daily-quota", "suppress-notifications", "verified-contacts", "enumeration-safe", "shadow", "certificate-subject"}, fs.Changed)
}

// apply changes what is on the command line. The whole is checked, as it then
// is.
func (f *policyFlags) apply(fs *pflag.FlagSet, c *caller.Caller) error {
	var err error
	if fs.Changed("operations") {
		if c.Policy.Operations, err = operationsOf(f.operations); err != nil {
			return err
		}
	}
	for _, n := range []struct {
		flag  string
		value int
		most  int
		to    *int
	}{
		{"rate", f.rate, mostRate, &c.Policy.Rate},
		{"burst", f.burst, mostBurst, &c.Policy.Burst},
		{"daily-quota", f.quota, mostQuota, &c.Policy.DailyQuota},
	} {
		if !fs.Changed(n.flag) {
			continue
		}
		if n.value < 0 || n.value > n.most {
			return fmt.Errorf("--%s must be 0 to %d", n.flag, n.most)
		}
		*n.to = n.value
	}
	if c.Policy.Burst > 0 && c.Policy.Rate == 0 {
		return errors.New("a burst without a rate limits nothing: give --rate too, or --burst 0")
	}
	for _, b := range []struct {
		flag  string
		value bool
		to    *bool
	}{
		{"suppress-notifications", f.suppress, &c.Policy.SuppressNotifications},
		{"verified-contacts", f.verified, &c.Policy.VerifiedContacts},
		{"enumeration-safe", f.safe, &c.Policy.EnumerationSafe},
		{"shadow", f.shadow, &c.Policy.Shadow},
	} {
		if fs.Changed(b.flag) {
			*b.to = b.value
		}
	}
	if err := c.Policy.Check(); err != nil {
		return err
	}
	if !fs.Changed("certificate-subject") {
		return nil
	}
	c.CertificateSubject = ""
	if f.certificateSubject != "" {
		c.CertificateSubject, err = caller.ParseSubject(f.certificateSubject)
	}
	return err
}

// operationsOf checks names of operations. Every one is all, which has to be
// asked for: an empty variable of a script is not to open what it should close.
func operationsOf(names []string) ([]string, error) {
	if slices.Equal(names, []string{allOperations}) {
		return nil, nil
	}
	known := wsdl.Operations()
	if len(names) == 0 {
		return nil, fmt.Errorf("--operations names none: give some of %s, or all", strings.Join(known, ", "))
	}
	var operations []string
	for _, name := range names {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("--operations: there is no operation %q: they are %s, or all", name, strings.Join(known, ", "))
		}
		operations = append(operations, name)
	}
	slices.Sort(operations)
	return slices.Compact(operations), nil
}
