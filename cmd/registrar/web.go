package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/telemetry"
	"registrar/internal/tier"
)

func webCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "web",
		Short: "Run a web server",
		Long: `Runs the SOAP endpoint and the gateway in front of application servers (registrar
app): connections, TLS, envelopes and schemas, who calls and how often. Each call
goes to the next application server that is well; one that is lost in the middle of
a call is made up for by another, and nothing is done twice by that.

It has no access to the database and keeps nothing. Of the configuration it takes
listen, tls, callers.key, limits, quirks, the rules of requests (default_region,
password.min_length, ...) and tier.servers; and for the page that people
unsubscribe at campaigns.key or codes.key, the same as everywhere.

It may be started before there is an application server: it listens, and is ready
once one answers. SIGTERM or Ctrl-C drains: /readyz says no, what callers still
send for drain_delay is taken, calls in progress are answered, and the program exits
with 0. A second signal ends it at once.`,
		Example: `  registrar web --config registrar.yaml --servers 10.0.0.5:8082,10.0.0.6:8082
  registrar web --config registrar.yaml --servers dns:///registrar-app.internal:8082`,
		Args: cobra.NoArgs,
		RunE: running(runWeb),
	}
	config.AddWebFlags(cmd.Flags())
	return cmd
}

// runWeb opens a web server and runs it until ctx ends.
func runWeb(ctx context.Context, c config.Config, log *slog.Logger, out io.Writer) (err error) {
	if len(c.Tier.Servers) == 0 {
		return errors.New("registrar web needs application servers: name them by tier.servers or --servers")
	}
	tier.LogTo(log)
	l, err := listen(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	metrics := telemetry.NewMetrics(version)
	application, err := dialTier(c, metrics, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, application.Close()) }()
	health := telemetry.NewHealth(readyTimeout, map[string]telemetry.Component{"application": {Required: true, Check: application.Ready}})
	pages := adminServer(c, operations(health, metrics))
	var stages stages
	stages.start(ctx, func(ctx context.Context) error { return serveHTTP(ctx, pages, l.admin, c.ShutdownTimeout) })
	e, err := awaitEdge(ctx, c, application, metrics, log)
	if err != nil || e == nil {
		return errors.Join(err, stages.stop())
	}
	soap, err := e.soapServer(c, l)
	if err != nil {
		return errors.Join(err, stages.stop())
	}
	watchConnections(metrics, l.soap)
	e.start(ctx, c, l, soap, &stages)
	fmt.Fprintf(out, "Registrar %s answers callers at %s.\n\n  Servers  %s\n  Health   %s/readyz  /livez  /metrics\n\n", version, l.soapURL(), strings.Join(c.Tier.Servers, ", "), l.adminURL())
	log.Info("ready", "version", version, "servers", c.Tier.Servers)
	return wait(ctx, c, log, &stages, func() {
		health.Drain()
		e.drain()
	})
}

// readyTimeout is for /readyz to find an application server. It is below the
// time in which a balancer wants an answer (deploy/haproxy: timeout check): one
// that says no keeps its calls, one that says nothing loses them.
const readyTimeout = 400 * time.Millisecond

// edgePause is the time between two attempts to learn who may call.
const edgePause = 500 * time.Millisecond

// awaitEdge makes the edge once an application server has told who may call.
// It gives none where ctx ends before that.
func awaitEdge(ctx context.Context, c config.Config, application *tier.Client, metrics *telemetry.Metrics, log *slog.Logger) (*edge, error) {
	rules, err := rules(c, hashing(c))
	if err != nil {
		return nil, err
	}
	b := backend{registrar: application, callers: application, nonces: application, usage: application, consents: application}
	for told := false; ; {
		if err = ready(ctx, application); err == nil {
			var e *edge
			e, err = openEdge(ctx, c, b, rules, metrics, log)
			if err == nil {
				err = e.openLinks(c)
			}
			if !errors.Is(err, registration.ErrUnavailable) {
				return e, err
			}
		}
		if !told && ctx.Err() == nil {
			told = true
			log.WarnContext(ctx, "waiting for an application server", "servers", c.Tier.Servers, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(edgePause):
		}
	}
}

func ready(ctx context.Context, application *tier.Client) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return application.Ready(ctx)
}

// openLinks makes what reads the links to unsubscribe by, where this process
// has their key; without it there is no such page here.
func (e *edge) openLinks(c config.Config) (err error) {
	if c.Campaigns.Key == "" && c.Codes.Key == "" {
		e.log.Info("no page to unsubscribe at: campaigns.key and codes.key are not set")
		return nil
	}
	e.links, err = unsubscribeLinks(c)
	return err
}
