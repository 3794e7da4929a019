// Command registrar is the registration service: a SOAP endpoint that stores
// accounts and tells the people they belong to. Each subcommand is a file here
// that reads the configuration and wires the parts; nothing else does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"registrar/internal/config"
)

// version is set by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)       // a second signal ends the program at once
	cobra.EnableCommandSorting = false // they are in the order in which they are needed
	err := root().ExecuteContext(ctx)
	stop()
	if err != nil {
		tell(err)
		os.Exit(exitCode(err))
	}
}

// exitCode is the program's for an error: 1, or what the error says.
func exitCode(err error) int {
	if e, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return e.ExitCode()
	}
	return 1
}

// tell says on standard error what went wrong, once.
func tell(err error) {
	if problems, ok := errors.AsType[config.Problems](err); ok {
		fmt.Fprintln(os.Stderr, problems)
		return
	}
	fmt.Fprintf(os.Stderr, "registrar: %v\n", err)
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "registrar",
		Short: "A SOAP registration service: accounts in, e-mail and SMS out",
		Long: `Registrar takes RegisterRequest envelopes (SOAP 1.1 and 1.2), checks them, hashes
the password, stores the account and its profile, and sends a one-time code to the
e-mail address and one to the mobile number. With the codes the person is verified
(VerifyContact), the account becomes active, and the news of it goes out. Those who
consented can be written to by campaigns.

Without any configuration everything is in this one program: a database file, a
message broker and an inbox that shows what people would get. With addresses of
MariaDB, Kafka, mail servers and SMS providers in its configuration the same
program works with those.`,
		Example: `  registrar serve                          # everything, on 127.0.0.1:8080, data in ./data
  registrar serve --config registrar.yaml  # with a configuration file
  registrar config show                    # every setting and its present value
  registrar caller add erp                 # a system that may call, and its secret
  registrar template preview               # the messages that people get
  registrar notification list              # what became of messages to people`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	for _, g := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Run:", []*cobra.Command{serveCommand(), webCommand(), appCommand(), notifyCommand()}},
		{"Set up:", []*cobra.Command{configCommand(), migrateCommand(), callerCommand(), templateCommand(), importCommand(), diffCommand(), exportCommand()}},
		{"Operate, also while it runs:", []*cobra.Command{campaignCommand(), notificationCommand(), suppressionCommand(), dlqCommand(), shadowCommand(), auditCommand(), personCommand()}},
		{"Look up:", []*cobra.Command{healthCommand(), eventCommand(), versionCommand()}},
	} {
		cmd.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.title
			cmd.AddCommand(c)
		}
	}
	cmd.SetHelpCommandGroupID("Look up:")
	cmd.SetCompletionCommandGroupID("Look up:")
	return cmd
}
