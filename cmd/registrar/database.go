package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/telemetry"
)

// withDatabase opens the database that there is, also beside a serve that runs
// on it. It neither makes one nor changes its schema.
func withDatabase(cmd *cobra.Command, do func(context.Context, config.Config, *store.DB) error) (err error) {
	c, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(cmd.ErrOrStderr(), c.Log.Format, c.Log.Level)
	if err != nil {
		return err
	}
	if c.Database.Driver == config.SQLite {
		if _, err := os.Stat(storeOptions(c).Path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database in %s: give the --data-dir (data_dir) that the service has; registrar serve makes one where there is none", absolute(c.DataDir))
		}
	}
	c.Database.Migrate = false
	db, err := openDatabase(cmd.Context(), c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return unreached(do(cmd.Context(), c, db))
}
