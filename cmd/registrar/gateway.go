package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"registrar/internal/caller"
	"registrar/internal/config"
	"registrar/internal/endpoint"
	"registrar/internal/gateway"
)

// openGateway reads the callers, and makes what decides about their messages.
func (p *parts) openGateway(ctx context.Context, c config.Config) error {
	sealer, err := callerSealer(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	p.directory, err = caller.OpenDirectory(ctx, caller.Settings{Refresh: c.Callers.Refresh}, p.db.Callers(), sealer, p.log)
	if err != nil {
		return err
	}
	if p.peers.Proxies, err = c.Proxies(); err != nil {
		return err
	}
	settings := gateway.Settings{
		Secure:  p.peers.Secure,
		Observe: func(name string, result gateway.Result) { p.metrics.Admission(name, string(result)) },
	}
	p.gateway = gateway.New(settings, p.directory, caller.NewLimiter(p.db.Usage(), time.Now), p.db.Nonces(), p.log)
	return p.mayListen(c)
}

// callerOf is who calls, as the operations see it.
func callerOf(ctx context.Context) endpoint.Caller {
	c, _ := gateway.Caller(ctx)
	return endpoint.Caller{Name: c.Name, Silent: c.Policy.SuppressNotifications, Verified: c.Policy.VerifiedContacts}
}

// mayListen refuses to answer strangers: a registration service that anybody
// may call has to be asked for in so many words.
func (p *parts) mayListen(c config.Config) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	switch {
	case config.IsLoopback(host) || p.directory.Configured():
		return nil
	case c.AllowUnauthenticated:
		p.log.Warn("listening off loopback without callers: anybody who reaches this address may call", "setting", "allow_unauthenticated")
		return nil
	default:
		return fmt.Errorf("%s is off loopback, and no caller is configured: anybody could call. Add one by registrar caller add, listen on 127.0.0.1, or set allow_unauthenticated if the network in front keeps strangers out", c.Listen)
	}
}
