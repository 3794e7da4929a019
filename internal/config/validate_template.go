package config

import (
	"strings"

	"registrar/internal/address"
)

// codeDomain checks sms.code_domain. Browsers compare it with the page's host
// name, in ASCII; the line that holds it knows no port.
func (v *validator) codeDomain(domain string) {
	if domain == "" {
		return
	}
	if ascii, err := address.DomainToASCII(domain); err != nil || ascii != strings.ToLower(domain) {
		v.add("sms.code_domain", "must be a host name in ASCII, without https:// and port", "write it like login.example.com, other scripts like xn--mgbh0fb.example")
	}
}
