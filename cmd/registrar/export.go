package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/audit"
	"registrar/internal/caller"
	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/export"
)

type exportFlags struct {
	caller, format, mapping, hashes, since string
	asJSON                                 bool
}

func (f *exportFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.caller, "caller", "", "`name` of the caller whose people are exported; the mapping's where there is one")
	fs.StringVar(&f.mapping, "mapping", "", "`file`, or name of a shipped one: write the columns that it reads; else a column for each field")
	fs.StringVar(&f.format, "format", formatCSV, "csv, jsonl, or mysql: the form that LOAD DATA reads exactly, with its statement in the report")
	fs.StringVar(&f.hashes, "hashes", export.AsTheyAre, "`formats` that the reader verifies, such as bcrypt,argon2id: other hashes are written empty; or "+export.AsTheyAre)
	fs.StringVar(&f.since, "since", "", "those alone who registered or were verified since a `time` (RFC 3339)")
	fs.BoolVar(&f.asJSON, "json", false, "the report as JSON")
}

func exportCommand() *cobra.Command {
	var flags exportFlags
	cmd := &cobra.Command{
		Use:   "export (--caller NAME | --mapping MAPPING) [FILE]",
		Short: "Write a caller's people to a file, with their password hashes",
		Long: `Writes everybody that a caller has registered or that was imported under its name:
what a monolith needs to take registration back. It may run beside the service.

With a mapping the columns are those of the monolith's own table, filled by the
mapping in reverse, as far as that goes: the report says which columns and which
people's fields could not be written back. Without one there is a column for each
field, which the shipped mapping plain reads. In both the column registration_id
is added. Who has no external id comes last: the table's key is null in their row.

Password hashes are written as they are. With --hashes only those of formats that
the reader verifies are: others are empty, so that these people set a new password,
and the report counts both. A Laravel application verifies bcrypt, which is then
written as $2y$; its other settings decide about argon2id. So that the way back
stays open for passwords that were set or used here too, let the service make the
hashes that the monolith verifies: password.algorithm: bcrypt.

CSV is RFC 4180's and JSON Lines are what they are: both can be imported again. For
MySQL and MariaDB write --format mysql and load the file by the SQL that the report
shows: LOAD DATA takes backslashes in CSV for its own, and loses people. Compare the
number of rows with the report's.

The file has its name when it is whole, mode 0600, and is never overwritten. Without
FILE, or with - for it, it goes to standard output, if that is no terminal, and the
report to standard error. The audit log gets an entry.`,
		Example: `  registrar export --mapping mapping.yaml --format mysql --hashes bcrypt users.mysql
  registrar export --mapping mapping.yaml --format csv --hashes bcrypt users.csv
  registrar export --mapping laravel --format jsonl --hashes bcrypt,argon2id users.jsonl
  registrar export --caller portal people.csv --config registrar.yaml
  registrar export --mapping mapping.yaml --since 2026-03-01T00:00:00Z new.csv`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("one file at most is written: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) == 1 && args[0] != "-" {
				path = absolute(args[0])
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				return runExport(ctx, cmd, c, db, flags, path)
			})
		},
	}
	flags.add(cmd.Flags())
	config.AddFlags(cmd.Flags())
	return cmd
}

func runExport(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, flags exportFlags, path string) (err error) {
	e, err := flags.exporter(cmd, c, db)
	if err != nil {
		return err
	}
	if err := checkCaller(ctx, db, e.Caller); err != nil {
		return err
	}
	out, told := cmd.OutOrStdout(), cmd.OutOrStdout()
	commit := func() error { return nil }
	if path == "" {
		if isTerminal(out) {
			return errors.New("people's data and hashes are not written to a terminal: name a FILE")
		}
		told = cmd.ErrOrStderr()
	} else {
		f, err := export.Create(path)
		if err != nil {
			return err
		}
		whole := false
		commit = func() error {
			whole = true
			return f.Commit()
		}
		defer func() {
			if !whole {
				_ = f.Abandon()
			}
		}()
		out = f
	}
	if e.Writer, err = e.writer(out, flags.format); err != nil {
		return err
	}
	// First the entry: nobody reads what is not noted.
	entry, err := operatorEntry(audit.Export)
	if err != nil {
		return err
	}
	entry.Caller = e.Caller
	if err := db.Audit().Append(ctx, entry); err != nil {
		return err
	}
	show := showRate(cmd.ErrOrStderr(), "export", "row")
	e.Progress = func(r export.Report) { show.at("", r.Seen, r.Seen, r.Total) }
	report, err := e.Run(ctx)
	show.end()
	if errors.Is(err, transfer.ErrStopped) {
		return errors.New("stopped: nothing was written")
	}
	if err == nil {
		err = commit()
	}
	if err != nil {
		return err
	}
	return e.tell(told, report, path, flags)
}

// checkCaller refuses a name that no caller has and nobody is stored under.
func checkCaller(ctx context.Context, db *store.DB, name string) error {
	if name == "" { // of a service whose callers are not authenticated
		return nil
	}
	if people, err := db.People(nil).Count(ctx, name); err != nil || people > 0 {
		return err
	}
	all, err := db.Callers().Callers(ctx)
	if err != nil || slices.ContainsFunc(all, func(c caller.Caller) bool { return c.Name == name }) {
		return err
	}
	return fmt.Errorf("there is no caller %s, and nobody is stored under that name: registrar caller list names the callers", name)
}
