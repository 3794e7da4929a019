package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/lane"
	"registrar/internal/telemetry"
)

func notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Run the notification service alone, or some of its lanes",
		Long: `Takes notifications out of the queue's lanes and hands them to the providers of
e-mail and SMS. It takes no registrations: registrar serve does, which may leave
the lanes to others by notify.lanes: [none].

A lane is a channel and a priority: one-time codes (otp) before news of a
registration (transactional), and that before campaigns (marketing). Lanes never
wait for each other, so each can be run and scaled by itself; several processes
that run the same lane share its work.

It needs MariaDB and Kafka in its configuration, and the same codes.key, templates
and public_url as the processes that take registrations. The embedded database and
broker are inside registrar serve, which runs all lanes itself.

What is not of a lane stays with registrar serve: the outbox and events, the choice
of people for campaigns, the page to unsubscribe at, and mail that comes back
(bounces). Delivery receipts come to whoever sends by SMPP.

SIGTERM or Ctrl-C drains: messages in progress are brought to their end, and the
program exits with 0. A second signal ends it at once.`,
		Example: `  registrar notify --config registrar.yaml
  registrar notify --config registrar.yaml --lanes sms.otp,email.otp
  registrar notify --config registrar.yaml --lanes email.marketing --admin-listen 127.0.0.1:8083`,
		Args: cobra.NoArgs,
		RunE: running(runNotify),
	}
	config.AddNotifyFlags(cmd.Flags())
	return cmd
}

// mayNotify says what is missing for a process of lanes alone.
func mayNotify(c config.Config) error {
	if err := needsParts(c, "registrar notify"); err != nil {
		return err
	}
	lanes, err := lanesOf(c)
	if err == nil && len(lanes) == 0 {
		err = errors.New("registrar notify has nothing to do without lanes: name some by --lanes, or leave notify.lanes empty for all")
	}
	return err
}

// needsParts says what is missing for a process that works with others.
func needsParts(c config.Config, command string) error {
	var missing []string
	if c.Database.Driver != config.MariaDB {
		missing = append(missing, "database.driver mariadb")
	}
	if len(c.Kafka.Brokers) == 0 {
		missing = append(missing, "kafka.brokers")
	}
	if len(missing) > 0 {
		return fmt.Errorf("%s needs %s: the embedded database and broker are inside registrar serve, which runs everything itself", command, strings.Join(missing, " and "))
	}
	return nil
}

// runNotify opens what the lanes need and runs them until ctx ends.
func runNotify(ctx context.Context, c config.Config, log *slog.Logger, out io.Writer) (err error) {
	if err := mayNotify(c); err != nil {
		return err
	}
	admin, err := listenAdmin(ctx, c)
	if err != nil {
		return err
	}
	defer admin.Close()
	p := &parts{log: log, metrics: telemetry.NewMetrics(version)}
	defer func() { err = errors.Join(err, p.Close()) }()
	if p.instance, err = openInstance(c.DataDir); err != nil {
		return err
	}
	if p.db, err = openDatabase(ctx, c, log); err != nil {
		return err
	}
	if err = p.openQueue(c); err != nil {
		return err
	}
	if p.codes, err = codeKeys(c); err != nil {
		return err
	}
	if err = p.openNotifiers(c); err != nil { //nolint:contextcheck // providers are connected to when there is something to send
		return err
	}
	pages := adminServer(c, p.operations())
	var stages stages
	stages.start(ctx, func(ctx context.Context) error { return serveHTTP(ctx, pages, admin, c.ShutdownTimeout) })
	stages.start(ctx, p.losses.Run)
	stages.start(ctx, p.ensureTopics)
	p.startNotifiers(ctx, &stages)
	fmt.Fprintf(out, "Registrar %s notifies by %s.\n\n  Health  %s/readyz  /livez  /metrics\n\n", version, strings.Join(laneNames(p.lanes), ", "), baseURL("http", admin))
	log.Info("ready", "version", version, "lanes", laneNames(p.lanes))
	return wait(ctx, c, log, &stages, p.health.Drain)
}

func laneNames(lanes map[lane.Lane]laneWork) []string {
	var names []string
	for _, l := range lane.All() {
		if _, ok := lanes[l]; ok {
			names = append(names, string(l))
		}
	}
	return names
}
