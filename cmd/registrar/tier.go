package main

import (
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
func tierServerSettings(c config.Config, metrics *telemetry.Metrics, log *slog.Logger) (tier.ServerSettings, error) {
	s := tier.ServerSettings{Within: telemetry.WithOrigin, TraceParent: telemetry.TraceParent, Grace: c.ShutdownTimeout, Served: metrics.TierServed}
	host, _, err := net.SplitHostPort(c.Tier.Listen)
	if err != nil {
		return s, fmt.Errorf("tier listen: %w", err)
	}
	mutual, err := mutualTLS(c, log)
	switch {
	case err != nil:
		return s, err
	case mutual != nil:
		s.TLS = mutual.Server()
	case config.IsLoopback(host):
	case c.AllowUnauthenticated:
		log.Warn("web servers' calls are taken off loopback without TLS: anybody who reaches this address may register people in any caller's name", "setting", "allow_unauthenticated")
	default:
		return s, fmt.Errorf("tier.listen %s is off loopback without tier.tls: anybody could register people in any caller's name. Set tier.tls, listen on 127.0.0.1, or set allow_unauthenticated if the network in between keeps strangers out", c.Tier.Listen)
	}
	return s, nil
}

// dialTier makes a web server's end of the hop.
func dialTier(c config.Config, metrics *telemetry.Metrics, log *slog.Logger) (*tier.Client, error) {
	s := tier.ClientSettings{Servers: c.Tier.Servers, NewID: newID, Origin: telemetry.Origin, Observer: tier.ClientObserver{
		Called: metrics.TierCall, Repeated: metrics.TierRepeat, GivenUp: metrics.TierGivenUp,
	}}
	mutual, err := mutualTLS(c, log)
	if err != nil {
		return nil, err
	}
	if mutual != nil {
		s.TLS = mutual.Client
	}
	client, err := tier.Dial(s, log)
	if err != nil {
		return nil, err
	}
	metrics.Web()
	metrics.Gauge("registrar_tier_servers", "Application servers that are connected, answer and take calls.", func() float64 { return float64(client.Serving()) })
	return client, nil
}

// mutualTLS is the same for both ends; nil is plain text.
func mutualTLS(c config.Config, log *slog.Logger) (*transport.Mutual, error) {
	files := c.Tier.TLS
	if files.CertificateFile == "" {
		return nil, nil
	}
	return transport.OpenMutual(transport.Pair{CertificateFile: files.CertificateFile, KeyFile: files.KeyFile, CAFile: files.CAFile}, log)
}
