package config

import (
	"net"
	"strings"
	"time"

	"registrar/internal/address"
	"registrar/internal/registration"
)

func (v *validator) bounces(c Config) {
	b := c.Bounces
	if _, wrong := registration.ParseEmail(b.Address, address.DomainToASCII); b.Address != "" && wrong != nil {
		v.add("bounces.address", "must be an e-mail address that mail servers take, or empty", "write it like bounces@example.com")
	}
	for _, a := range b.Complaints {
		if _, wrong := registration.ParseEmail(a, address.DomainToASCII); wrong != nil {
			v.add("bounces.complaints", "must be e-mail addresses that mail servers take", "write them like complaints@example.com")
			break
		}
	}
	if strings.TrimSpace(b.Maildir) != b.Maildir {
		v.add("bounces.maildir", "must be a directory's path without spaces around it", "")
	}
	v.between("bounces.poll", b.Poll, 100*time.Millisecond, 10*time.Minute)
	v.between("bounces.keep", b.Keep, time.Hour, 365*24*time.Hour)
	if _, port, err := net.SplitHostPort(b.SMTPListen); b.SMTPListen != "" && (err != nil || !isPort(port, 0)) {
		v.add("bounces.smtp_listen", "must be host:port, or empty", "write it like 127.0.0.1:2525")
	}
	if b.SMTPListen != "" && (b.SMTPListen == c.Listen || b.SMTPListen == c.AdminListen) {
		v.add("bounces.smtp_listen", "is the address of another listener", "give each its own port")
	}
	if _, wrong := registration.ParseEmail(c.BounceAddress(), address.DomainToASCII); b.SMTPListen != "" && wrong != nil {
		v.add("bounces.smtp_listen", "takes mail for bounces.address alone, which is empty, and email.from is none that mail servers take", "set bounces.address")
	}
	if b.MaxBytes < 64<<10 || b.MaxBytes > 16<<20 {
		v.add("bounces.max_bytes", "must be 64KiB to 16MiB", "")
	}
}
