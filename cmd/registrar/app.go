package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/telemetry"
	"registrar/internal/tier"
)

func appCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Run an application server",
		Long: `Runs the registration workflow for web servers (registrar web), which reach it at
tier.listen: rules, password hashes, the database's transactions, and what becomes
of them (outbox, events, campaigns' choice of people, mail that comes back).
Messages are sent by registrar notify.

It needs MariaDB and Kafka in its configuration, and the same codes.key as the
other processes. Any number of them work side by side; what only one may do, they
agree on by rows of the database. Off loopback it wants tier.tls, by which web
servers and it prove themselves to each other.

SIGTERM or Ctrl-C drains: web servers are told to ask others, what they still ask
for drain_delay is answered, calls in progress are brought to their end, and the
program exits with 0. A second signal ends it at once.`,
		Example: `  registrar app --config registrar.yaml
  registrar app --config registrar.yaml --tier-listen 127.0.0.1:8092 --admin-listen 127.0.0.1:8093 --data-dir ./data-2`,
		Args: cobra.NoArgs,
		RunE: running(runApp),
	}
	config.AddAppFlags(cmd.Flags())
	return cmd
}

// runApp opens an application server and runs it until ctx ends.
func runApp(ctx context.Context, c config.Config, log *slog.Logger, out io.Writer) (err error) {
	if err := needsParts(c, "registrar app"); err != nil {
		return err
	}
	tier.LogTo(log)
	metrics := telemetry.NewMetrics(version)
	settings, err := tierServerSettings(c, metrics, log)
	if err != nil {
		return err
	}
	hop, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Tier.Listen)
	if err != nil {
		return fmt.Errorf("tier listen: %w; choose another address by --tier-listen", err)
	}
	defer hop.Close()
	admin, err := listenAdmin(ctx, c)
	if err != nil {
		return err
	}
	defer admin.Close()
	p := &parts{log: log, metrics: metrics}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.openApplication(ctx, c); err != nil {
		return err
	}
	pages := adminServer(c, p.withInbox(c, p.operations(), ""))
	settings.Ready = p.db.Ready
	server := tier.NewServer(settings, p.service, p.callers(), p.db.Consents(), log)
	p.watch()
	var stages stages
	stages.start(ctx, func(ctx context.Context) error { return serveHTTP(ctx, pages, admin, c.ShutdownTimeout) })
	p.startUpkeep(ctx, &stages)
	p.startApplication(ctx, c, &stages)
	stages.start(ctx, func(ctx context.Context) error { return server.Serve(ctx, hop) })
	fmt.Fprintf(out, "Registrar %s takes web servers' calls at %s.\n\n  Health  %s/readyz  /livez  /metrics\n\n", version, hop.Addr(), baseURL("http", admin))
	log.Info("ready", "version", version, "tier", hop.Addr().String())
	return wait(ctx, c, log, &stages, func() {
		p.health.Drain()
		server.Drain()
	})
}
