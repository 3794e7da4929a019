package config

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Campaigns are marketing to many: registrar campaign --help.
type Campaigns struct {
	// Queued is how many campaign messages may be queued and not settled, of all campaigns together. 1,000 to 100,000,000.
	Queued int `koanf:"queued"`
	// UnsubscribeURL is the page behind the link in each of their messages, as recipients reach it: https, at this service's
	// path /unsubscribe. "" is that path at PublicURL; without both, messages have no such link, and e-mail of campaigns is
	// handed to the inbox alone.
	UnsubscribeURL string `koanf:"unsubscribe_url"`
	// Key signs these links: 32 octets in base64, the same at every server. KeyFile holds it instead. At most one of them;
	// without one it is derived from that of Codes. With another key all links that were sent are void: give that of Codes
	// here before it is changed there.
	Key     Secret `koanf:"key"`
	KeyFile string `koanf:"key_file"`
}

// UnsubscribePath is where this service has the page.
const UnsubscribePath = "/unsubscribe"

// UnsubscribePage is the address of the page; "" where recipients cannot reach it.
func (c Config) UnsubscribePage() string {
	switch {
	case c.Campaigns.UnsubscribeURL != "":
		return c.Campaigns.UnsubscribeURL
	case c.PublicURL != "":
		return strings.TrimSuffix(c.PublicURL, "/") + UnsubscribePath
	default:
		return ""
	}
}

// linkKeyBytes is the size of the key that signs links.
const linkKeyBytes = 32

func (v *validator) campaigns(c Campaigns) {
	v.number("campaigns.queued", c.Queued, 1000, 100_000_000)
	if c.UnsubscribeURL != "" {
		// RFC 8058 section 3.1: the link must be HTTPS. On loopback nobody else can hear.
		u, err := url.Parse(c.UnsubscribeURL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
			v.add("campaigns.unsubscribe_url", "must be an https address without user, query and fragment", "write it like https://mail.example.com/unsubscribe")
		}
	}
	if c.Key != "" {
		if key, err := base64.StdEncoding.DecodeString(c.Key.Reveal()); err != nil || len(key) != linkKeyBytes {
			v.add("campaigns.key", "must be 32 octets in base64", "make one by openssl rand -base64 32")
		}
	}
}
