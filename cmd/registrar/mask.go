package main

import (
	"strings"
	"unicode/utf8"

	"registrar/internal/registration"
)

// masked shows of an address or a number enough to recognize it by who knows
// it: a***@e***.com, +9665*****78.
func masked(channel registration.Channel, recipient string) string {
	if channel == registration.EmailChannel {
		return maskedAddress(recipient)
	}
	const head, tail = 5, 2
	if len(recipient) < head+tail+3 {
		return strings.Repeat("*", len(recipient))
	}
	return recipient[:head] + strings.Repeat("*", len(recipient)-head-tail) + recipient[len(recipient)-tail:]
}

func maskedAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return "***"
	}
	domain := address[at+1:]
	top := ""
	if dot := strings.LastIndexByte(domain, '.'); dot > 0 {
		domain, top = domain[:dot], domain[dot:]
	}
	return firstLetter(address[:at]) + "***@" + firstLetter(domain) + "***" + top
}

func firstLetter(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}
