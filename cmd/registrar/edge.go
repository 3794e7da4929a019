package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"registrar/internal/caller"
	"registrar/internal/campaign"
	"registrar/internal/campaign/unsubscribe"
	"registrar/internal/config"
	"registrar/internal/endpoint"
	"registrar/internal/gateway"
	"registrar/internal/registration"
	"registrar/internal/telemetry"
	"registrar/internal/transport"
)

// backend is what the edge asks of the application: in the same process, or at
// an application server.
type backend struct {
	registrar endpoint.Registrar
	callers   caller.Source
	nonces    caller.Spender
	usage     caller.Usage
	consents  unsubscribe.Consents
}

// edge is what callers meet: the SOAP service with its gateway, and the page
// that people unsubscribe at.
type edge struct {
	backend   backend
	rules     registration.Rules
	directory *caller.Directory
	peers     transport.Peers
	gateway   *gateway.Gateway
	links     *campaign.Links // nil where there is no key to read them by
	draining  atomic.Bool
	metrics   *telemetry.Metrics
	log       *slog.Logger
}

// drain has each connection of a caller end with its next answer. Those that
// wait are left alone: a call may be on its way over them.
func (e *edge) drain() { e.draining.Store(true) }

// untilDrained is next until then.
func (e *edge) untilDrained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// openEdge reads the callers, and makes what decides about their messages.
func openEdge(ctx context.Context, c config.Config, b backend, rules registration.Rules, metrics *telemetry.Metrics, log *slog.Logger) (*edge, error) {
	e := &edge{backend: b, rules: rules, metrics: metrics, log: log}
	sealer, err := callerSealer(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	e.directory, err = caller.OpenDirectory(ctx, caller.Settings{Refresh: c.Callers.Refresh}, b.callers, sealer, log)
	if err != nil {
		return nil, err
	}
	if e.peers.Proxies, err = c.Proxies(); err != nil {
		return nil, err
	}
	settings := gateway.Settings{
		Secure:  e.peers.Secure,
		Observe: func(name string, result gateway.Result) { metrics.Admission(name, string(result)) },
	}
	e.gateway = gateway.New(settings, e.directory, caller.NewLimiter(b.usage, time.Now), b.nonces, log)
	return e, e.mayListen(c)
}

// callerOf is who calls, as the operations see it.
func callerOf(ctx context.Context) endpoint.Caller {
	c, _ := gateway.Caller(ctx)
	return endpoint.Caller{Name: c.Name, Silent: c.Policy.SuppressNotifications, Verified: c.Policy.VerifiedContacts, EnumerationSafe: c.Policy.EnumerationSafe, Shadow: c.Policy.Shadow}
}

// mayListen refuses to answer strangers: a registration service that anybody
// may call has to be asked for in so many words.
func (e *edge) mayListen(c config.Config) error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	switch {
	case config.IsLoopback(host) || e.directory.Configured():
		return nil
	case c.AllowUnauthenticated:
		e.log.Warn("listening off loopback without callers: anybody who reaches this address may call", "setting", "allow_unauthenticated")
		return nil
	default:
		return fmt.Errorf("%s is off loopback, and no caller is configured: anybody could call. Add one by registrar caller add, listen on 127.0.0.1, or set allow_unauthenticated if the network in front keeps strangers out", c.Listen)
	}
}
