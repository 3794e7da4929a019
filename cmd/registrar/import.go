package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/source"
)

// importFlags say what is imported, and how.
type importFlags struct {
	monolithFlags
	rejects, notify                 string
	batch                           int
	dryRun, restart, events, asJSON bool
}

func (f *importFlags) add(fs *pflag.FlagSet) {
	f.monolithFlags.add(fs, "laravel")
	fs.BoolVar(&f.dryRun, "dry-run", false, "store nothing; say what would be refused, and why")
	fs.StringVar(&f.rejects, "rejects", "", "`file` for the rows that are refused, in the source's own form with the reason beside")
	fs.IntVar(&f.batch, "batch", transfer.DefaultBatch, "at most so many `rows` in one transaction, 1 to 5000")
	fs.BoolVar(&f.restart, "restart", false, "begin at the first row, also where an import was interrupted; who is there stays as they are")
	fs.StringVar(&f.notify, "notify", "", "tell people: registration_completed goes to each verified contact of an active account; nobody is told otherwise")
	fs.BoolVar(&f.events, "events", false, "record the event registration.created of each person, for other systems; off since it is no news to the monolith")
	fs.BoolVar(&f.asJSON, "json", false, "the report as JSON")
}

const maxImportBatch = 5000

func (f *importFlags) check(c config.Config) error {
	if err := f.monolithFlags.check("a file, or laravel. registrar import mapping laravel prints one to begin with"); err != nil {
		return err
	}
	switch {
	case f.batch < 1 || f.batch > maxImportBatch:
		return fmt.Errorf("--batch must be from 1 to %d", maxImportBatch)
	case f.notify != "" && f.notify != "registration_completed":
		return errors.New("--notify must be registration_completed, or not be given: then nobody is told")
	case f.events && !c.RecordsEvents():
		return errors.New("--events needs events that are recorded: set events.enabled, and kafka.brokers or events.keep, or leave it out")
	case f.dryRun && (f.restart || f.notify != "" || f.events):
		return errors.New("--dry-run stores nothing: leave --restart, --notify and --events out")
	default:
		return nil
	}
}

func importCommand() *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use:   "import --mapping MAPPING [FILE]",
		Short: "Bring people in from a monolith's table or file",
		Long: `Reads the rows of a monolith's table of users, from its MySQL or MariaDB or from
a CSV or JSON Lines file, makes people of them as the mapping says, and stores
them with their password hashes. It may run beside the service.

The mapping is a file in YAML: which column is which field, what is done to it on
the way, and by which named rule rows that do not fit are kept, changed or
refused. docs/import.md is its reference. Begin with the shipped one:

  registrar import mapping laravel > mapping.yaml

Then rehearse. A dry run does everything but store: it reads all rows, and looks
for names and addresses that are there twice or are in the store already.

  registrar import --mapping mapping.yaml --dry-run --rejects rejects.jsonl

A row is known by the mapping's caller and its external id. One that is there
already is not stored again, whatever else it says: the same import may run any
number of times. When it is interrupted, by Ctrl-C, a crash or kill -9, the same
command goes on behind the last batch that was stored; --restart begins at the
first row instead. registrar import status shows how far each import is.

Rows that are refused go to the file --rejects, with the reason beside. Mend it
and import it like the source: registrar import --mapping mapping.yaml rejects.csv

Nobody is told of anything, and no event is recorded, unless asked for. A batch
is one transaction; batches become smaller, and the database is left to others
for a while, when one takes more than half a second.

Give it the service's configuration. With the embedded database it must be run
as the user that the service runs as, with the same --data-dir.`,
		Example: `  registrar import mapping laravel > mapping.yaml
  registrar import --mapping mapping.yaml --dry-run --config registrar.yaml
  registrar import --mapping mapping.yaml --rejects rejects.jsonl --config registrar.yaml
  registrar import --mapping laravel users.csv --rejects rejects.csv
  registrar import status`,
		Args: atMostOneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			flags.name(args)
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				if err := flags.check(c); err != nil {
					return err
				}
				return runImport(ctx, cmd, c, db, flags)
			})
		},
	}
	flags.add(cmd.Flags())
	config.AddFlags(cmd.Flags())
	cmd.AddCommand(importMappingCommand(), importStatusCommand())
	return cmd
}

// runImport imports the file that is named, or the mapping's database.
func runImport(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, flags importFlags) (err error) {
	m, err := flags.load()
	if err != nil {
		return err
	}
	first, err := m.newImport(ctx)
	if err != nil {
		return advisedImport(err, first)
	}
	content := first.Fingerprint
	first.Fingerprint = flags.fingerprint(content)
	before, err := importBefore(ctx, db, first, flags.restart || flags.dryRun)
	if err != nil {
		return err
	}
	if err := flags.checkNews(content, before); err != nil {
		return err
	}
	importer, err := newImporter(c, db, m, flags)
	if err != nil {
		return err
	}
	name, err := flags.rejectsName(before)
	if err != nil {
		return err
	}
	rejects, err := openRejects(name, m, before)
	if err != nil {
		return err
	}
	if rejects != nil {
		defer func() { err = errors.Join(err, rejects.Close()) }()
		importer.Rejects, first.Rejects = rejects, rejects.Path()
	}
	if err := noteCaller(ctx, cmd, db, m.Caller); err != nil {
		return err
	}
	show := showImport(cmd.ErrOrStderr(), before)
	importer.Observer = transfer.Observer{Progress: show.progress, Waiting: show.waiting}
	last, err := importer.Run(ctx, first, flags.restart)
	show.end()
	if err != nil && !errors.Is(err, transfer.ErrStopped) {
		return advisedImport(err, last)
	}
	if told := tellImport(cmd.OutOrStdout(), last, flags); told != nil {
		return told
	}
	return advisedImport(err, last)
}

// advisedImport adds to an error what to do next.
func advisedImport(err error, i transfer.Import) error {
	switch {
	case errors.Is(err, transfer.ErrStopped), errors.Is(err, transfer.ErrOvertaken):
		return advisedStop(err, i.Read, ", all of which are dealt with: the same command goes on behind them",
			"imports the same source: let it end; registrar import status shows how far it is")
	case errors.Is(err, transfer.ErrChanged):
		return errors.New("an import of this source was interrupted, and the mapping or the file is not any more what it was then: --restart begins at the first row; who is there is not stored again")
	case errors.Is(err, source.ErrRejectsShort):
		return fmt.Errorf("%w: put it back, or begin anew with --restart and another file", err)
	case errors.Is(err, registration.ErrUnavailable):
		return fmt.Errorf("%w. What is stored stays so, and the same command goes on behind it", unreached(err))
	default:
		return err
	}
}
