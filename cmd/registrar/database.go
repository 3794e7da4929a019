package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
		if _, err := os.Stat(databaseFile(c)); errors.Is(err, fs.ErrNotExist) {
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

// databaseFile is SQLite's, where that is the database.
func databaseFile(c config.Config) string { return filepath.Join(c.DataDir, "registrar.db") }

// storeOptions is the way to the database.
func storeOptions(c config.Config) (store.Options, error) {
	if c.Database.Driver == config.SQLite {
		return store.Options{Path: databaseFile(c), AuditKey: c.AuditKey()}, nil
	}
	o := store.Options{
		Addresses: c.Database.Addresses, User: c.Database.User, Password: c.Database.Password.Reveal(), Database: c.Database.Name,
		ConnectTimeout: c.Database.ConnectTimeout, ReadTimeout: c.Database.ReadTimeout, WriteTimeout: c.Database.WriteTimeout,
		MaxConnections: c.Database.PoolSize, AuditKey: c.AuditKey(),
	}
	switch c.Database.TLS {
	case "on":
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	case "skip-verify":
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true} //nolint:gosec // the operator asked for it in so many words
	}
	if c.Database.CAFile == "" {
		return o, nil
	}
	pem, err := os.ReadFile(c.Database.CAFile)
	if err != nil {
		return store.Options{}, fmt.Errorf("database.ca_file: %w", err)
	}
	o.TLS.RootCAs = x509.NewCertPool()
	if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return store.Options{}, fmt.Errorf("database.ca_file: %s holds no certificate in PEM form", c.Database.CAFile)
	}
	return o, nil
}
