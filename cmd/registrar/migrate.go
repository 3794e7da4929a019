package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/store"
)

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Change the database's schema, or show where it stands",
		Long: `The schema is changed in numbered steps. One process at a time does it; the
others wait. registrar serve applies what is missing by itself unless
database.migrate is false.

down drops what the newest step made, and all that is kept there.`,
	}
	for _, sub := range []struct {
		use, short string
		run        func(context.Context, *store.Migrator, io.Writer) error
	}{
		{"up", "Apply all steps that are not applied yet", migrateUp},
		{"down", "Take the newest applied step back, with the data in its tables", migrateDown},
		{"status", "List the steps and when each was applied", migrateStatus},
	} {
		one := &cobra.Command{
			Use: sub.use, Short: sub.short, Args: cobra.NoArgs,
			Example: "  registrar migrate " + sub.use + " --config registrar.yaml",
			RunE: func(cmd *cobra.Command, _ []string) error {
				c, err := config.Load(cmd.Flags(), os.Environ())
				if err != nil {
					return err
				}
				return withMigrator(c, func(m *store.Migrator) error { return sub.run(cmd.Context(), m, cmd.OutOrStdout()) })
			},
		}
		config.AddFlags(one.Flags())
		cmd.AddCommand(one)
	}
	return cmd
}

// withMigrator keeps a service on the same data directory out meanwhile: it
// would lose its tables under its feet.
func withMigrator(c config.Config, do func(*store.Migrator) error) error {
	if c.Database.Driver == config.SQLite {
		i, err := openInstance(c.DataDir)
		if err != nil {
			return err
		}
		defer func() { _ = i.Close() }() // the lock goes with the process
	}
	o, err := storeOptions(c)
	if err != nil {
		return err
	}
	m, err := store.OpenMigrator(o)
	if err != nil {
		return err
	}
	return errors.Join(unreached(do(m)), m.Close())
}

func migrateUp(ctx context.Context, m *store.Migrator, w io.Writer) error {
	done, err := m.Up(ctx)
	for _, step := range done {
		fmt.Fprintf(w, "applied %s\n", step.Name)
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(w, "The schema is up to date.")
	}
	return err
}

func migrateDown(ctx context.Context, m *store.Migrator, w io.Writer) error {
	step, err := m.Down(ctx)
	switch {
	case err != nil:
		return err
	case step.Version == 0:
		fmt.Fprintln(w, "No step is applied.")
	default:
		fmt.Fprintf(w, "took back %s\n", step.Name)
	}
	return nil
}

func migrateStatus(ctx context.Context, m *store.Migrator, w io.Writer) error {
	steps, err := m.Status(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STEP\tAPPLIED")
	for _, step := range steps {
		applied := "no"
		if step.Applied {
			applied = step.AppliedAt.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\n", step.Name, applied)
	}
	return table.Flush()
}
