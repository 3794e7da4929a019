package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/spf13/cobra"

	"registrar/internal/config"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole service in one process",
		Long: `Runs the SOAP endpoint, the registration workflow, the outbox and the
notification service in one process; registrar web, app and notify run them in
processes of their own.

Without configuration it needs nothing else: accounts go into a SQLite file,
notifications through an embedded broker, and messages to people into an inbox at
http://127.0.0.1:8081/inbox. Everything is kept in ./data, synced to the disk
before a caller is answered.

SIGTERM or Ctrl-C drains: no new calls, those in progress are answered, and the
program exits with 0. A second signal ends it at once.`,
		Example: `  registrar serve
  registrar serve --data-dir /var/lib/registrar --listen 127.0.0.1:8090
  REGISTRAR_KAFKA_BROKERS=127.0.0.1:9092 registrar serve`,
		Args: cobra.NoArgs,
		RunE: running(serve),
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// serve opens everything and runs it until ctx ends.
func serve(ctx context.Context, c config.Config, log *slog.Logger, out io.Writer) (err error) {
	// Listeners come first: an address that is taken is told before anything is opened.
	l, err := listen(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	p, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	return p.run(ctx, c, l, func() { welcome(out, c, l) })
}

// run runs the parts until ctx ends or one of them fails, and then stops them
// in the order in which they feed each other, so that nothing is handed to a
// part that is gone.
func (p *parts) run(ctx context.Context, c config.Config, l *listeners, ready func()) error {
	e, err := openEdge(ctx, c, p.backend(), p.service.Rules, p.metrics, p.log)
	if err != nil {
		return err
	}
	e.links = p.links
	soap, err := e.soapServer(c, l)
	if err != nil {
		return err
	}
	pages := adminServer(c, p.withInbox(c, p.operations(), firstRequest(l.soapURL())))
	p.watch()
	watchConnections(p.metrics, l.soap)
	var stages stages
	stages.start(ctx, func(ctx context.Context) error { return serveHTTP(ctx, pages, l.admin, c.ShutdownTimeout) })
	p.startUpkeep(ctx, &stages)
	p.startNotifiers(ctx, &stages)
	p.startApplication(ctx, c, &stages)
	e.start(ctx, c, l, soap, &stages)
	ready()
	p.log.Info("ready", "version", version, "database", c.Database.Driver, "lanes", laneNames(p.lanes))
	return wait(ctx, c, p.log, &stages, func() {
		p.health.Drain()
		e.drain()
	})
}

// start starts what answers callers.
func (e *edge) start(ctx context.Context, c config.Config, l *listeners, soap *http.Server, s *stages) {
	s.start(ctx, l.soap.Run)
	s.start(ctx, e.directory.Run)
	s.start(ctx, func(ctx context.Context) error { return serveHTTP(ctx, soap, l.soap, c.ShutdownTimeout) })
}

// welcome tells a person where everything is, and what to paste.
func welcome(w io.Writer, c config.Config, l *listeners) {
	fmt.Fprintf(w, `Registrar %s is ready.

  SOAP endpoint  %s
  WSDL           %s?wsdl
  Inbox          %s/inbox
  Health         %s/readyz  /livez  /metrics
  Data           %s

Register somebody:

  %s

`, version, l.soapURL(), l.soapURL(), l.adminURL(), l.adminURL(), c.DataDir, firstRequest(l.soapURL()))
}

// firstRequest is a command line that registers somebody.
func firstRequest(url string) string {
	return `curl -sS -H 'Content-Type: text/xml; charset=utf-8' --data-binary '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><RegisterRequest xmlns="urn:registrar:registration:v1"><requestId>first-1</requestId><username>amina</username><email>amina@example.com</email><password>velvet-anchor-tuesday</password><firstName>Amina</firstName><mobileNumber>+966512345678</mobileNumber><locale>en</locale><marketingConsent>true</marketingConsent></RegisterRequest></soap:Body></soap:Envelope>' ` + url
}
