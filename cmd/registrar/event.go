package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"registrar/schema/events"
)

func eventCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "event",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Read and describe the events for other systems",
		Long: `What happens to registrations is told to other systems as CloudEvents: by the topic
registrar.events where kafka.brokers are configured, else from the database by
registrar event tail (section events of registrar config show).`,
		Example: `  registrar event tail --follow --json
  registrar event types
  registrar event schema registrar.registration.completed.v1`,
	}
	cmd.AddCommand(eventTailCommand(), eventTypesCommand(), eventSchemaCommand())
	return cmd
}

func eventTypesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "types",
		Short:   "List the types of events",
		Long:    `Lists the types that are published, one a line; the last part of each is its version.`,
		Example: `  registrar event types`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range events.Types() {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func eventSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema TYPE",
		Short:   "Print the JSON Schema of a type's data",
		Long:    `Prints the JSON Schema (draft 2020-12) that the data of every event of the type is valid by.`,
		Example: `  registrar event schema registrar.registration.completed.v1 > completed.schema.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one type of event is needed: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := events.Schema(args[0])
			if err != nil {
				return fmt.Errorf("%w: registrar event types lists those that there are", err)
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
