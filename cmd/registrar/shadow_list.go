package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/shadow"
	"registrar/internal/store"
)

// mostListed bounds a list.
const mostListed = 10_000

func shadowListCommand() *cobra.Command {
	var (
		flags        shadowFlags
		ours, theirs string
		limit        int
		all, asJSON  bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the differences, the newest first",
		Long: `Lists what came to something else here than at the caller, with the caller's own
keys, by which it finds the registration, and with the elements and rules that it
broke here, as ELEMENT:RULE.`,
		Example: `  registrar shadow list
  registrar shadow list --ours VALIDATION_FAILED --theirs REGISTERED
  registrar shadow list --all --since 1h --limit 1000 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter()
			if err != nil {
				return err
			}
			if limit < 1 || limit > mostListed {
				return fmt.Errorf("--limit must be 1 to %d", mostListed)
			}
			filter.Ours, filter.Theirs, filter.Differing = ours, theirs, !all
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				found, err := db.Shadow().List(ctx, filter, limit)
				switch {
				case err != nil:
					return err
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), comparisonsView(found))
				default:
					return listComparisons(cmd.OutOrStdout(), found, limit)
				}
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&ours, "ours", "", "only what came to this `outcome` here: REGISTERED or a fault code")
	cmd.Flags().StringVar(&theirs, "theirs", "", "only what came to this `outcome` at the caller")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many")
	cmd.Flags().BoolVar(&all, "all", false, "also what agrees, and what the caller told no outcome of")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

type comparisonView struct {
	At         time.Time `json:"at"`
	Caller     string    `json:"caller"`
	ExternalID string    `json:"external_id,omitempty"`
	RequestID  string    `json:"request_id,omitempty"`
	Ours       string    `json:"ours"`
	Theirs     string    `json:"theirs"`
	Refused    []string  `json:"refused,omitempty"`
}

func comparisonsView(all []shadow.Comparison) []comparisonView {
	views := make([]comparisonView, len(all))
	for i, c := range all {
		views[i] = comparisonView{At: c.At, Caller: c.Caller, ExternalID: c.ExternalID, RequestID: c.RequestID, Ours: c.Ours, Theirs: c.Theirs, Refused: c.Refused}
	}
	return views
}

func listComparisons(w io.Writer, all []shadow.Comparison, limit int) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There is no such difference. registrar shadow summary counts what was compared.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tCALLER\tEXTERNAL ID\tREQUEST ID\tOURS\tTHEIRS\tBROKEN HERE")
	for _, c := range all {
		fmt.Fprintln(table, strings.Join([]string{
			stamp(c.At), orNone(c.Caller), orNone(printable(c.ExternalID)), orNone(printable(c.RequestID)),
			c.Ours, outcomeName(c.Theirs), orNone(strings.Join(c.Refused, " ")),
		}, "\t"))
	}
	err := table.Flush()
	if len(all) == limit {
		_, more := fmt.Fprintf(w, "There may be more: --limit is %d.\n", limit)
		err = errors.Join(err, more)
	}
	return err
}
