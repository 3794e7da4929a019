package config

import (
	"fmt"
	"regexp"
	"time"
)

// maxRate is in messages a second; maxMarketingShare in percent.
const (
	maxRate           = 100_000
	maxMarketingShare = 90
)

// providers checks the rates and the lists.
func (v *validator) providers(c Config) {
	v.pace("email.", c.Email.Rate, c.Email.MarketingShare)
	v.pace("sms.", c.SMS.Rate, c.SMS.MarketingShare)
	names := map[string]string{} // to the key that gives it
	v.alone(names, "email.", c.Email.Driver, c.Email.Rate, len(c.Email.Providers))
	v.alone(names, "sms.", c.SMS.Driver, c.SMS.Rate, len(c.SMS.Providers))
	for i, p := range c.Email.Providers {
		at := placeOf("email.", i, true)
		v.name(names, at+"name", p.Name)
		v.emailDriver(at+"driver", p.Driver, SMTP)
		v.pace(at, p.Rate, p.MarketingShare)
		v.smtp(at+"smtp.", p.SMTP, p.Driver == SMTP)
	}
	for i, p := range c.SMS.Providers {
		at := placeOf("sms.", i, true)
		v.name(names, at+"name", p.Name)
		v.smsDriver(at+"driver", p.Driver, HTTP, SMPP)
		v.pace(at, p.Rate, p.MarketingShare)
		v.http(at+"http.", p.HTTP, p.Driver == HTTP)
		v.smpp(at+"smpp.", p.SMPP, p.Driver == SMPP)
	}
}

// emailDriver checks a driver of e-mail. Those of the other channel are one
// letter away, and are no typing errors.
func (v *validator) emailDriver(key, driver string, allowed ...string) {
	if driver == SMPP || driver == HTTP {
		v.add(key, mustBe(allowed), driver+" is a driver of SMS: sms.driver or sms.providers")
		return
	}
	v.oneOf(key, driver, allowed...)
}

// smsDriver is as emailDriver.
func (v *validator) smsDriver(key, driver string, allowed ...string) {
	if driver == SMTP {
		v.add(key, mustBe(allowed), driver+" is a driver of e-mail: email.driver or email.providers")
		return
	}
	v.oneOf(key, driver, allowed...)
}

// leases checks that no provider may take so long that another notifier takes
// its message over.
func (v *validator) leases(c Config) {
	check := func(key string, used bool, timeout time.Duration) {
		if used && c.Notify.Lease < 2*timeout {
			v.add("notify.lease", "must be at least twice "+key, "raise it, so that no other notifier takes over a message that is being sent")
		}
	}
	for i, p := range c.EmailProviders() {
		check(placeOf("email.", i, len(c.Email.Providers) > 0)+"smtp.timeout", p.Driver == SMTP, p.SMTP.Timeout)
	}
	for i, p := range c.SMSProviders() {
		check(placeOf("sms.", i, len(c.SMS.Providers) > 0)+p.Driver+".timeout", p.Driver == HTTP || p.Driver == SMPP, p.Timeout())
	}
}

// placeOf is where a provider's keys are: email. or email.providers[0].
func placeOf(channel string, i int, listed bool) string {
	if !listed {
		return channel
	}
	return fmt.Sprintf("%sproviders[%d].", channel, i)
}

func (v *validator) pace(at string, rate, share int) {
	v.number(at+"rate", rate, 0, maxRate)
	v.number(at+"marketing_share", share, 0, maxMarketingShare)
}

// alone checks that a channel has its keys for a single provider, or a list.
func (v *validator) alone(names map[string]string, at, driver string, rate, listed int) {
	const next = "remove it; each provider of the list has its own"
	switch {
	case listed == 0:
		names[driver] = at + "driver"
	case driver != Inbox:
		v.add(at+"driver", "is set, and so is "+at+"providers", next)
	case rate != 0:
		v.add(at+"rate", "is set, and so is "+at+"providers", next)
	}
}

var providerName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// name checks that a provider is told from every other in metrics and in the ledger.
func (v *validator) name(names map[string]string, key, name string) {
	if !providerName.MatchString(name) {
		v.add(key, "must be 1 to 32 of a-z, 0-9, - and _, a letter first", "it is the provider's name in logs, metrics and the ledger")
		return
	}
	if other, taken := names[name]; taken {
		v.add(key, "is the same as "+other, "give each provider its own name")
		return
	}
	names[name] = key
}
