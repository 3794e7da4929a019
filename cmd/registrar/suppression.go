package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/address"
	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

func suppressionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suppression",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Keep the list of those to whom nothing is sent",
		Long: `The suppression list says to whom nothing is sent any more, and why. A
recipient may be on it for several reasons; each keeps back something else:

                 one-time codes  news of a registration  campaigns
  MANUAL         kept back       kept back               kept back
  COMPLAINT      sent            kept back               kept back
  HARD_BOUNCE    sent            kept back               kept back
  UNSUBSCRIBED   sent            sent                    kept back

HARD_BOUNCE comes from mail servers' reports that a mailbox does not exist, and
ends when its owner enters a code that was sent there. COMPLAINT comes from
mail providers, UNSUBSCRIBED from people, MANUAL from this command.

The list holds hashes of addresses and numbers, which nobody can turn back: ask
with show whether one is on it.`,
		Example: `  registrar suppression add amina@example.com
  registrar suppression show +966512345678
  registrar suppression remove amina@example.com --reason hard-bounce
  registrar suppression list`,
	}
	for _, sub := range []*cobra.Command{addSuppressionCommand(), removeSuppressionCommand(), showSuppressionCommand(), listSuppressionsCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// recipientFlags say who is meant.
type recipientFlags struct{ channel string }

func (f *recipientFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.channel, "channel", "", "email or sms; by default what the argument looks like")
}

// recipient reads the argument of a command as registrations are read.
func (f *recipientFlags) recipient(c config.Config, arg string) (registration.Channel, suppression.Recipient, error) {
	channel := registration.Channel(strings.ToUpper(f.channel))
	if channel == "" {
		channel = registration.SMSChannel
		if strings.Contains(arg, "@") {
			channel = registration.EmailChannel
		}
	}
	switch channel {
	case registration.EmailChannel:
		email, wrong := registration.ParseEmail(arg, address.DomainToASCII)
		if wrong != nil {
			return "", suppression.Recipient{}, errors.New("the argument is not an e-mail address: write it like amina@example.com")
		}
		return channel, suppression.RecipientOf(channel, email.Key), nil
	case registration.SMSChannel:
		mobile, err := address.Mobiles{Region: c.DefaultRegion}.Parse(arg)
		if err != nil {
			return "", suppression.Recipient{}, errors.New("the argument is not a mobile number: write it like +966512345678, or an e-mail address with its @")
		}
		return channel, suppression.RecipientOf(channel, string(mobile)), nil
	default:
		return "", suppression.Recipient{}, errors.New("--channel must be email or sms")
	}
}

func oneRecipient(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one e-mail address or mobile number is needed: %s", cmd.UseLine())
	}
	return nil
}

func addSuppressionCommand() *cobra.Command {
	var flags recipientFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "add ADDRESS_OR_NUMBER",
		Short: "Send nothing more to somebody",
		Long: `Puts an e-mail address or a mobile number on the list, for what is sent from now
on. What is already on its way to a provider is not held back. A number without
country code is read by default_region.`,
		Example: `  registrar suppression add amina@example.com
  registrar suppression add 0512345678 --reason unsubscribed`,
		Args: oneRecipient,
		RunE: func(cmd *cobra.Command, args []string) error {
			why, err := suppression.ParseReason(reason)
			if err != nil {
				return err
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				channel, recipient, err := flags.recipient(c, args[0])
				if err != nil {
					return err
				}
				err = db.Suppressions().Add(ctx, suppression.Suppression{Channel: channel, Recipient: recipient, Reason: why, CreatedAt: time.Now()})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is on the list for %s.\n", masked(channel, args[0]), why)
				return err
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&reason, "reason", "manual", "manual, complaint, hard-bounce or unsubscribed")
	return cmd
}

func removeSuppressionCommand() *cobra.Command {
	var flags recipientFlags
	var reason string
	cmd := &cobra.Command{
		Use:   "remove ADDRESS_OR_NUMBER",
		Short: "Send to somebody again",
		Long: `Takes an e-mail address or a mobile number off the list: for one reason, or for
all. Whoever has unsubscribed or complained has said so: ask them first.`,
		Example: `  registrar suppression remove amina@example.com --reason hard-bounce
  registrar suppression remove +966512345678`,
		Args: oneRecipient,
		RunE: func(cmd *cobra.Command, args []string) error {
			var why suppression.Reason
			if reason != "" {
				var err error
				if why, err = suppression.ParseReason(reason); err != nil {
					return err
				}
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				channel, recipient, err := flags.recipient(c, args[0])
				if err != nil {
					return err
				}
				n, err := db.Suppressions().Remove(ctx, channel, recipient, why)
				switch {
				case err != nil:
					return err
				case n == 0:
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s was not on the list.\n", masked(channel, args[0]))
				case why == "":
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is off the list.\n", masked(channel, args[0]))
				default:
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is off the list for %s.\n", masked(channel, args[0]), why)
				}
				return err
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().StringVar(&reason, "reason", "", "manual, complaint, hard-bounce or unsubscribed; by default all")
	return cmd
}

func showSuppressionCommand() *cobra.Command {
	var flags recipientFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show ADDRESS_OR_NUMBER",
		Short:   "Say whether somebody is on the list, and why",
		Long:    `Shows every reason for which an e-mail address or a mobile number is on the list.`,
		Example: `  registrar suppression show amina@example.com`,
		Args:    oneRecipient,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				channel, recipient, err := flags.recipient(c, args[0])
				if err != nil {
					return err
				}
				all, err := db.Suppressions().Find(ctx, channel, recipient)
				switch {
				case err != nil:
					return err
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), viewsOf(all))
				case len(all) == 0:
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is not on the list.\n", masked(channel, args[0]))
					return err
				default:
					return listSuppressions(cmd.OutOrStdout(), all)
				}
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// suppressionPage is how many rows are read at once.
const suppressionPage = 500

func listSuppressionsCommand() *cobra.Command {
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who is on the list, by hashes",
		Long: `Lists channel, reason, status code and time, and of the recipient the beginning of
its hash (--json: all of it), which is SHA-256 of the address in its canonical form
or of the number in E.164.`,
		Example: `  registrar suppression list
  registrar suppression list --limit 100000 --json | jq -r 'group_by(.reason)[] | "\(.[0].reason) \(length)"'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 1_000_000 {
				return errors.New("--limit must be 1 to 1000000")
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				var all []suppression.Suppression
				var after suppression.Suppression
				for len(all) <= limit { // one more tells whether there are more
					page, err := db.Suppressions().List(ctx, after, min(suppressionPage, limit+1-len(all)))
					if err != nil {
						return err
					}
					if len(page) == 0 {
						break
					}
					all, after = append(all, page...), page[len(page)-1]
				}
				more := len(all) > limit
				all = all[:min(len(all), limit)]
				if asJSON {
					return writeJSON(cmd.OutOrStdout(), viewsOf(all))
				}
				if len(all) == 0 {
					_, err := fmt.Fprintln(cmd.OutOrStdout(), "Nobody is on the list.")
					return err
				}
				if err := listSuppressions(cmd.OutOrStdout(), all); err != nil || !more {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "There are more: --limit lists more than %d.\n", limit)
				return err
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 100, "how many at most; 1 to 1000000")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// suppressionView is a suppression as it is shown.
type suppressionView struct {
	Channel   string    `json:"channel"`
	Recipient string    `json:"recipient"` // a hash
	Reason    string    `json:"reason"`
	Detail    string    `json:"detail"`
	Since     time.Time `json:"since"`
}

func viewsOf(all []suppression.Suppression) []suppressionView {
	views := make([]suppressionView, len(all))
	for i, s := range all {
		views[i] = suppressionView{string(s.Channel), hex.EncodeToString(s.Recipient[:]), string(s.Reason), s.Detail, s.CreatedAt}
	}
	return views
}

func listSuppressions(w io.Writer, all []suppression.Suppression) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHANNEL\tRECIPIENT\tREASON\tSTATUS\tSINCE")
	for _, v := range viewsOf(all) {
		fmt.Fprintln(table, strings.Join([]string{v.Channel, v.Recipient[:12], v.Reason, orNone(printable(v.Detail)), stamp(v.Since)}, "\t"))
	}
	return table.Flush()
}
