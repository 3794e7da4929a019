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
its dots as underscores, such as REGISTRAR_DATABASE_DRIVER), flags. Lists of
providers (email.providers, sms.providers) can be in the file alone.`,
	}
	check := &cobra.Command{
		Use:   "check",
		Short: "Tell every problem of the configuration; exit 1 when there is one",
		Long: `Tells every problem of the configuration at once, each with its key, where it was
set and what to do. Without one it tells by which providers messages leave, in the
order in which they are tried: the next one is asked when the one before does not
work or takes no more. RATE is of each process; one-time codes go first in it,
and other news leaves MARKETING of it to campaigns. Nothing is connected to.`,
		Example: `  registrar config check --config registrar.yaml
  REGISTRAR_EMAIL_DRIVER=smtp registrar config check`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(cmd.Flags(), os.Environ())
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), "The configuration is valid.\n\n")
			return listProviders(cmd.OutOrStdout(), c)
		},
	}
	show := &cobra.Command{
		Use:   "show",
		Short: "Print every setting with its present value; secrets are redacted",
		Example: `  registrar config show --config registrar.yaml
  REGISTRAR_LOG_FORMAT=json registrar config show | grep -A 2 ^log:`,
		Args: cobra.NoArgs,
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
