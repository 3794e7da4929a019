package config

import (
	"strings"

	"registrar/internal/address"
)

// DKIM says how e-mail is signed (RFC 6376), where the mail server does not sign
// it itself. With both keys each message has both signatures, as RFC 8463 has it
// for receivers that do not know Ed25519. An RSA signature takes about a
// millisecond of a processor, one of Ed25519 a fiftieth of that.
type DKIM struct {
	// Domain that answers for the mail; its DNS holds the public keys. "" is that of Email.From.
	Domain string `koanf:"domain"`
	// RSASelector names the public key in DNS: RSASelector._domainkey.Domain.
	RSASelector string `koanf:"rsa_selector"`
	// RSAKeyFile holds a private key of 2,048 bits or more in PEM form. "" for none.
	RSAKeyFile string `koanf:"rsa_key_file"`
	// Ed25519Selector names the other public key.
	Ed25519Selector string `koanf:"ed25519_selector"`
	// Ed25519KeyFile holds its private key in PEM form. "" for none.
	Ed25519KeyFile string `koanf:"ed25519_key_file"`
}

func (v *validator) dkim(d DKIM) {
	if d.Domain != "" {
		if _, err := address.DomainToASCII(d.Domain); err != nil {
			v.add("email.dkim.domain", "must be a host name", "write it like example.com, or leave it empty")
		}
	}
	for _, k := range []struct{ name, selector, file string }{
		{"email.dkim.rsa_", d.RSASelector, d.RSAKeyFile},
		{"email.dkim.ed25519_", d.Ed25519Selector, d.Ed25519KeyFile},
	} {
		switch {
		case k.file == "" && k.selector != "":
			v.add(k.name+"selector", "is set without a key file", "name the file of the private key, or remove the selector")
		case k.file != "" && k.selector == "":
			v.add(k.name+"key_file", "is set without a selector", "name the public key in DNS, such as 2026a for 2026a._domainkey below the domain")
		case k.file != "" && !isSelector(k.selector):
			v.add(k.name+"selector", "must be a name in DNS", "write it like 2026a")
		}
	}
	if d.RSAKeyFile != "" && d.Ed25519KeyFile != "" && strings.EqualFold(d.RSASelector, d.Ed25519Selector) {
		v.add("email.dkim.ed25519_selector", "is the same as email.dkim.rsa_selector", "publish each key at its own name")
	}
}

// isSelector: labels of letters, digits and hyphens (RFC 6376 section 3.1).
func isSelector(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
			return false
		}
	}
	return true
}
