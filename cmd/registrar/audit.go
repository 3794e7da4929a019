package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/audit"
	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Read and verify the log of what was done",
		Long: `The audit log says who registered, verified, imported, exported and erased whom,
and when: by keys, and with no name, address, number or secret in it.

  REGISTER        a registration; refused ones too, with the code of the fault
  VERIFY_CONTACT  a try to enter a one-time code that was counted
  IMPORT          an import, EXPORT and ERASE a command for one person's sake
  BLANK           from which entries an ERASE has removed the external id
  CALLER_...      a change of a caller by registrar caller
  PRUNE           registrar audit prune

Not in it: what was refused before it was a registration (no credential, no right
to call, over a limit, an envelope that breaks the schema), logins, and look-ups.
The log and /metrics have those.

A moment after it was written an entry is put into a chain, in which each has the
hash of the one before: what is edited, removed, inserted or moved shows. That
somebody has made all hashes anew, or has cut off the end, shows against a head
that was kept elsewhere alone: registrar audit head prints one, and servers write
one to their log every hour. docs/operations.md says what else shows, and what
does not.`,
		Example: `  registrar audit list --since 24h --outcome EMAIL_TAKEN
  registrar audit list --registration 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55 --since 0
  registrar audit head >> /mnt/elsewhere/heads
  registrar audit verify --heads /mnt/elsewhere/heads
  registrar audit prune --before 2025-01-01 --yes`,
	}
	for _, sub := range []*cobra.Command{listAuditCommand(), verifyAuditCommand(), headAuditCommand(), pruneAuditCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// operator is who runs a command, as entries have it: a number, and no name.
func operator() string { return "by=uid:" + strconv.Itoa(os.Getuid()) }

// operatorEntry is an entry of what an operator does now.
func operatorEntry(action registration.Action) (audit.Entry, error) {
	id, err := newID()
	if err != nil {
		return audit.Entry{}, err
	}
	return audit.Entry{ID: id, At: time.Now().UTC().Truncate(time.Microsecond), Action: action, Outcome: registration.AuditOK, Detail: operator()}, nil
}

func headAuditCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "head",
		Short: "Print where the chain ends, to be kept elsewhere",
		Long: `Prints the last entry's sequence number and hash, as SEQUENCE:HASH. Kept where
whoever has the database cannot change it, it shows later that nothing up to there
was changed: registrar audit verify --head SEQUENCE:HASH.`,
		Example: `  registrar audit head
  registrar audit head | ssh archive 'cat >> heads'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				head, err := db.Audit().Head(ctx)
				if err != nil {
					return err
				}
				if head == (audit.Head{}) {
					return errors.New("the chain has no entry yet: a running server seals what is written within seconds")
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), head)
				return err
			})
		},
	}
}

func pruneAuditCommand() *cobra.Command {
	var before string
	var yes bool
	cmd := &cobra.Command{
		Use:   "prune --before TIME --yes",
		Short: "Remove old entries, so that the rest can still be verified",
		Long: `Removes the entries from the beginning of the chain to the last one before a time.
Where the chain begins from then on is kept with the hash that was there, and an
entry of its own tells of it: the rest is verified as before, and heads from there
on are good. Without --yes it says what it would remove, and removes nothing.

It prints the last entry that it removes as a line, SEQUENCE:HASH pruned. Keep that
with the heads: whoever has the database can remove the beginning and make up the
entry that tells of it, but not that line. With audit.key they cannot make up the
entry either.

It removes 500 entries in a transaction, and may run beside the service. When it
is interrupted, the same command goes on.`,
		Example: `  registrar audit prune --before 2025-01-01
  registrar audit prune --before 2025-01-01T00:00:00Z --yes
  registrar audit prune --before 2025-01-01 --yes | grep 'pruned$' | ssh archive 'cat >> heads'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := auditTime("--before", before)
			switch {
			case err != nil:
				return err
			case at.IsZero():
				return errors.New("--before is needed: the time of the first entry that stays, such as 2025-01-01")
			case at.After(time.Now()):
				return errors.New("--before is in the future: the entry that tells of this would be among those that are removed")
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				return pruneAudit(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), db.Audit(), at, yes)
			})
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "`time` of the first entry that stays: 2025-01-01, or with a time of day in the form of RFC 3339")
	cmd.Flags().BoolVar(&yes, "yes", false, "remove them")
	return cmd
}

func pruneAudit(ctx context.Context, out, progress io.Writer, log *store.Audit, before time.Time, yes bool) error {
	from, _, err := log.Ends(ctx)
	if err != nil {
		return err
	}
	through, err := log.Prunable(ctx, before)
	if err != nil {
		return err
	}
	n := int(through.Sequence - from.Sequence)
	switch {
	case n == 0:
		_, err = fmt.Fprintln(out, "There is nothing to remove.")
		return err
	case !yes:
		_, err = fmt.Fprintf(out, "%d entries would be removed, up to %s. Give the command again with --yes.\n", n, through)
		return err
	}
	// First the line: it may be interrupted.
	if _, err := fmt.Fprintf(out, "Keep this line with the heads that are kept elsewhere:\n%s\n", audit.PrunedLine(through)); err != nil {
		return err
	}
	entry, err := operatorEntry(audit.Prune)
	if err != nil {
		return err
	}
	entry.Detail = audit.PruneDetail(through, operator())
	show := countProgress(progress, "removed", n)
	err = log.Prune(ctx, through.Sequence, time.Now(), entry, show.add)
	show.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d entries were removed, up to entry %d. The chain begins behind it.\n", n, through.Sequence)
	return err
}

// auditTime reads a day or a time; the zero time for "".
func auditTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is no time: write it like 2025-01-01 or 2025-01-01T12:00:00Z", flag)
}

// sinceTime reads how long ago, or since when; the zero time for "" and "0".
func sinceTime(flag, text string) (time.Time, error) {
	if text == "0" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return time.Now().Add(-ago), nil
	}
	at, err := auditTime(flag, text)
	if err != nil {
		return at, fmt.Errorf("%w, or how long ago, like 24h", err)
	}
	return at, nil
}

// auditAction reads an action in any letter case, with '-' for '_' too.
func auditAction(text string) (registration.Action, error) {
	a := registration.Action(strings.ReplaceAll(strings.ToUpper(text), "-", "_"))
	if text != "" && !slices.Contains(audit.Actions(), a) {
		return "", fmt.Errorf("--action is none of %v", audit.Actions())
	}
	return a, nil
}
