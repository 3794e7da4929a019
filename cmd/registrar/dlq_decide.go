package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"registrar/internal/deadletter"
)

func replayLettersCommand() *cobra.Command {
	return decideLettersCommand("replay", "Put letters back into their lanes",
		`Puts letters back into the queue, each with its key, its headers and its value
as they were, in the partition that its lane has for it. That helps when the
reason is gone: a notifier of the version that the message needs runs by now. A
message that still cannot be read comes back as another letter.

A letter whose key names no lane cannot be put back. One that was replayed
before is left alone, so a command that was interrupted can be given again: what
it had put back without noting it goes back twice, and the ledger sends the
notification once all the same. --all replays those that wait for a decision.`,
		"put back", (*deadletter.Service).Replay, (*deadletter.Service).ReplayAll)
}

func discardLettersCommand() *cobra.Command {
	return decideLettersCommand("discard", "Note that nothing is to be done about letters",
		`Notes that letters are settled, so that registrar dlq list passes over them. They
stay in their topic for its time and can be shown and replayed until then. One
that was replayed before stays so. --all discards those that wait for a decision.`,
		"discarded", (*deadletter.Service).Discard, (*deadletter.Service).DiscardAll)
}

func decideLettersCommand(use, short, long, done string,
	some func(*deadletter.Service, context.Context, []deadletter.ID) (deadletter.Outcome, error),
	all func(*deadletter.Service, context.Context) (deadletter.Outcome, error),
) *cobra.Command {
	var every bool
	cmd := &cobra.Command{
		Use: use + " PARTITION/OFFSET... | --all", Short: short, Long: long,
		Example: "  registrar dlq " + use + " 0/42 0/43\n  registrar dlq " + use + " --all",
		Args: func(cmd *cobra.Command, args []string) error {
			if every == (len(args) > 0) {
				return fmt.Errorf("either letters or --all are needed: %s; registrar dlq list names the letters", cmd.UseLine())
			}
			_, err := lettersNamed(args)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := lettersNamed(args)
			if err != nil {
				return err
			}
			return withLetters(cmd, func(ctx context.Context, s *deadletter.Service) error {
				var o deadletter.Outcome
				var err error
				if every {
					o, err = all(s, ctx)
				} else {
					o, err = some(s, ctx, ids)
				}
				if err != nil && o.Done == 0 {
					return err
				}
				_, said := fmt.Fprintln(cmd.OutOrStdout(), outcome(o, done))
				return errors.Join(err, said)
			})
		},
	}
	cmd.Flags().BoolVar(&every, "all", false, "all letters that wait for a decision")
	return cmd
}

// outcome says what became of letters.
func outcome(o deadletter.Outcome, done string) string {
	parts := []string{fmt.Sprintf("%s %s", letters(o.Done), done)}
	if o.Already > 0 {
		parts = append(parts, fmt.Sprintf("%s decided on before and left as they were", letters(o.Already)))
	}
	if n := len(o.NoLane); n > 0 {
		names := make([]string, 0, 3)
		for _, id := range o.NoLane[:min(n, 3)] {
			names = append(names, id.String())
		}
		more := ""
		if n > 3 {
			more = ", ..."
		}
		parts = append(parts, fmt.Sprintf("%s that cannot be put back, since the key names no lane (%s%s)", letters(n), strings.Join(names, ", "), more))
	}
	return strings.Join(parts, "; ") + "."
}

func letters(n int) string {
	if n == 1 {
		return "1 letter"
	}
	return fmt.Sprintf("%d letters", n)
}
