package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/config"
	"registrar/internal/shadow"
	"registrar/internal/store"
)

func shadowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shadow",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Show how registrations here would differ from the caller's own",
		Long: `A caller in shadow mode (registrar caller update NAME --shadow) still registers
people by itself. It sends each registration here too, with what it came to there
in callerOutcome: REGISTERED, or the nearest fault code. Here everything is checked
and answered as if, and nothing is kept of the person; the two outcomes are, for
60 days, with the names of the elements and rules that were broken.

These commands show them. A registration that both refuse for another reason is a
difference too.`,
		Example: `  registrar shadow summary
  registrar shadow list --theirs REGISTERED
  registrar shadow list --caller monolith --since 24h --json | jq -r '.[].refused[]?' | sort | uniq -c`,
	}
	for _, sub := range []*cobra.Command{shadowSummaryCommand(), shadowListCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// shadowFlags choose comparisons.
type shadowFlags struct {
	caller string
	since  time.Duration
}

func (f *shadowFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.caller, "caller", "", "only this caller's, by its `name`")
	fs.DurationVar(&f.since, "since", 0, "only what was compared within this time, such as 24h; 0 is all that is kept")
}

func (f *shadowFlags) filter() (shadow.Filter, error) {
	if f.since < 0 {
		return shadow.Filter{}, fmt.Errorf("--since must not be negative: 24h is the last day")
	}
	filter := shadow.Filter{Caller: f.caller}
	if f.since > 0 {
		filter.Since = time.Now().Add(-f.since)
	}
	return filter, nil
}

func shadowSummaryCommand() *cobra.Command {
	var flags shadowFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "summary",
		Short: "Count outcomes: a row for each of ours, a column for each of theirs",
		Long: `Counts the comparisons by their outcomes, with the share of all in percent. What
both came to alike is on the diagonal; "not told" is where the caller sent no
callerOutcome. A repeated request is counted once where it has a requestId.`,
		Example: `  registrar shadow summary
  registrar shadow summary --caller monolith --since 24h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter()
			if err != nil {
				return err
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				tallies, err := db.Shadow().Tally(ctx, filter)
				switch {
				case err != nil:
					return err
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), talliesView(tallies))
				default:
					return showSummary(cmd.OutOrStdout(), shadow.Summarize(tallies))
				}
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object for each caller and pair of outcomes")
	return cmd
}

type tallyView struct {
	Caller string `json:"caller"`
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"` // empty where it was not told
	N      int    `json:"n"`
}

func talliesView(tallies []shadow.Tally) []tallyView {
	views := make([]tallyView, len(tallies))
	for i, t := range tallies {
		views[i] = tallyView(t)
	}
	return views
}

// nothingCompared is said where there is nothing to show.
const nothingCompared = "Nothing was compared. registrar caller update NAME --shadow puts a caller in shadow mode; it then sends registrations with a callerOutcome."

func showSummary(w io.Writer, s shadow.Summary) error {
	if s.Total == 0 {
		_, err := fmt.Fprintln(w, nothingCompared)
		return err
	}
	share := func(n int) string { return fmt.Sprintf("%d (%s)", n, percent(n, s.Total)) }
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	header := []string{"OURS \\ THEIRS"}
	for _, theirs := range s.Theirs {
		header = append(header, outcomeName(theirs))
	}
	fmt.Fprintln(table, strings.Join(append(header, "ALL"), "\t"))
	for _, ours := range s.Ours {
		row, all := []string{outcomeName(ours)}, 0
		for _, theirs := range s.Theirs {
			n := s.Count(ours, theirs)
			if all += n; n == 0 {
				row = append(row, "-")
				continue
			}
			row = append(row, share(n))
		}
		fmt.Fprintln(table, strings.Join(append(row, share(all)), "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d compared, of which the caller has told its outcome of %d: %d agree (%s), %d differ. registrar shadow list lists those.\n",
		s.Total, s.Told, s.Agreeing, percent(s.Agreeing, s.Told), s.Told-s.Agreeing)
	return err
}

// outcomeName is a caller's word, which may be anything that the contract takes.
func outcomeName(outcome string) string {
	if outcome == "" {
		return "not told"
	}
	return printable(outcome)
}

// percent is a share with a digit behind the point; 100 % and 0 % are all and
// none alone.
func percent(n, of int) string {
	if of == 0 {
		return "0 %"
	}
	tenths := (n*1000 + of/2) / of
	if n > 0 && n < of {
		tenths = min(max(tenths, 1), 999)
	}
	return strconv.FormatFloat(float64(tenths)/10, 'f', -1, 64) + " %"
}
