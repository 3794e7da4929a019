package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/address"
	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

// importFlags say what is imported, and how.
type importFlags struct {
	mapping, rejects, notify        string
	batch                           int
	dryRun, restart, events, asJSON bool
}

func (f *importFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.mapping, "mapping", "", "`file` that says how rows become people, or the name of a shipped one: laravel")
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
	switch {
	case f.mapping == "":
		return errors.New("--mapping is needed: a file, or laravel. registrar import mapping laravel prints one to begin with")
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
			path := ""
			if len(args) == 1 {
				path = absolute(args[0])
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				if err := flags.check(c); err != nil {
					return err
				}
				return runImport(ctx, cmd, c, db, flags, path)
			})
		},
	}
	flags.add(cmd.Flags())
	config.AddFlags(cmd.Flags())
	cmd.AddCommand(importMappingCommand(), importStatusCommand())
	return cmd
}

func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("at most one file can be imported at a time: %s", cmd.UseLine())
	}
	return nil
}

// runImport imports the file path, or the mapping's database.
func runImport(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, flags importFlags, path string) (err error) {
	m, err := mapping.Load(flags.mapping)
	if err != nil {
		return err
	}
	if path == "" && m.Source.Kind != mapping.Database {
		return fmt.Errorf("the mapping %s is for a file: name it behind the flags", flags.mapping)
	}
	first, err := importOf(ctx, m, path)
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
	importer, err := newImporter(c, db, m, flags, path)
	if err != nil {
		return err
	}
	name, err := flags.rejectsName(before)
	if err != nil {
		return err
	}
	rejects, err := openRejects(name, m, path, before)
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

// importOf is an import that nothing was done of yet.
func importOf(ctx context.Context, m *mapping.Mapping, path string) (transfer.Import, error) {
	file, err := source.Fingerprint(ctx, path)
	if ctx.Err() != nil {
		err = transfer.ErrStopped
	}
	if err != nil {
		return transfer.Import{}, err
	}
	sum := m.Sum()
	what := m.Source.Identity(path)
	return transfer.Import{
		ID: sha256.Sum256([]byte(m.Caller + "\x00" + what)), Caller: m.Caller, Source: what, Fingerprint: sha256.Sum256(append(sum[:], file[:]...)),
	}, nil
}

// importBefore is what an interrupted import of the same source has come to; nil
// where there is none to go on with.
func importBefore(ctx context.Context, db *store.DB, first transfer.Import, anew bool) (*transfer.Import, error) {
	if anew {
		return nil, nil //nolint:nilnil // none
	}
	all, err := db.People(nil).Imports(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.ID == first.ID && i.State == transfer.Open {
			return &i, nil
		}
	}
	return nil, nil //nolint:nilnil // none
}

// newImporter ties the parts together.
func newImporter(c config.Config, db *store.DB, m *mapping.Mapping, flags importFlags, path string) (*transfer.Importer, error) {
	secret, err := codeSecret(c)
	if err != nil {
		return nil, err
	}
	keys, err := person.NewKeys(secret)
	if err != nil {
		return nil, err
	}
	people := db.People(keys)
	importer := &transfer.Importer{
		Open: func(ctx context.Context, at transfer.Position) (transfer.Source, error) {
			return source.Open(ctx, m.Source, path, m.Columns(), at)
		},
		Mapper:   m.Mapper(mappingEnvironment(c)),
		Store:    people,
		News:     transfer.News{Notify: flags.notify != "", Life: c.Registration.NotificationLife, Events: flags.events},
		NewID:    newID,
		Now:      time.Now,
		Batch:    flags.batch,
		TellKeys: m.TellKeys(),
	}
	if flags.dryRun {
		importer.Store = transfer.NewRehearsal(people)
	}
	return importer, nil
}

// mappingEnvironment is what the service knows of addresses, numbers and hashes.
func mappingEnvironment(c config.Config) mapping.Environment {
	return mapping.Environment{
		DomainToASCII: address.DomainToASCII,
		ParseMobile:   address.Mobiles{Region: c.DefaultRegion}.Parse,
		DefaultLocale: c.DefaultLocale,
		CheckHash:     password.Importable,
		Now:           time.Now,
	}
}

// fingerprint is that of an import of some content with these flags: whom others were
// told of and whom not would be lost where the rest of it had others.
func (f importFlags) fingerprint(content [32]byte) [32]byte {
	if f.news() == "" {
		return content
	}
	return sha256.Sum256(append(content[:], f.news()...))
}

// news are the flags by which others are told of people; "" for none.
func (f importFlags) news() string {
	var flags []string
	if f.notify != "" {
		flags = append(flags, "--notify "+f.notify)
	}
	if f.events {
		flags = append(flags, "--events")
	}
	return strings.Join(flags, " ")
}

// checkNews refuses to go on with an import that was begun with other flags of that
// kind.
func (f importFlags) checkNews(content [32]byte, before *transfer.Import) error {
	if before == nil {
		return nil
	}
	for _, notify := range []string{"", "registration_completed"} {
		for _, events := range []bool{false, true} {
			was := importFlags{notify: notify, events: events}
			if was.news() != f.news() && was.fingerprint(content) == before.Fingerprint {
				return fmt.Errorf("the import of this source that was interrupted was begun %s: begin with the same flags to go on with it; --restart begins at the first row, and tells nobody of people who are there already", given(was.news()))
			}
		}
	}
	return nil
}

// given says with which flags.
func given(flags string) string {
	if flags == "" {
		return "without --notify and --events"
	}
	return "with " + flags
}

// rejectsName is the file of rejects that is asked for, or that an interrupted
// import has; "" for none.
func (f importFlags) rejectsName(before *transfer.Import) (string, error) {
	switch {
	case before == nil && f.rejects == "":
		return "", nil
	case f.rejects == "":
		return before.Rejects, nil
	case before != nil && before.RejectsSize > 0 && before.Rejects != absolute(f.rejects):
		return "", fmt.Errorf("there is an import of this source, which runs now or was interrupted (its last batch was at %s), and it writes its rejects to %s: "+
			"let it end if it runs; else leave --rejects out to go on with it, or begin anew with --restart", shortTime(before.UpdatedAt), before.Rejects)
	default:
		return absolute(f.rejects), nil
	}
}

// openRejects opens the file of rejects name; nil for "". It overwrites nothing but
// what the import before, if there is one, has written.
func openRejects(name string, m *mapping.Mapping, path string, before *transfer.Import) (*source.Rejects, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // none
	}
	if name == path {
		return nil, fmt.Errorf("--rejects is the file that is imported: give another name")
	}
	goesOn := before != nil && before.Rejects == name
	if info, err := os.Stat(name); err == nil && info.Size() > 0 && !goesOn {
		return nil, fmt.Errorf("%s is there already: give --rejects another name, or remove the file", name)
	}
	return source.OpenRejects(name, m.Source, path, m.Columns())
}

// noteCaller says when nobody could ask for the people by their external ids yet.
func noteCaller(ctx context.Context, cmd *cobra.Command, db *store.DB, name string) error {
	all, err := db.Callers().Callers(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Name == name {
			return nil
		}
	}
	if name == "" || len(all) == 0 {
		return nil
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "There is no caller %s yet, whose the external ids are: registrar caller add %s adds it.\n", name, name)
	return err
}

// advisedImport adds to an error what to do next.
func advisedImport(err error, i transfer.Import) error {
	switch {
	case errors.Is(err, transfer.ErrStopped):
		return fmt.Errorf("stopped after %d rows, all of which are dealt with: the same command goes on behind them, with --restart it begins anew", i.Read)
	case errors.Is(err, transfer.ErrChanged):
		return errors.New("an import of this source was interrupted, and the mapping or the file is not any more what it was then: --restart begins at the first row; who is there is not stored again")
	case errors.Is(err, transfer.ErrOvertaken):
		return errors.New("another process imports the same source: let it end; registrar import status shows how far it is")
	case errors.Is(err, source.ErrRejectsShort):
		return fmt.Errorf("%w: put it back, or begin anew with --restart and another file", err)
	case errors.Is(err, registration.ErrUnavailable):
		return fmt.Errorf("%w. What is stored stays so, and the same command goes on behind it", unreached(err))
	default:
		return err
	}
}
