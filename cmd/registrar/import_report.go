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

	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// importView is an import as it is shown.
type importView struct {
	Caller    string          `json:"caller"`
	Source    string          `json:"source"`
	State     transfer.State  `json:"state"`
	Read      int64           `json:"read"`
	Stored    int64           `json:"stored"`
	Present   int64           `json:"present"`
	Refused   int64           `json:"refused"`
	Findings  []transfer.Line `json:"findings"`
	Rejects   string          `json:"rejects,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	UpdatedAt time.Time       `json:"updated_at"`
	EndedAt   time.Time       `json:"ended_at,omitzero"`
}

func importViewOf(i transfer.Import) importView {
	return importView{
		Caller: i.Caller, Source: i.Source, State: i.State, Read: i.Read, Stored: i.Stored, Present: i.Present, Refused: i.Refused,
		Findings: append([]transfer.Line{}, i.Tally.Lines()...), Rejects: i.Rejects, StartedAt: i.StartedAt, UpdatedAt: i.UpdatedAt, EndedAt: i.EndedAt,
	}
}

// tellImport reports what an import came to.
func tellImport(w io.Writer, i transfer.Import, flags importFlags) error {
	if flags.asJSON {
		return writeJSON(w, importViewOf(i))
	}
	stored := "stored"
	if flags.dryRun {
		stored = "would be stored"
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range []struct {
		name string
		n    int64
	}{{"rows read", i.Read}, {stored, i.Stored}, {"there already", i.Present}, {"refused", i.Refused}} {
		fmt.Fprintf(table, "%s\t%d\n", line.name, line.n)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := tellFindings(w, i.Tally); err != nil {
		return err
	}
	if i.RejectsSize > 0 {
		_, err := fmt.Fprintf(w, "\nThe refused rows are in %s. Mend it and import it like the source.\n", i.Rejects)
		return err
	}
	return nil
}

// tellFindings tells which rules applied, and where first.
func tellFindings(w io.Writer, t transfer.Tally) error {
	lines := t.Lines()
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RULE\tDONE\tROWS\tFIRST AT")
	for _, l := range lines {
		fmt.Fprintln(table, strings.Join([]string{string(l.Rule), string(l.Action), strconv.FormatInt(l.Rows, 10), strings.Join(l.Places, ", ")}, "\t"))
	}
	return table.Flush()
}

func importMappingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mapping NAME",
		Short: "Print a mapping that comes with the program",
		Long: `Prints a mapping file to begin with. laravel is the table of users of a Laravel
application. docs/import.md explains every key.`,
		Example: "  registrar import mapping laravel > mapping.yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one name of a mapping is needed (%s): %s", strings.Join(mapping.Shipped(), ", "), cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := mapping.Text(args[0])
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}

func importStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how far each import is",
		Long: `Lists all imports, the one that was changed last first, and which rules applied to
rows of it. One that is OPEN is under way, or was interrupted: the same command
that began it goes on with it.`,
		Example: `  registrar import status --config registrar.yaml
  registrar import status --json | jq '.[0].stored'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				all, err := db.People(nil).Imports(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					views := make([]importView, len(all))
					for i, one := range all {
						views[i] = importViewOf(one)
					}
					return writeJSON(cmd.OutOrStdout(), views)
				}
				return listImports(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	config.AddFlags(cmd.Flags())
	return cmd
}

func listImports(w io.Writer, all []transfer.Import) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "Nothing was imported. registrar import --help says how.")
		return err
	}
	for n, i := range all {
		if n > 0 {
			fmt.Fprintln(w)
		}
		share := ""
		if i.Total > 0 && i.State == transfer.Open {
			share = fmt.Sprintf(" (%d%%)", min(100, 100*i.Done/i.Total))
		}
		fmt.Fprintf(w, "%s of %s: %s%s\n", i.Source, i.Caller, i.State, share)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "READ\tSTORED\tTHERE ALREADY\tREFUSED\tSTARTED\tLAST BATCH\tENDED")
		fmt.Fprintln(table, strings.Join([]string{
			strconv.FormatInt(i.Read, 10), strconv.FormatInt(i.Stored, 10), strconv.FormatInt(i.Present, 10), strconv.FormatInt(i.Refused, 10),
			shortTime(i.StartedAt), shortTime(i.UpdatedAt), shortTime(i.EndedAt),
		}, "\t"))
		if err := table.Flush(); err != nil {
			return err
		}
		if err := tellFindings(w, i.Tally); err != nil {
			return err
		}
	}
	return nil
}
