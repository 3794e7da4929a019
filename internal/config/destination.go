package config

import (
	"net"
	"strconv"
)

// Destination is where a provider's messages go, without any secret: host:port
// of a server, the host of a gateway's URL, "" for the inbox.
func (p EmailProvider) Destination() string {
	if p.Driver == SMTP {
		return net.JoinHostPort(p.SMTP.Host, strconv.Itoa(p.SMTP.Port))
	}
	return ""
}

// Destination is where a provider's messages go, as an EmailProvider's.
func (p SMSProvider) Destination() string {
	switch p.Driver {
	case HTTP:
		return hostOnly(p.HTTP.URL)
	case SMPP:
		return net.JoinHostPort(p.SMPP.Host, strconv.Itoa(p.SMPP.Port))
	default:
		return ""
	}
}
