package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/deadletter"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
	"registrar/internal/telemetry"
)

func dlqCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Decide on messages that could not be read",
		Long: `A message in the queue that no notifier can read (it is no message of this
service, of a version that is not known, or in a lane that it does not belong to)
is put aside in the dead-letter topic, with its key, its headers and the reason,
and the lane goes on. The notification that it should have led to is not lost by
that: the outbox publishes it again until it is settled.

Here such letters are listed, put back into their lanes, or discarded. Neither
removes a letter: the topic keeps it for its time, and what was decided is noted
in the database.

Notifications that ended as FAILED, EXPIRED or UNKNOWN are no dead letters. They
were read, and the ledger knows what became of them: registrar notification show
ID.

With the embedded broker these commands must be run as the user that the service
runs as, with the same --data-dir; whether it runs at the moment does not matter.`,
		Example: `  registrar dlq list
  registrar dlq show 0/42
  registrar dlq replay 0/42
  registrar dlq discard --all`,
	}
	for _, sub := range []*cobra.Command{listLettersCommand(), showLetterCommand(), replayLettersCommand(), discardLettersCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// dlqTimeout bounds a command; it is long since all letters may be many.
const dlqTimeout = 10 * time.Minute

// withLetters opens the database and the queue that there are, also beside a
// serve that runs on them. It makes neither.
func withLetters(cmd *cobra.Command, do func(context.Context, *deadletter.Service) error) (err error) {
	c, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(cmd.ErrOrStderr(), c.Log.Format, c.Log.Level)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), dlqTimeout)
	defer cancel()
	if c.Database.Driver == config.SQLite {
		if _, err := os.Stat(databaseFile(c)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database in %s: give the --data-dir (data_dir) that the service has", absolute(c.DataDir))
		}
	}
	c.Database.Migrate = false
	db, err := openDatabase(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	settings, broker, err := brokerOf(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	client, err := queue.Open(settings, log, queue.Observer{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return advisedOnLetters(unreached(do(ctx, &deadletter.Service{Topic: client.Letters(), Decisions: db.DeadLetters(), Now: time.Now})))
}

// brokerOf is the way to the brokers of the service: to Kafka, to the embedded
// broker of a serve that runs, or to one that runs until it is closed.
func brokerOf(ctx context.Context, c config.Config, log *slog.Logger) (queue.Settings, io.Closer, error) {
	if len(c.Kafka.Brokers) > 0 {
		return queue.Settings{Brokers: c.Kafka.Brokers, Replication: c.Kafka.Replication}, nobody{}, nil
	}
	dir := queueDir(c)
	if _, err := os.Stat(dir); err != nil {
		return queue.Settings{}, nil, fmt.Errorf("there is no queue in %s: give the --data-dir (data_dir), or kafka.brokers, that the service has", absolute(c.DataDir))
	}
	broker, err := embedded.Start(embedded.Options{Dir: dir, Log: log})
	if err == nil {
		return broker.Settings(), broker, nil
	}
	if !errors.Is(err, embedded.ErrInUse) {
		return queue.Settings{}, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	settings, err := embedded.Running(limited, dir)
	return settings, nobody{}, err
}

// nobody has nothing to close: the brokers are somebody else's.
type nobody struct{}

func (nobody) Close() error { return nil }

// advisedOnLetters adds to an error what to do next.
func advisedOnLetters(err error) error {
	switch {
	case errors.Is(err, deadletter.ErrUnknown):
		return fmt.Errorf("%w: registrar dlq list names those that there are", err)
	case errors.Is(err, deadletter.ErrNoLane):
		return fmt.Errorf("%w: nothing was done; registrar dlq discard notes that it is settled", err)
	case errors.Is(err, deadletter.ErrUnavailable):
		return fmt.Errorf("%w; it is safe to give the same command again", err)
	default:
		return err
	}
}

// queueDir is the embedded broker's.
func queueDir(c config.Config) string { return filepath.Join(c.DataDir, "queue") }
