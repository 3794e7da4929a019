package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/lane"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func notificationCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notification",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Show what became of messages to people",
		Long: `Shows what the ledger knows of notifications: where each stands, and what every
attempt to send it has come to. Addresses and numbers are masked.

  QUEUED     waits for its time and for a notifier
  CLAIMED    a notifier holds it; nothing has left yet
  SENDING    a provider may have it; only its answer is missing
  ACCEPTED   a provider has taken it over
  DELIVERED  it is known to have arrived
  FAILED     it was refused for good, or came back
  EXPIRED    nobody wants it any more: its deadline passed before a provider took
             it, its code was used or replaced, its campaign was cancelled
  UNKNOWN    it may have been sent, and may not be sent again`,
		Example: `  registrar notification list --state FAILED --since 24h
  registrar notification show 01936f0a-5d2c-7b31-9c44-8a1e2f6b7d90`,
	}
	for _, sub := range []*cobra.Command{showNotificationCommand(), listNotificationsCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

func showNotificationCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a notification's whole history",
		Long: `Shows a notification with every attempt to send it, its row in the outbox while it
is not settled, the delivery receipts that its provider still owes, and for what
reasons its recipient is on the suppression list.`,
		Example: `  registrar notification show 01936f0a-5d2c-7b31-9c44-8a1e2f6b7d90
  registrar notification show 01936f0a-5d2c-7b31-9c44-8a1e2f6b7d90 --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one id of a notification is needed: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := registration.ParseID(args[0])
			if err != nil {
				return errors.New("the argument is not an id: registrar notification list shows those of the latest")
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				h, err := db.History().Find(ctx, id)
				switch {
				case errors.Is(err, registration.ErrNotFound):
					return errors.New("there is no such notification: registrar notification list shows the latest")
				case err != nil:
					return err
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), viewOfNotification(h))
				default:
					return showNotification(cmd.OutOrStdout(), viewOfNotification(h))
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func listNotificationsCommand() *cobra.Command {
	var (
		account, state, ofLane, before string
		since                          time.Duration
		limit                          int
		asJSON                         bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List notifications, the newest first",
		Long: `Lists the notifications that fit everything that is given. A page ends with the
command for the next one.`,
		Example: `  registrar notification list --account 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55 --since 0
  registrar notification list --state FAILED --since 72h
  registrar notification list --lane sms.otp --limit 20`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := historyFilter(account, state, ofLane, before, since)
			if err != nil {
				return err
			}
			if limit < 1 || limit > 1000 {
				return errors.New("--limit must be 1 to 1000")
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				all, err := db.History().List(ctx, f, limit)
				if err != nil {
					return err
				}
				views := make([]notificationView, len(all))
				for i, h := range all {
					views[i] = viewOfNotification(h)
				}
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), views)
				}
				return listNotifications(cmd.OutOrStdout(), views, limit)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&account, "account", "", "`id` of the account that they belong to")
	fs.StringVar(&state, "state", "", "where they stand, such as FAILED")
	fs.StringVar(&ofLane, "lane", "", "such as sms.otp")
	fs.DurationVar(&since, "since", 24*time.Hour, "how long ago they were made at most; 0 is without limit")
	fs.StringVar(&before, "before", "", "`id` that the page before ended with")
	fs.IntVar(&limit, "limit", 50, "how many at most; 1 to 1000")
	fs.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func historyFilter(account, state, ofLane, before string, since time.Duration) (f store.HistoryFilter, err error) {
	if account != "" {
		if f.AccountID, err = registration.ParseID(account); err != nil {
			return f, errors.New("--account is not an id, such as 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55")
		}
	}
	if before != "" {
		if f.Before, err = registration.ParseID(before); err != nil {
			return f, errors.New("--before is not an id")
		}
	}
	if state != "" {
		f.State = registration.State(strings.ToUpper(state))
		switch f.State {
		case registration.Queued, registration.Claimed, registration.Sending, registration.Accepted, registration.Delivered, registration.Failed, registration.Expired, registration.Unknown:
		default:
			return f, errors.New("--state is none: registrar notification --help lists them")
		}
	}
	if ofLane != "" {
		if f.Lane, err = lane.Parse(ofLane); err != nil {
			return f, fmt.Errorf("--lane: there is no such lane: they are %v", lane.All())
		}
	}
	if since < 0 {
		return f, errors.New("--since must not be negative")
	}
	if since > 0 {
		f.Since = time.Now().Add(-since)
	}
	return f, nil
}

func listNotifications(w io.Writer, all []notificationView, limit int) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There is no such notification; --since 0 looks at older ones too.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tMADE\tLANE\tRECIPIENT\tSTATE\tREASON\tATTEMPTS\tPROVIDER")
	for _, v := range all {
		fmt.Fprintln(table, strings.Join([]string{v.ID, stamp(v.CreatedAt), v.Lane, v.Recipient, v.State, orNone(printable(v.Reason)), strconv.Itoa(v.Attempts), orNone(v.Provider)}, "\t"))
	}
	if err := table.Flush(); err != nil || len(all) < limit {
		return err
	}
	_, err := fmt.Fprintf(w, "There may be more: the same command with --before %s\n", all[len(all)-1].ID)
	return err
}
