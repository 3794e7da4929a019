package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/deadletter"
)

// letterView is a letter as it is shown. Key, Value and the headers' values are
// base64 in JSON: they may be anything.
type letterView struct {
	Letter    string       `json:"letter"` // partition/offset
	Partition int          `json:"partition"`
	Offset    int64        `json:"offset"`
	WrittenAt time.Time    `json:"written_at"`
	Lane      string       `json:"lane"` // empty where the key names none
	Reason    string       `json:"reason"`
	Size      int          `json:"size"` // of key and value, in bytes
	Decision  string       `json:"decision"`
	DecidedAt time.Time    `json:"decided_at,omitzero"`
	Content   *contentView `json:"content,omitempty"`
}

type contentView struct {
	Key     []byte       `json:"key"`
	Value   []byte       `json:"value"`
	Headers []headerView `json:"headers"`
}

type headerView struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

func viewOfLetter(d deadletter.Decided) letterView {
	return letterView{
		Letter: d.String(), Partition: d.Partition, Offset: d.Offset, WrittenAt: d.WrittenAt, Lane: d.Lane, Reason: d.Reason,
		Size: len(d.Key) + len(d.Value), Decision: string(d.Decision), DecidedAt: d.At,
	}
}

func contentOf(l deadletter.Letter) *contentView {
	content := &contentView{Key: l.Key, Value: l.Value, Headers: []headerView{}}
	for _, h := range l.Headers {
		content.Headers = append(content.Headers, headerView{h.Name, h.Value})
	}
	return content
}

func listLettersCommand() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the letters that wait for a decision",
		Long: `Lists the letters, oldest first: where each lies, when it was put aside, the lane
that its key names, why it could not be read, and its size in bytes. Those that
somebody has decided on are listed with --all only.`,
		Example: `  registrar dlq list
  registrar dlq list --all --json | jq -r '.[] | select(.lane == "") | .letter'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withLetters(cmd, func(ctx context.Context, s *deadletter.Service) error {
				views, decided := []letterView{}, 0
				err := s.Each(ctx, func(d deadletter.Decided) error {
					if d.Decision != "" && !all {
						decided++
						return nil
					}
					views = append(views, viewOfLetter(d))
					return nil
				})
				switch {
				case err != nil:
					return err
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), views)
				default:
					return listLetters(cmd.OutOrStdout(), views, decided)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "also those that were decided on")
	return cmd
}

func listLetters(w io.Writer, views []letterView, decided int) error {
	if len(views) > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "LETTER\tPUT ASIDE\tLANE\tREASON\tSIZE\tDECISION")
		for _, v := range views {
			fmt.Fprintln(table, strings.Join([]string{v.Letter, stamp(v.WrittenAt), orNone(v.Lane), orNone(printable(v.Reason)), strconv.Itoa(v.Size), orNone(v.Decision)}, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	var err error
	switch {
	case len(views) == 0 && decided == 0:
		_, err = fmt.Fprintln(w, "There is no dead letter.")
	case len(views) == 0:
		_, err = fmt.Fprintf(w, "No letter waits for a decision; %d were decided on (--all lists them).\n", decided)
	case decided > 0:
		_, err = fmt.Fprintf(w, "%d more were decided on (--all lists them).\n", decided)
	}
	return err
}

func showLetterCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show PARTITION/OFFSET",
		Short: "Show a letter with all that is in it",
		Long: `Shows a letter with its key, headers and value. The value is shown in hexadecimal
form, with what is printable beside it, and anything else so that it cannot
change the terminal: nobody knows who wrote it.`,
		Example: `  registrar dlq show 0/42
  registrar dlq show 0/42 --json | jq -r .content.value | base64 -d`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one letter is needed: %s", cmd.UseLine())
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
				d, err := s.Letter(ctx, ids[0])
				switch {
				case err != nil:
					return err
				case asJSON:
					v := viewOfLetter(d)
					v.Content = contentOf(d.Letter)
					return writeJSON(cmd.OutOrStdout(), v)
				default:
					return showLetter(cmd.OutOrStdout(), d)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func showLetter(w io.Writer, d deadletter.Decided) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	line("letter", d.String())
	line("put aside", stamp(d.WrittenAt))
	line("lane", orNone(d.Lane))
	line("reason", orNone(printable(d.Reason)))
	if d.Decision != "" {
		line("decision", string(d.Decision)+" "+stamp(d.At))
	}
	line("key", strconv.QuoteToASCII(string(d.Key)))
	for _, h := range d.Headers {
		line("header", strconv.QuoteToASCII(h.Name)+" = "+strconv.QuoteToASCII(string(h.Value)))
	}
	line("value", fmt.Sprintf("%d bytes", len(d.Value)))
	return errors.Join(table.Flush(), dump(w, d.Value))
}

func dump(w io.Writer, value []byte) error {
	dumper := hex.Dumper(w)
	_, err := dumper.Write(value)
	return errors.Join(err, dumper.Close())
}

// printable is a text as a terminal may be given it.
func printable(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func lettersNamed(args []string) ([]deadletter.ID, error) {
	ids := make([]deadletter.ID, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = deadletter.ParseID(arg); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
