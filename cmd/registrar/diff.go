package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/person"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

type diffFlags struct {
	mapping, rejects        string
	repair, restart, asJSON bool
}

func (f *diffFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.mapping, "mapping", "", "`file` that says how rows become people, or the name of a shipped one: the import's")
	fs.BoolVar(&f.repair, "repair", false, "import who is missing, by the rules of registrar import; nobody is told")
	fs.BoolVar(&f.restart, "restart", false, "begin anew, also where a comparison was interrupted")
	fs.StringVar(&f.rejects, "rejects", "", "`file` for the rows that --repair could not import, as registrar import has it")
	fs.BoolVar(&f.asJSON, "json", false, "all findings, one a line, and a line with the summary last")
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
			path := ""
			if len(args) == 1 {
				path = absolute(args[0])
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				switch {
				case flags.mapping == "":
					return errors.New("--mapping is needed: the one that people were imported by")
				case flags.rejects != "" && !flags.repair:
					return errors.New("--rejects is for --repair: without it no row is refused")
				}
				return runDiff(ctx, cmd, c, db, flags, path)
			})
		},
	}
	flags.add(cmd.Flags())
	config.AddFlags(cmd.Flags())
	return cmd
}

// runDiff compares the file path, or the mapping's database.
func runDiff(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, flags diffFlags, path string) (err error) {
	m, err := mapping.Load(flags.mapping)
	if err != nil {
		return err
	}
	if path == "" && m.Source.Kind != mapping.Database {
		return fmt.Errorf("the mapping %s is for a file: name it behind the flags", flags.mapping)
	}
	i, err := importOf(ctx, m, path)
	if err != nil {
		return advisedDiff(err, diff.Diff{})
	}
	differ, err := newDiffer(c, db, m, path)
	if err != nil {
		return err
	}
	show := showRate(cmd.ErrOrStderr(), "diff", "row")
	differ.Progress = func(d diff.Diff) { show.at(phaseText(d), d.Progress.Read, d.Progress.Done, d.Progress.Total) }
	first := diff.Diff{ID: sha256.Sum256(append([]byte("diff\x00"), i.ID[:]...)), Caller: i.Caller, Source: i.Source, Fingerprint: i.Fingerprint}
	rejects, err := repairRejects(ctx, db, first, m, flags, path)
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
		done, err := repair(ctx, cmd, c, db, differ, d, m, rejects, path)
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

func newDiffer(c config.Config, db *store.DB, m *mapping.Mapping, path string) (*diff.Differ, error) {
	keys, err := tombstoneKeys(c)
	if err != nil {
		return nil, err
	}
	mapper, algorithm := m.Mapper(mappingEnvironment(c)), hashing(c)
	return &diff.Differ{
		Store: db.Diffs(),
		Open: func(ctx context.Context, at transfer.Position) (transfer.Source, error) {
			return source.Open(ctx, m.Source, path, m.Columns(), at)
		},
		Mapper:   mapper,
		Comparer: diff.Comparer{Compares: m.Compares, Yield: mapper.Yield, Names: mapper.Names, OwnHash: func(h string) bool { return !password.Outdated(h, algorithm) }},
		Erased:   person.Tombstones{Store: db.Erasures(), Keys: keys}.Erased,
		NewID:    newID, Now: time.Now, TellKeys: m.TellKeys(),
	}, nil
}

// repairRejects opens --rejects, before anything is compared. A repair that was
// interrupted has written to it already, and writes it anew.
func repairRejects(ctx context.Context, db *store.DB, d diff.Diff, m *mapping.Mapping, flags diffFlags, path string) (*source.Rejects, error) {
	if flags.rejects == "" {
		return nil, nil //nolint:nilnil // none
	}
	before, err := importBefore(ctx, db, transfer.Import{ID: d.RepairID()}, false)
	if err != nil {
		return nil, err
	}
	return openRejects(absolute(flags.rejects), m, path, before)
}

// repair imports who is missing.
func repair(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, differ *diff.Differ, d diff.Diff, m *mapping.Mapping, rejects *source.Rejects, path string) (transfer.Import, error) {
	importer, err := newImporter(c, db, m, importFlags{batch: transfer.DefaultBatch}, path)
	if err != nil {
		return transfer.Import{}, err
	}
	if rejects != nil {
		importer.Rejects = rejects
	}
	show := showImport(cmd.ErrOrStderr(), nil)
	importer.Observer = transfer.Observer{Progress: show.progress, Waiting: show.waiting}
	defer show.end()
	return differ.Repair(ctx, d, importer)
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

// diffView is the summary of a comparison.
type diffView struct {
	Caller    string              `json:"caller"`
	Source    string              `json:"source"`
	Read      int64               `json:"read"`
	Same      int64               `json:"same"`
	Rehashed  int64               `json:"hashed_anew"`
	Here      int64               `json:"here"`
	Findings  map[diff.Kind]int64 `json:"findings"`
	Different bool                `json:"different"`
	Repaired  *importView         `json:"repaired,omitempty"`
}

type findingView struct {
	Kind   diff.Kind `json:"kind"`
	Key    string    `json:"key"`
	Fields []string  `json:"fields,omitempty"`
}

// toldMost is how many findings of a kind a person is told.
const toldMost = 20

// tellDiff reports what was found, and says whether anything differs.
func tellDiff(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, repaired *transfer.Import, flags diffFlags) (different bool, err error) {
	counts, err := s.Count(ctx, d.ID)
	if err != nil {
		return false, err
	}
	view := diffView{
		Caller: d.Caller, Source: d.Source, Read: d.Progress.Read, Same: d.Progress.Same, Rehashed: d.Progress.Rehashed, Here: d.Progress.InStore, Findings: map[diff.Kind]int64{},
	}
	for _, kind := range diff.Kinds() {
		view.Findings[kind] = counts[kind]
		view.Different = view.Different || counts[kind] > 0 && kind.Different()
	}
	if repaired != nil {
		v := importViewOf(*repaired)
		view.Repaired = &v
	}
	if flags.asJSON {
		return view.Different, tellDiffJSON(ctx, w, s, d, view)
	}
	return view.Different, tellDiffText(ctx, w, s, d, repaired, view)
}

func tellDiffJSON(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, view diffView) error {
	err := eachFinding(ctx, s, d, 0, func(f diff.Finding) error { return writeJSONLine(w, findingView{f.Kind, f.Key, f.Fields}) })
	if err != nil {
		return err
	}
	return writeJSONLine(w, map[string]diffView{"summary": view})
}

// eachFinding gives the findings, of each kind so many at most; 0 for all.
func eachFinding(ctx context.Context, s *store.Diffs, d diff.Diff, most int, give func(diff.Finding) error) error {
	const page = 1000
	for _, kind := range diff.Kinds() {
		for last, given := "", 0; ; {
			limit := page
			if most > 0 {
				limit = most - given
			}
			some, err := s.Findings(ctx, d.ID, kind, last, limit)
			if err != nil {
				return err
			}
			for _, f := range some {
				if err := give(f); err != nil {
					return err
				}
				last = f.Key
			}
			if given += len(some); len(some) < limit || given == most {
				break
			}
		}
	}
	return nil
}

func tellDiffText(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, repaired *transfer.Import, view diffView) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, n int64, note string) { fmt.Fprintf(table, "%s\t%d\t%s\n", name, n, note) }
	line("rows read", view.Read, "")
	line("people here", view.Here, "")
	line("the same", view.Same, "")
	if view.Rehashed > 0 {
		line("  hashed anew", view.Rehashed, "by the service's own algorithm")
	}
	notes := map[diff.Kind]string{
		diff.Missing: "--repair imports them", diff.Refused: "by rules of the mapping", diff.Erased: "no difference", diff.Ahead: "no difference",
	}
	for _, kind := range diff.Kinds() {
		note := notes[kind]
		if kind == diff.Missing && repaired != nil {
			note = "could not be imported"
		}
		if view.Findings[kind] == 0 {
			note = ""
		}
		line(string(kind), view.Findings[kind], note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if repaired != nil {
		fmt.Fprintf(w, "\nRepaired: %d imported, %d refused.\n", repaired.Stored, repaired.Refused)
		if err := tellFindings(w, repaired.Tally); err != nil {
			return err
		}
	}
	var lines []string
	err := eachFinding(ctx, s, d, toldMost, func(f diff.Finding) error {
		lines = append(lines, strings.Join([]string{string(f.Kind), f.Key, strings.Join(f.Fields, ", ")}, "\t"))
		return nil
	})
	if err != nil || len(lines) == 0 {
		return err
	}
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FOUND\tEXTERNAL ID\tIN")
	for _, l := range lines {
		fmt.Fprintln(table, l)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if slices.ContainsFunc(diff.Kinds(), func(k diff.Kind) bool { return view.Findings[k] > toldMost }) {
		_, err = fmt.Fprintln(w, "\nOf each the first "+strconv.Itoa(toldMost)+": --json lists all.")
	}
	return err
}

// advisedDiff adds to an error what to do next.
func advisedDiff(err error, d diff.Diff) error {
	switch {
	case errors.Is(err, transfer.ErrStopped):
		return fmt.Errorf("stopped after %d rows: the same command goes on there, with --restart it begins anew", d.Progress.Read)
	case errors.Is(err, transfer.ErrOvertaken):
		return errors.New("another process compares the same table: let it end")
	default:
		return err
	}
}
