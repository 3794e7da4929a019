package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/feed"
	"registrar/internal/queue"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/telemetry"
)

// openFeed begins to read the feed that a configuration has.
type openFeed func(ctx context.Context, from feed.From) (feed.Reader, error)

// withFeed opens what the feed is read from: the brokers, or the database. Errors
// of the one that cannot be reached are in an operator's words.
func withFeed(cmd *cobra.Command, do func(config.Config, openFeed) error) (err error) {
	c, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return err
	}
	if !c.PublishesEvents() {
		if !c.KeepsEvents() {
			fmt.Fprintln(cmd.ErrOrStderr(), "Events are not recorded by this configuration (events.enabled, events.keep): only what was recorded before can be there.")
		}
		return withDatabase(cmd, func(_ context.Context, c config.Config, db *store.DB) error {
			return do(c, func(ctx context.Context, from feed.From) (feed.Reader, error) {
				from.Kept = c.Events.Keep
				r, err := feed.OpenTable(ctx, db.Feed(), from)
				if err != nil {
					return nil, unreached(err)
				}
				return reading{r, unreached}, nil
			})
		})
	}
	log, err := telemetry.NewLogger(cmd.ErrOrStderr(), c.Log.Format, c.Log.Level)
	if err != nil {
		return err
	}
	client, err := queue.Open(queue.Settings{Brokers: c.Kafka.Brokers, Replication: c.Kafka.Replication, Events: true}, log, queue.Observer{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(c, func(ctx context.Context, from feed.From) (feed.Reader, error) {
		r, err := client.EventReader(ctx, from)
		if err != nil {
			return nil, unreachedBrokers(err)
		}
		return reading{r, unreachedBrokers}, nil
	})
}

// reading is a reader whose errors are in an operator's words.
type reading struct {
	feed.Reader
	words func(error) error
}

func (r reading) Next(ctx context.Context) ([]feed.Item, error) {
	items, err := r.Reader.Next(ctx)
	return items, r.words(err)
}

// brokersError is an error of brokers that cannot be reached, in words for
// whoever runs the command.
type brokersError struct{ err, cause error }

func (e *brokersError) Error() string {
	return fmt.Sprintf("the Kafka brokers cannot be reached (%v): check that they run and that the topic of events has leaders, and where they are: kafka.brokers of registrar config show", e.cause)
}

func (e *brokersError) Unwrap() error { return e.err }

// unreachedBrokers is unreached of what is read from brokers.
func unreachedBrokers(err error) error {
	e, found := errors.AsType[*registration.Error](err)
	if !found || e.Code != registration.Unavailable {
		return err
	}
	away := &brokersError{err: err, cause: e.Unwrap()}
	if away.cause == nil {
		away.cause = errNoAnswer
	}
	return away
}
