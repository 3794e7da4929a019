package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/audit"
	"registrar/internal/caller"
	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/telemetry"
)

func callerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "caller",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Keep the systems that may call",
		Long: `A caller is a system that may call the service: it has a name, a secret or a
client certificate or both, and a policy of what it may do and how often.

While there is no caller the service answers everybody, and listens on loopback
only. From the first one on every call needs a credential, a disabled caller's
being none. The callers are in the database, for all servers that share it;
running ones need no restart: a change holds there after callers.refresh, 2 s
unless it is configured.

A caller proves who it is in one of these ways:

  HTTP Basic         curl -u NAME:SECRET ...
  WS-Security        a UsernameToken in the SOAP header, with the name as
                     Username and the secret as Password: its text, or where the
                     caller was added with --digest also its digest, with Nonce
                     and Created
  client certificate the subject given by --certificate-subject, verified by the
                     authorities of tls.client_ca_file

Secrets are 26 random letters and digits. Each is shown once, when it is made.

With the embedded database these commands must be run as the user that the
service runs as, with the same --data-dir. Only add makes a database where there
is none, or brings its schema up to date as registrar serve does.`,
		Example: `  registrar caller add erp
  registrar caller add backfill --operations Register --rate 50 --suppress-notifications
  registrar caller list
  registrar caller rotate erp --overlap 72h
  registrar caller disable erp`,
	}
	for _, sub := range []*cobra.Command{
		addCallerCommand(), listCallersCommand(), showCallerCommand(), updateCallerCommand(),
		ableCallerCommand("disable", true), ableCallerCommand("enable", false), rotateCallerCommand(),
	} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// oneName is the argument of most of the subcommands.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one name of a caller is needed: %s", cmd.UseLine())
	}
	return nil
}

// withCallers opens the database that there is, also beside a serve that runs
// on it. It neither makes one nor changes its schema.
func withCallers(cmd *cobra.Command, action registration.Action, do func(context.Context, config.Config, caller.Store) error) error {
	c, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return err
	}
	if c.Database.Driver == config.SQLite {
		if _, err := os.Stat(databaseFile(c)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no database in %s: give the --data-dir (data_dir) that the service has; registrar serve or registrar caller add makes one where there is none", absolute(c.DataDir))
		}
	}
	c.Database.Migrate = false
	return openCallers(cmd, c, action, do)
}

// withCallersAnew opens the database as serve does, which makes what is not
// there.
func withCallersAnew(cmd *cobra.Command, action registration.Action, do func(context.Context, config.Config, caller.Store) error) error {
	c, err := config.Load(cmd.Flags(), os.Environ())
	if err != nil {
		return err
	}
	if c.Database.Driver == config.SQLite {
		if err := makeDataDir(c.DataDir); err != nil {
			return err
		}
	}
	return openCallers(cmd, c, action, do)
}

// openCallers opens the callers. What is done to one is in the audit log as action;
// "" is for those who only look.
func openCallers(cmd *cobra.Command, c config.Config, action registration.Action, do func(context.Context, config.Config, caller.Store) error) (err error) {
	log, err := telemetry.NewLogger(cmd.ErrOrStderr(), c.Log.Format, c.Log.Level)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), openTimeout)
	defer cancel()
	db, err := openDatabase(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	callers := db.Callers()
	if action != "" {
		entry, err := operatorEntry(action)
		if err != nil {
			return err
		}
		callers = callers.Audited(entry)
	}
	return unreached(do(ctx, c, callers))
}

// databaseOf says where the database is.
func databaseOf(c config.Config) string {
	if c.Database.Driver == config.SQLite {
		return absolute(databaseFile(c))
	}
	return fmt.Sprintf("the database %s at %s", c.Database.Name, strings.Join(c.Database.Addresses, ", "))
}

func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// changeCaller changes one caller and says what then holds, and since when.
func changeCaller(cmd *cobra.Command, action registration.Action, name, done string, change func(*caller.Caller) error) error {
	return withCallers(cmd, action, func(ctx context.Context, c config.Config, callers caller.Store) error {
		err := callers.Change(ctx, name, func(one *caller.Caller) error {
			one.UpdatedAt = time.Now()
			return change(one)
		})
		if err != nil {
			return advised(err, name)
		}
		return sayDone(cmd.OutOrStdout(), c, name, done)
	})
}

// sayDone says what was done to a caller, and since when it holds.
func sayDone(w io.Writer, c config.Config, name, done string) error {
	if _, err := fmt.Fprintf(w, "Caller %s is %s. %s\n", name, done, holds(c)); err != nil {
		return fmt.Errorf("caller %s is %s, which could not be written to standard output: %w", name, done, err)
	}
	return nil
}

func holds(c config.Config) string {
	return fmt.Sprintf("It holds at running servers within %s (callers.refresh).", c.Callers.Refresh)
}

// advised adds to an error of the store what to do next.
func advised(err error, name string) error {
	switch {
	case errors.Is(err, caller.ErrExists):
		return fmt.Errorf("%w: registrar caller show %s shows it, registrar caller rotate %s makes another secret", err, name, name)
	case errors.Is(err, caller.ErrUnknown):
		return fmt.Errorf("%w: registrar caller list names those that there are", err)
	case errors.Is(err, caller.ErrSubjectTaken):
		return fmt.Errorf("%w: registrar caller list names it; registrar caller update NAME --certificate-subject '' takes it away from there", err)
	case errors.Is(err, registration.ErrUnavailable):
		return fmt.Errorf("%w; whether it was done is not known: registrar caller show %s tells", unreached(err), name)
	default:
		return err
	}
}

func updateCallerCommand() *cobra.Command {
	var flags policyFlags
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change what a caller may do, or its certificate",
		Long:  `Changes what is given; the rest stays. 0 takes a limit away, '' a certificate.`,
		Example: `  registrar caller update erp --rate 100 --burst 500
  registrar caller update erp --operations all --suppress-notifications=false
  registrar caller update erp --certificate-subject 'CN=erp,O=Acme'`,
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !flags.given(cmd.Flags()) {
				return errors.New("nothing to change is given: registrar caller update --help lists what can be")
			}
			return changeCaller(cmd, audit.CallerChange, args[0], "changed", func(c *caller.Caller) error {
				if err := flags.apply(cmd.Flags(), c); err != nil {
					return err
				}
				if cmd.Flags().Changed("certificate-subject") && c.CertificateSubject == "" && !hasSecret(*c, c.UpdatedAt) {
					return fmt.Errorf("without the certificate the caller has no credential at all: registrar caller rotate %s makes a secret, registrar caller disable %s turns the caller away", c.Name, c.Name)
				}
				return nil
			})
		},
	}
	flags.add(cmd.Flags())
	return cmd
}

// ableCallerCommand is disable and enable.
func ableCallerCommand(use string, disabled bool) *cobra.Command {
	action, short, long := audit.CallerEnable, "Let a caller in again", `The caller is let in again, with the secrets and the policy that it had.`
	if disabled {
		action, short, long = audit.CallerDisable, "Turn a caller away", `All calls of the caller are refused from then on, as if there were no such
caller. Nothing of it is lost: registrar caller enable lets it in again.
Callers are never deleted, since registrations name them.`
	}
	return &cobra.Command{
		Use: use + " NAME", Short: short, Long: long, Example: "  registrar caller " + use + " erp",
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return changeCaller(cmd, action, args[0], use+"d", func(c *caller.Caller) error { c.Disabled = disabled; return nil })
		},
	}
}
