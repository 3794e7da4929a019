package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"registrar/internal/config"
)

func configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Check or show the configuration",
		Long: `The configuration is, each over the one before: the defaults, a YAML file
(--config or REGISTRAR_CONFIG), variables (REGISTRAR_ and the key in capitals with
its dots as underscores, such as REGISTRAR_DATABASE_DRIVER), flags.`,
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Tell every problem of the configuration; exit 1 when there is one",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := config.Load(cmd.Flags(), os.Environ()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "The configuration is valid.")
			return nil
		},
	}
	show := &cobra.Command{
		Use:   "show",
		Short: "Print every setting with its present value; secrets are redacted",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(cmd.Flags(), os.Environ())
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), c.Redacted())
			return err
		},
	}
	for _, sub := range []*cobra.Command{check, show} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}
