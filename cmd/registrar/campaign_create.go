package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/registration"
)

// campaignFlags say what a new campaign is.
type campaignFlags struct {
	template, channel, locale string
	since, before             string
	quietHours, timeZone      string
	frequencyCap, deadline    string
}

func (f *campaignFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.template, "template", "", "`name` of the template, which registrar template check knows")
	fs.StringVar(&f.channel, "channel", "email", "`email` or sms")
	fs.StringVar(&f.locale, "locale", "", "only to those with one of these `locales`, such as en,ar; en is also for en-GB")
	fs.StringVar(&f.since, "registered-since", "", "only to those who registered at this `time` or later: 2026-01-31 (UTC), or 2026-01-31T08:00:00+03:00")
	fs.StringVar(&f.before, "registered-before", "", "only to those who registered before this `time`")
	fs.StringVar(&f.quietHours, "quiet-hours", "", "`hours` in which nobody is written to, such as 21:00-08:00, in the time zone of the person's mobile number")
	fs.StringVar(&f.timeZone, "time-zone", "", "IANA `name` of the time zone of those without a mobile number, such as Asia/Riyadh; needed with --quiet-hours")
	fs.StringVar(&f.frequencyCap, "frequency-cap", "", "at most so many campaign messages a person in a time, over all campaigns, such as `2/7d`")
	fs.StringVar(&f.deadline, "deadline", "7d", "`time` after the start from which on nothing more is sent; 1m to 90d")
}

// campaign reads the flags; all that is wrong is told together.
func (f *campaignFlags) campaign(name string) (campaign.Campaign, error) {
	c := campaign.Campaign{Name: name, Template: f.template}
	var wrong []error
	given := func(flag string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	switch strings.ToLower(f.channel) {
	case "email":
		c.Channel = registration.EmailChannel
	case "sms":
		c.Channel = registration.SMSChannel
	default:
		given("channel", errors.New("must be email or sms"))
	}
	if f.template == "" {
		given("template", errors.New("is needed: registrar template check names those that there are"))
	} else {
		given("template", campaign.CheckName(f.template))
	}
	var err error
	c.Segment.Locales, err = campaign.ParseLocales(f.locale)
	given("locale", err)
	c.Segment.RegisteredSince, err = timeOfFlag(f.since)
	given("registered-since", err)
	c.Segment.RegisteredBefore, err = timeOfFlag(f.before)
	given("registered-before", err)
	if f.timeZone != "" && f.quietHours == "" {
		given("time-zone", errors.New("is of --quiet-hours, which are not given"))
	}
	zone := f.timeZone
	if zone == "" && f.quietHours != "" {
		given("time-zone", errors.New("is needed with --quiet-hours, for those without a mobile number: an IANA name such as Asia/Riyadh"))
		zone = "UTC" // so that the hours are looked at too
	}
	c.Quiet, err = campaign.ParseQuietHours(f.quietHours, zone)
	given("quiet-hours", err)
	c.Cap, err = campaign.ParseFrequencyCap(f.frequencyCap)
	given("frequency-cap", err)
	c.Life, err = campaign.ParseDuration(f.deadline)
	given("deadline", err)
	if len(wrong) == 0 {
		if err := c.Check(); err != nil {
			wrong = append(wrong, err)
		}
	}
	return c, errors.Join(wrong...)
}

// timeOfFlag reads a day, which begins at midnight UTC, or a time.
func timeOfFlag(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1970 {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("must be a day like 2026-01-31 or a time like 2026-01-31T08:00:00+03:00")
}

func createCampaignCommand() *cobra.Command {
	var (
		flags  campaignFlags
		dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a campaign, which nobody gets before it is started",
		Long: `Makes a campaign. Nobody gets it before registrar campaign start. It cannot be
changed afterwards: cancel it and make another one, under another name.

NAME has 1 to 64 small letters, digits, - and _.

Quiet hours are those of the person: of the time zone of their mobile number,
also for an e-mail, and of --time-zone for those without one. What would fall
into them is sent when they end. Where a number's country has several time zones
and the number does not tell which, it is quiet as long as it is in any of them.

The frequency cap counts a person's messages of all campaigns, by both channels:
those that wait to be sent and those that were sent within the time.`,
		Example: `  registrar campaign create spring --template welcome-back --locale en,ar --quiet-hours 21:00-08:00 --time-zone Asia/Riyadh
  registrar campaign create back --template welcome-back --channel sms --registered-before 2025-01-01 --frequency-cap 1/30d --deadline 2d
  registrar campaign create spring --template welcome-back --dry-run   # how many would get it`,
		Args: oneCampaign,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := flags.campaign(args[0])
			if err != nil {
				return err
			}
			return withCampaigns(cmd, func(ctx context.Context, settings config.Config, s *campaign.Service) error {
				if err := hasTemplate(settings, c); err != nil {
					return err
				}
				if dryRun {
					return tellAudience(ctx, cmd, s, c, false)
				}
				c, err := s.Create(ctx, c)
				if err != nil {
					return advisedCampaign(err, c.Name)
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Campaign %s is made. registrar campaign audience %s says how many would get it, registrar campaign start %s starts it.\n", c.Name, c.Name, c.Name)
				return err
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "make none; say how many would get it, and why others would not")
	return cmd
}
