package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/feed"
	"registrar/internal/registration"
)

type tailFlags struct {
	from           string
	follow, asJSON bool
}

func eventTailCommand() *cobra.Command {
	var flags tailFlags
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Print the events that there are, and those that come",
		Long: `Prints what happened to registrations: from the topic registrar.events where
kafka.brokers are configured, else from the database, where a service without
brokers keeps events for events.keep. It may run beside the service, and needs
its configuration; with the embedded database also its user and its --data-dir.

Each event has a position, the place behind it. Whoever goes on from a position
gets each event behind it, those of one registration in the order in which they
happened. --from takes a position, the time of an event, beginning or now.
Beginning is the first event that is kept, whatever there was before. A position
that events are missing behind, since they are not kept any more, is an error:
bring the state up to date by registrar diff or registrar export, and go on from
now. So is a time since which events may be missing.

With --json each event is one line: a CloudEvent in its JSON format, with the
position as the attribute "position". A program reads these from its standard
input, and keeps the position in the same transaction as what it has done:

  registrar event tail --follow --json --from "$POSITION" | write-back

examples/write-back is such a program. Without --follow the command ends behind
the events that were there when it began.`,
		Example: `  registrar event tail --config registrar.yaml
  registrar event tail --follow --from now
  registrar event tail --json --from 2026-03-01T12:00:00Z | jq .data
  registrar event tail --follow --json --from 1042`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := feed.ParseFrom(flags.from)
			if err != nil {
				return fmt.Errorf("--from %q: %w", flags.from, err)
			}
			ctx := cmd.Context()
			err = withFeed(cmd, func(c config.Config, open openFeed) error { return tail(ctx, cmd, c, open, from, flags) })
			if asked := ctx.Err() != nil && errors.Is(err, context.Canceled); !asked {
				return advisedTail(err, flags.from)
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&flags.from, "from", "beginning", "begin `at` beginning, now, a time (RFC 3339) or a position that was printed")
	fs.BoolVar(&flags.follow, "follow", false, "wait for those that come")
	fs.BoolVar(&flags.asJSON, "json", false, "each as a CloudEvent in one line of JSON")
	config.AddFlags(fs)
	return cmd
}

// tailPatience is how long the database or the brokers may be away where nobody
// waits for what comes.
const tailPatience = 15 * time.Second

// tail prints the events from a place on. With --follow it outlasts every outage
// of the database and of brokers.
func tail(ctx context.Context, cmd *cobra.Command, c config.Config, open openFeed, from feed.From, flags tailFlags) error {
	t := tailing{w: bufio.NewWriter(cmd.OutOrStdout()), errors: cmd.ErrOrStderr(), flags: flags, source: c.EventSource()}
	var reader feed.Reader
	if err := t.patiently(ctx, func() (err error) {
		reader, err = open(ctx, from)
		return err
	}); err != nil {
		return err
	}
	for flags.follow || !reader.End() {
		var items []feed.Item
		if err := t.patiently(ctx, func() (err error) {
			items, err = reader.Next(ctx)
			return err
		}); err != nil {
			return err
		}
		if err := t.print(items); err != nil {
			return err
		}
	}
	return nil
}

// tailing prints events.
type tailing struct {
	w      *bufio.Writer
	errors io.Writer
	flags  tailFlags
	source string
}

// patiently does what needs the database or brokers again while they are away.
func (t tailing) patiently(ctx context.Context, do func() error) error {
	begun, told := time.Now(), false
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := do()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, registration.ErrUnavailable) || !t.flags.follow && time.Since(begun) > tailPatience {
			return err
		}
		if !told {
			told = true
			fmt.Fprintf(t.errors, "No events can be read now, which is tried again: %v\n", err)
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // jitter
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func (t tailing) print(items []feed.Item) error {
	for _, i := range items {
		line := fmt.Appendf(nil, "%s  %s  %-38s  %s  %s", i.Position, i.At.UTC().Format(time.RFC3339), i.Type, subjectOf(i), i.Data)
		if t.flags.asJSON {
			var err error
			if line, err = i.JSON(t.source); err != nil {
				return err
			}
		}
		if _, err := t.w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return t.w.Flush()
}

func subjectOf(i feed.Item) string {
	if i.Subject.IsZero() {
		return "-"
	}
	return i.Subject.String()
}

// advisedTail adds to an error what to do next.
func advisedTail(err error, from string) error {
	switch {
	case errors.Is(err, feed.ErrDropped):
		return fmt.Errorf("%w: bring the state up to date by registrar diff or registrar export, then go on with --from now", err)
	case errors.Is(err, feed.ErrEarly):
		return fmt.Errorf("--from %q: %w: --from beginning gives what is kept, registrar export the state", from, err)
	case errors.Is(err, feed.ErrPosition):
		return fmt.Errorf("--from %q: %w. It may be of brokers that were changed, or of a database that was restored to an earlier state: bring the state up to date by registrar diff or registrar export, then go on with --from now", from, err)
	default:
		return err
	}
}
