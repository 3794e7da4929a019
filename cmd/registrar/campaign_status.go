package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/registration"
)

// campaignView is a campaign as it is shown.
type campaignView struct {
	Name             string                     `json:"name"`
	State            campaign.State             `json:"state"`
	Channel          registration.Channel       `json:"channel"`
	Template         string                     `json:"template"`
	Locales          []string                   `json:"locales"` // empty is every one
	RegisteredSince  time.Time                  `json:"registered_since,omitzero"`
	RegisteredBefore time.Time                  `json:"registered_before,omitzero"`
	QuietHours       string                     `json:"quiet_hours"`
	FrequencyCap     string                     `json:"frequency_cap"`
	Life             string                     `json:"deadline_after_start"`
	Accounts         int                        `json:"accounts"`
	LookedAt         int                        `json:"looked_at"`
	Chosen           int                        `json:"chosen"`
	Excluded         map[campaign.Exclusion]int `json:"excluded"`
	// Notifications are counted by registrar campaign status alone.
	Notifications map[registration.State]int `json:"notifications,omitempty"`
	CreatedAt     time.Time                  `json:"created_at"`
	StartedAt     time.Time                  `json:"started_at,omitzero"`
	ChosenAt      time.Time                  `json:"chosen_at,omitzero"` // when every account was looked at
	EndedAt       time.Time                  `json:"ended_at,omitzero"`
	Deadline      time.Time                  `json:"deadline,omitzero"`
}

func campaignViewOf(c campaign.Campaign, notifications map[registration.State]int) campaignView {
	return campaignView{
		Name: c.Name, State: c.State, Channel: c.Channel, Template: c.Template,
		Locales: append([]string{}, c.Segment.Locales...), RegisteredSince: c.Segment.RegisteredSince, RegisteredBefore: c.Segment.RegisteredBefore,
		QuietHours: c.Quiet.String(), FrequencyCap: c.Cap.String(), Life: campaign.FormatDuration(c.Life),
		Accounts: c.Accounts, LookedAt: c.LookedAt, Chosen: c.Chosen, Excluded: c.Excluded, Notifications: notifications,
		CreatedAt: c.CreatedAt, StartedAt: c.StartedAt, ChosenAt: c.FedAt, EndedAt: c.EndedAt, Deadline: c.Deadline,
	}
}

func listCampaignsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the campaigns, the newest first",
		Long:  `Lists all campaigns, also those that are over.`,
		Example: `  registrar campaign list
  registrar campaign list --json | jq -r '.[] | select(.state == "RUNNING") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withCampaigns(cmd, func(ctx context.Context, _ config.Config, s *campaign.Service) error {
				all, err := s.Store.Campaigns(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					views := make([]campaignView, len(all))
					for i, c := range all {
						views[i] = campaignViewOf(c, nil)
					}
					return writeJSON(cmd.OutOrStdout(), views)
				}
				return listCampaigns(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func listCampaigns(w io.Writer, all []campaign.Campaign) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There is no campaign. registrar campaign create NAME makes one.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tCHANNEL\tTEMPLATE\tSTARTED\tACCOUNTS\tLOOKED AT\tCHOSEN")
	for _, c := range all {
		fmt.Fprintln(table, strings.Join([]string{c.Name, string(c.State), string(c.Channel), c.Template, shortTime(c.StartedAt), strconv.Itoa(c.Accounts), strconv.Itoa(c.LookedAt), strconv.Itoa(c.Chosen)}, "\t"))
	}
	return table.Flush()
}

// shortTime is a time in a table, in UTC; "-" for none.
func shortTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

func campaignStatusCommand() *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show how far a campaign is",
		Long: `Shows a campaign: what it is, how many accounts were looked at, how many of them
get it and why the others do not, and where their notifications stand.

With --watch it stays until the campaign is over or paused, or Ctrl-C ends it,
and shows the progress on a terminal as bars, elsewhere as a line at each change.`,
		Example: `  registrar campaign status spring
  registrar campaign status spring --watch
  registrar campaign status spring --json | jq .notifications`,
		Args: oneCampaign,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withCampaigns(cmd, func(ctx context.Context, _ config.Config, s *campaign.Service) error {
				if watch {
					if err := watchCampaign(ctx, cmd.ErrOrStderr(), s, args[0]); err != nil {
						return advisedCampaign(err, args[0])
					}
					ctx = context.WithoutCancel(ctx) // Ctrl-C ends the watch; the last word is short
				}
				c, notifications, err := standing(ctx, s, args[0])
				switch {
				case err != nil:
					return advisedCampaign(err, args[0])
				case asJSON:
					return writeJSON(cmd.OutOrStdout(), campaignViewOf(c, notifications))
				default:
					return showCampaign(cmd.OutOrStdout(), c, notifications)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	cmd.Flags().BoolVar(&watch, "watch", false, "stay and show the progress")
	return cmd
}

// standing reads a campaign and where its notifications stand.
func standing(ctx context.Context, s *campaign.Service, name string) (campaign.Campaign, map[registration.State]int, error) {
	c, err := s.Store.Campaign(ctx, name)
	if err != nil {
		return c, nil, err
	}
	notifications, err := s.Store.Progress(ctx, c.ID)
	return c, notifications, err
}

func showCampaign(w io.Writer, c campaign.Campaign, notifications map[registration.State]int) error {
	v := campaignViewOf(c, notifications)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, orDash(value)) }
	line("name", v.Name)
	line("state", string(v.State))
	line("channel", string(v.Channel))
	line("template", v.Template)
	line("locales", strings.Join(v.Locales, ", "))
	line("registered since", shortTime(v.RegisteredSince))
	line("registered before", shortTime(v.RegisteredBefore))
	line("quiet hours", v.QuietHours)
	line("frequency cap", v.FrequencyCap)
	line("created", shortTime(v.CreatedAt))
	line("started", shortTime(v.StartedAt))
	deadline := shortTime(v.Deadline)
	if v.Deadline.IsZero() {
		deadline = v.Life + " after the start"
	}
	line("deadline", deadline)
	line("ended", shortTime(v.EndedAt))
	looked := strconv.Itoa(v.LookedAt)
	if v.Accounts > 0 && v.ChosenAt.IsZero() {
		looked = fmt.Sprintf("%d of about %d", v.LookedAt, v.Accounts)
	}
	line("accounts looked at", looked)
	line("get it", strconv.Itoa(v.Chosen))
	excludedLines(line, v.Excluded)
	for _, state := range notificationStates {
		if n := v.Notifications[state]; n > 0 {
			line("notifications "+string(state), strconv.Itoa(n))
		}
	}
	return table.Flush()
}

// notificationStates are in the order in which they are shown.
var notificationStates = []registration.State{
	registration.Queued, registration.Claimed, registration.Sending, registration.Accepted, registration.Delivered, registration.Failed, registration.Expired, registration.Unknown,
}

// exclusionWords say in a table why an account does not get a campaign.
var exclusionWords = map[campaign.Exclusion]string{
	campaign.OtherLocale:    "another locale",
	campaign.OtherTime:      "registered at another time",
	campaign.NotActive:      "account not active",
	campaign.NoConsent:      "no consent to marketing",
	campaign.NoContact:      "no mobile number",
	campaign.NotVerified:    "address or number not verified",
	campaign.Suppressed:     "unsubscribed, bounced or suppressed",
	campaign.CapReached:     "frequency cap reached",
	campaign.QuietTillLater: "quiet until after the deadline",
}

func excludedLines(line func(name, value string), excluded map[campaign.Exclusion]int) {
	for _, why := range campaign.Exclusions() {
		if n := excluded[why]; n > 0 {
			line("not: "+exclusionWords[why], strconv.Itoa(n))
		}
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
