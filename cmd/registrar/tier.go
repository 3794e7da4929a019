package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"registrar/internal/config"
	"registrar/internal/telemetry"
	"registrar/internal/tier"
	"registrar/internal/transport"
)

// tierServerSettings are an application server's end of the hop. Whoever
// reaches it may register people in any caller's name, so that off loopback it
// answers only those who prove themselves.
func tierServerSettings(c config.Config) (tier.ServerSettings, error) {
	s := tier.ServerSettings{Within: telemetry.WithOrigin, Grace: c.ShutdownTimeout}
	if c.Tier.TLS.CertificateFile == "" {
		host, _, err := net.SplitHostPort(c.Tier.Listen)
		if err == nil && !config.IsLoopback(host) && !c.AllowUnauthenticated {
			err = fmt.Errorf("tier.listen %s is off loopback without tier.tls: anybody could register people in any caller's name. Set tier.tls, listen on 127.0.0.1, or set allow_unauthenticated if the network in between keeps strangers out", c.Tier.Listen)
		}
		return s, err
	}
	var err error
	s.TLS, _, err = mutualTLS(c)
	return s, err
}

// dialTier makes a web server's end of the hop.
func dialTier(c config.Config, log *slog.Logger) (*tier.Client, error) {
	s := tier.ClientSettings{Servers: c.Tier.Servers, NewID: newID, Origin: telemetry.Origin}
	if c.Tier.TLS.CertificateFile != "" {
		var err error
		if _, s.TLS, err = mutualTLS(c); err != nil {
			return nil, err
		}
	}
	return tier.Dial(s, log)
}

// mutualTLS is the same for both ends.
func mutualTLS(c config.Config) (server, client *tls.Config, err error) {
	files := c.Tier.TLS
	return transport.Mutual(transport.Pair{CertificateFile: files.CertificateFile, KeyFile: files.KeyFile, CAFile: files.CAFile})
}
