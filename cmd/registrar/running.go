package main

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/telemetry"
)

// running makes a command of what runs until its context ends: with the
// configuration read, and a log on standard error.
func running(run func(ctx context.Context, c config.Config, log *slog.Logger, out io.Writer) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		c, err := config.Load(cmd.Flags(), os.Environ())
		if err != nil {
			return err
		}
		log, err := telemetry.NewLogger(cmd.ErrOrStderr(), c.Log.Format, c.Log.Level)
		if err != nil {
			return err
		}
		return run(cmd.Context(), c, log, cmd.OutOrStdout())
	}
}
