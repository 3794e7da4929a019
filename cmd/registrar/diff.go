package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/person"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

type diffFlags struct {
	monolithFlags
	rejects                 string
	repair, restart, asJSON bool
}

func (f *diffFlags) add(fs *pflag.FlagSet) {
	f.monolithFlags.add(fs, "the import's")
	fs.BoolVar(&f.repair, "repair", false, "import who is missing, by the rules of registrar import; nobody is told")
	fs.BoolVar(&f.restart, "restart", false, "begin anew, also where a comparison was interrupted")
	fs.StringVar(&f.rejects, "rejects", "", "`file` for the rows that --repair could not import, as registrar import has it")
	fs.BoolVar(&f.asJSON, "json", false, "all findings, one a line, and a line with the summary last")
}

func (f *diffFlags) check() error {
	if err := f.monolithFlags.check("the one that people were imported by"); err != nil {
		return err
	}
	if f.rejects != "" && !f.repair {
		return errors.New("--rejects is for --repair: without it no row is refused")
	}
	return nil
}

// differencesError says that two sides differ: the comparison itself went well.
type differencesError struct{}

func (differencesError) Error() string { return "there are differences" }

// ExitCode is the program's.
func (differencesError) ExitCode() int { return 3 }

func diffCommand() *cobra.Command {
	var flags diffFlags
	cmd := &cobra.Command{
		Use:   "diff --mapping MAPPING [FILE]",
		Short: "Compare a monolith's table with the people here, and import who is missing",
		Long: `Reads the rows of a monolith's table as registrar import does, and compares what an
import would have stored of each with what is stored. It says who is

  missing    in the table, and not here
  refused    likewise, by a row that an import would refuse
  extra      here under the mapping's caller, and not in the table
  keyless    here under the mapping's caller without an external id
  differing  in both, and not the same, and in which fields
  erased     in the table; here the person was erased: no difference
  ahead      in both; here they were verified, became active or withdrew their
             consent since: no difference

People are named by their external ids. Values are never shown. Spellings that an
import makes one are no differences, nor is what its rules have changed. A
password's hash that is not the table's but of the service's own algorithm was made
at a login or by Register: it is counted and is no difference. docs/import.md has
the rest.

The exit code is 0 when nothing differs, 3 when something does, and 1 when it
could not be found out.

A comparison that was interrupted goes on where it was; --restart begins anew.
--repair imports who is missing, by the importer and its rules, and says who could
not be. It may run beside the service and the monolith: who is missing is looked for
once more before it is said.`,
		Example: `  registrar diff --mapping mapping.yaml --config registrar.yaml
  registrar diff --mapping mapping.yaml --repair --rejects rejects.jsonl
  registrar diff --mapping laravel users.csv --json | jq -r 'select(.kind == "extra").key'`,
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.name(args)
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				if err := flags.check(); err != nil {
					return err
				}
				return runDiff(ctx, cmd, c, db, flags)
			})
		},
	}
	flags.add(cmd.Flags())
	config.AddFlags(cmd.Flags())
	return cmd
}

// runDiff compares the file that is named, or the mapping's database.
func runDiff(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, flags diffFlags) (err error) {
	m, err := flags.load()
	if err != nil {
		return err
	}
	i, err := m.newImport(ctx)
	if err != nil {
		return advisedDiff(err, diff.Diff{})
	}
	differ, err := newDiffer(c, db, m)
	if err != nil {
		return err
	}
	show := showRate(cmd.ErrOrStderr(), "diff", "row")
	differ.Progress = func(d diff.Diff) { show.at(phaseText(d), d.Progress.Read, d.Progress.Done, d.Progress.Total) }
	first := diff.Diff{ID: sha256.Sum256(append([]byte("diff\x00"), i.ID[:]...)), Caller: i.Caller, Source: i.Source, Fingerprint: i.Fingerprint}
	rejects, err := repairRejects(ctx, db, first, m, flags)
	if err != nil {
		return err
	}
	if rejects != nil {
		defer func() { err = errors.Join(err, rejects.Close()) }()
	}
	d, err := differ.Run(ctx, first, flags.restart)
	show.end()
	if err != nil {
		return advisedDiff(err, d)
	}
	var repaired *transfer.Import
	if flags.repair {
		done, err := repair(ctx, cmd, c, db, differ, d, m, rejects)
		if err != nil {
			return advisedImport(err, done)
		}
		repaired = &done
	}
	different, err := tellDiff(ctx, cmd.OutOrStdout(), db.Diffs(), d, repaired, flags)
	if err == nil && different {
		err = differencesError{}
	}
	return err
}

func newDiffer(c config.Config, db *store.DB, m monolith) (*diff.Differ, error) {
	keys, err := tombstoneKeys(c)
	if err != nil {
		return nil, err
	}
	mapper, algorithm := m.Mapper(mappingEnvironment(c)), hashing(c)
	return &diff.Differ{
		Store:    db.Diffs(),
		Open:     m.open,
		Mapper:   mapper,
		Comparer: diff.Comparer{Compares: m.Compares, Yield: mapper.Yield, Names: mapper.Names, OwnHash: func(h string) bool { return !password.Outdated(h, algorithm) }},
		Erased:   person.Tombstones{Store: db.Erasures(), Keys: keys}.Erased,
		NewID:    newID, Now: time.Now, TellKeys: m.TellKeys(),
	}, nil
}

// phaseText says to a person what is done.
func phaseText(d diff.Diff) string {
	switch d.Phase {
	case diff.Table:
		return "table"
	case diff.Stored:
		return "people here"
	case diff.Check:
		return "table again, for who is extra"
	default:
		return "who is missing, again"
	}
}

// advisedDiff adds to an error what to do next.
func advisedDiff(err error, d diff.Diff) error {
	return advisedStop(err, d.Progress.Read, ": the same command goes on there", "compares the same table: let it end")
}
