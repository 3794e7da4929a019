// Command cluster runs the whole system on this machine, each tier in
// processes of its own, and keeps them running until it is told to stop. It is
// what `make cluster` starts.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/devstack"
	"registrar/internal/devstack/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once, and with it all parts
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	var o cluster.Options
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Run the whole system on this machine",
		Long: `Starts a MariaDB Galera cluster, Kafka brokers, HAProxy, web servers, application
servers, notifiers, and sinks that take mail and SMS, all of them real, each in a
process of its own, and shows what is where.

Kill any of them by its process id and look what callers see: whatever ends is
started again. DIR/cluster.json says the same as the table, for scripts. Ctrl-C
stops everything.

What it needs is installed by hack/deps.`,
		Example: `  make cluster
  go run ./cmd/cluster --binary bin/registrar --dir cluster-data --apps 1 --webs 1
  kill -9 $(jq -r '.parts[] | select(.name == "db1").pid' cluster-data/cluster.json)`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Binary, "binary", "bin/registrar", "the `program`, as make build makes it")
	f.StringVar(&o.Dir, "dir", "cluster-data", "`directory` of all data and logs; what is in it is removed at the start")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "`host:port` where the balancer takes callers")
	f.IntVar(&o.Databases, "databases", 3, "database nodes")
	f.IntVar(&o.Brokers, "brokers", 3, "Kafka brokers")
	f.IntVar(&o.Balancers, "balancers", 1, "HAProxy processes; the first one listens at --listen")
	f.IntVar(&o.Webs, "webs", 2, "web servers")
	f.IntVar(&o.Apps, "apps", 3, "application servers")
	f.IntVar(&o.Notifiers, "notifiers", 2, "notifiers")
	f.BoolVar(&o.Network, "network", false, "give each part a network namespace of its own; needs root")
	return cmd
}

// run starts the system and keeps it running until ctx ends.
func run(ctx context.Context, o cluster.Options) (err error) {
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return err
	}
	if err := empty(o.Dir); err != nil {
		return err
	}
	began := time.Now()
	d := newDisplay(os.Stdout)
	o.Started = d.started
	d.says("Starting; the first part takes a few seconds.")
	c, err := cluster.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		d.says("Stopping.")
		err = errors.Join(err, c.Stop())
	}()
	if err := c.WriteDescription(); err != nil {
		return err
	}
	d.ready(c, time.Since(began), o.Dir)
	watching, end := context.WithCancel(ctx)
	defer end()
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	running.Go(func() {
		log := slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
		c.Supervise(watching, log)
	})
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if d.update(c.Parts()) {
				if err := c.WriteDescription(); err != nil {
					return err
				}
			}
		}
	}
}

// empty removes what an earlier run left in dir, if it is one's.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	mark := filepath.Join(dir, "registrar.yaml")
	if _, err := os.Stat(mark); err != nil {
		return fmt.Errorf("%s holds something else than an earlier run of this: name another directory by --dir", dir)
	}
	return os.RemoveAll(dir)
}

// withoutTime leaves the time out of what people read while it happens.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// state is what a part does now.
func state(p devstack.Part) string {
	select {
	case <-p.Exited():
		return "ended"
	default:
		return "runs"
	}
}
