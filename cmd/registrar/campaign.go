package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"registrar/internal/address"
	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func campaignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "campaign",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Write to many: marketing to those who consented",
		Long: `A campaign is one message, by e-mail or SMS, to every account that it is for. It
goes to those alone whose account is active, who consented to marketing, whose
address or number is verified and who have not unsubscribed since; each of them
gets it once, whatever crashes in between.

These commands write down in the database what is to be done, and return; the
running servers do it. Pausing and cancelling take effect within seconds, also
on what is queued: only what a notifier has already taken is still sent.

It goes behind everything else: one-time codes and the news of registrations
never wait for a campaign.

Give them the service's configuration: the templates and the page to unsubscribe
at are looked for by it. With the embedded database they must be run as the user
that the service runs as, with the same --data-dir.`,
		Example: `  registrar campaign create spring --template welcome-back --channel email --locale en,ar \
      --quiet-hours 21:00-08:00 --time-zone Asia/Riyadh --frequency-cap 2/7d
  registrar campaign audience spring       # how many would get it now, and why others would not
  registrar campaign start spring
  registrar campaign status spring --watch
  registrar campaign pause spring
  registrar campaign resume spring
  registrar campaign cancel spring`,
	}
	for _, sub := range []*cobra.Command{
		createCampaignCommand(), audienceCommand(), startCampaignCommand(), pauseCampaignCommand(), resumeCampaignCommand(), cancelCampaignCommand(),
		campaignStatusCommand(), listCampaignsCommand(),
	} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// oneCampaign is the argument of most of the subcommands.
func oneCampaign(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one name of a campaign is needed: %s", cmd.UseLine())
	}
	return nil
}

// withCampaigns is withDatabase for the campaigns in it. What do does has no time
// limit but the command's own.
func withCampaigns(cmd *cobra.Command, do func(context.Context, config.Config, *campaign.Service) error) error {
	return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
		return do(ctx, c, campaignsOf(db))
	})
}

// campaignsOf is what an operator does with the campaigns of a database.
func campaignsOf(db *store.DB) *campaign.Service {
	return &campaign.Service{Store: db.Campaigns(), NewID: newID, Now: time.Now, ZonesOf: address.TimeZones}
}

func newID() (registration.ID, error) {
	id, err := uuid.NewV7()
	return registration.ID(id), err
}

// advisedCampaign adds to an error what to do next.
func advisedCampaign(err error, name string) error {
	var state *campaign.StateError
	switch {
	case errors.Is(err, campaign.ErrExists):
		return fmt.Errorf("%w: registrar campaign status %s shows it; names are not used again", err, name)
	case errors.Is(err, campaign.ErrUnknown):
		return fmt.Errorf("%w: registrar campaign list names those that there are", err)
	case errors.As(err, &state):
		return fmt.Errorf("%w: %s", err, nextOf(state))
	case errors.Is(err, registration.ErrUnavailable):
		return fmt.Errorf("%w; whether it was done is not known: registrar campaign status %s tells", unreached(err), name)
	default:
		return err
	}
}

// nextOf says what can be done with a campaign in its state.
func nextOf(e *campaign.StateError) string {
	switch e.Is {
	case campaign.Created:
		return "registrar campaign start " + e.Name + " starts it"
	case campaign.Paused:
		return "registrar campaign resume " + e.Name + " lets it go on"
	case campaign.Running, campaign.Resuming:
		return "it is under way: registrar campaign pause or cancel " + e.Name + " stops it"
	default:
		return "it is over: registrar campaign create makes another one"
	}
}

// changeCampaignCommand is one of the commands that bring a campaign into a
// state. may is asked before, where it is not nil; done says what comes next, of
// the campaign NAME.
func changeCampaignCommand(use, short, long, done string, may func(config.Config, campaign.Campaign) error, change func(*campaign.Service, context.Context, string) (campaign.Campaign, error)) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME", Short: short, Long: long, Example: "  registrar campaign " + use + " spring",
		Args: oneCampaign,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withCampaigns(cmd, func(ctx context.Context, settings config.Config, s *campaign.Service) error {
				if may != nil {
					c, err := s.Store.Campaign(ctx, args[0])
					if err == nil {
						err = may(settings, c)
					}
					if err != nil {
						return advisedCampaign(err, args[0])
					}
				}
				c, err := change(s, ctx, args[0])
				if err != nil {
					return advisedCampaign(err, args[0])
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Campaign %s is %s. %s\n", c.Name, c.State, strings.ReplaceAll(done, "NAME", c.Name))
				return err
			})
		},
	}
}

func startCampaignCommand() *cobra.Command {
	return changeCampaignCommand("start", "Start a campaign", `The servers begin to choose people and to write to them. Who registers from now
on is not in the campaign. After its deadline nothing more is sent.

It is refused where the template is not there (templates_dir), and where e-mail
leaves to a mail server without an https address to unsubscribe at (public_url,
campaigns.unsubscribe_url): give the service's configuration.`,
		"registrar campaign status NAME --watch shows how far it is.", mayLeave, (*campaign.Service).Start)
}

func pauseCampaignCommand() *cobra.Command {
	return changeCampaignCommand("pause", "Stop a campaign for a while", `Nobody more is chosen, and what is queued waits, within seconds; only what a
notifier has already taken is still sent. The deadline does not move.`,
		"registrar campaign resume NAME lets it go on.", nil, (*campaign.Service).Pause)
}

func resumeCampaignCommand() *cobra.Command {
	return changeCampaignCommand("resume", "Let a paused campaign go on", `What has waited is sent, and the choice goes on where it stopped.`,
		"It is RUNNING once all that has waited is due again.", mayLeave, (*campaign.Service).Resume)
}

func cancelCampaignCommand() *cobra.Command {
	return changeCampaignCommand("cancel", "End a campaign for good", `Nobody more is chosen, and what is queued is dropped: it ends as EXPIRED with the
reason CANCELLED. What a notifier has already taken is still sent.`,
		"It cannot be taken back.", nil, (*campaign.Service).Cancel)
}
