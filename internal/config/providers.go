package config

import "time"

// EmailProvider is one of several ways out of the e-mail channel.
type EmailProvider struct {
	// Name is the provider's in logs, metrics and the ledger: 1 to 32 of a-z, 0-9, - and _, a letter first. No other
	// provider has it, of the other channel neither.
	Name string `koanf:"name"`
	// Driver is smtp.
	Driver string `koanf:"driver"`
	// Rate is how many messages a second this process hands to it. 0 is without limit; at most 100,000.
	Rate int `koanf:"rate"`
	// MarketingShare is the part of Rate, in percent, that other news leaves to marketing. One-time codes go before both.
	// 0 to 90.
	MarketingShare int        `koanf:"marketing_share"`
	SMTP           SMTPServer `koanf:"smtp"`
}

// SMSProvider is one of several ways out of the SMS channel. Its keys are those
// of an EmailProvider; Driver is http or smpp.
type SMSProvider struct {
	Name           string      `koanf:"name"`
	Driver         string      `koanf:"driver"`
	Rate           int         `koanf:"rate"`
	MarketingShare int         `koanf:"marketing_share"`
	HTTP           HTTPGateway `koanf:"http"`
	SMPP           SMSC        `koanf:"smpp"`
}

// Timeout bounds one message.
func (p SMSProvider) Timeout() time.Duration {
	if p.Driver == SMPP {
		return p.SMPP.Timeout
	}
	return p.HTTP.Timeout
}

// defaultMarketingShare is in percent.
const defaultMarketingShare = 10

// EmailProviders are the providers of the e-mail channel in the order in which
// they are tried: Email.Providers, or the one that Email itself describes, which
// is named after its driver. There is always one.
func (c Config) EmailProviders() []EmailProvider {
	if len(c.Email.Providers) > 0 {
		return c.Email.Providers
	}
	e := c.Email
	return []EmailProvider{{Name: e.Driver, Driver: e.Driver, Rate: e.Rate, MarketingShare: e.MarketingShare, SMTP: e.SMTP}}
}

// SMSProviders are those of the SMS channel, as EmailProviders are.
func (c Config) SMSProviders() []SMSProvider {
	if len(c.SMS.Providers) > 0 {
		return c.SMS.Providers
	}
	s := c.SMS
	return []SMSProvider{{Name: s.Driver, Driver: s.Driver, Rate: s.Rate, MarketingShare: s.MarketingShare, HTTP: s.HTTP, SMPP: s.SMPP}}
}

// defaultSections are what a section of a list is before anything is written in
// it, by the list's key.
var defaultSections = map[string]any{
	"email.providers": EmailProvider{MarketingShare: defaultMarketingShare, SMTP: defaultSMTP()},
	"sms.providers":   SMSProvider{MarketingShare: defaultMarketingShare, HTTP: defaultHTTP(), SMPP: defaultSMPP()},
}

func defaultSMTP() SMTPServer {
	return SMTPServer{Port: 587, Security: "starttls", WarmConnections: 1, Timeout: 30 * time.Second}
}

func defaultHTTP() HTTPGateway {
	return HTTPGateway{Method: "POST", Timeout: 10 * time.Second}
}
