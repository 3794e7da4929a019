package config

import "time"

// Bounces is what mail servers send back: reports on what could not be
// delivered, and complaints.
type Bounces struct {
	// Address is what e-mail is sent on behalf of (the envelope's sender), so that servers return it there. "" is Email.From.
	Address string `koanf:"address"`
	// Complaints are further addresses that SMTPListen takes mail for, such as one that is registered for feedback loops.
	Complaints []string `koanf:"complaints"`
	// Maildir is a directory into which a mail server of this machine delivers what comes to these addresses. It is made
	// when it is missing. "" for none.
	Maildir string `koanf:"maildir"`
	// Poll is how often Maildir is looked at. 100 ms to 10 m.
	Poll time.Duration `koanf:"poll"`
	// Keep is after how long mail that was read is removed from Maildir. 1 h to 365 d.
	Keep time.Duration `koanf:"keep"`
	// SMTPListen is host:port at which the own mail server hands over what comes to these addresses, by SMTP without TLS
	// and sign-in. "" for none.
	SMTPListen string `koanf:"smtp_listen"`
	// MaxBytes is of one mail: of a larger one in Maildir the rest is not read, by SMTP it is refused. 64 KiB to 16 MiB.
	MaxBytes Bytes `koanf:"max_bytes"`
}

func defaultBounces() Bounces {
	return Bounces{Poll: 5 * time.Second, Keep: 7 * 24 * time.Hour, MaxBytes: 1 << 20}
}

// BounceAddress is the sender of the envelope of every e-mail.
func (c Config) BounceAddress() string {
	if c.Bounces.Address != "" {
		return c.Bounces.Address
	}
	return c.Email.From
}
