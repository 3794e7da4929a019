package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/registration"
)

// isTerminal says whether a person sees what is written to w as it comes.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// bar adds a progress bar.
func bar(bars *mpb.Progress, name string, total int) *mpb.Bar {
	return bars.AddBar(int64(total), mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR), decor.CountersNoUnit("%d / %d", decor.WCSyncSpace)),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5})))
}

// watchEvery is between two looks of a watch, and the least time; counting a
// million notifications takes a while, so a look is followed by ten times as
// long a pause.
const watchEvery = time.Second

// watchCampaign shows a campaign's progress until nothing moves any more or ctx
// ends, which is no error.
func watchCampaign(ctx context.Context, w io.Writer, s *campaign.Service, name string) error {
	show := lineByLine(w)
	if isTerminal(w) {
		bars := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
		chosen, settled := bar(bars, "accounts", 1), bar(bars, "messages", 1)
		defer func() {
			chosen.Abort(false)
			settled.Abort(false)
			bars.Wait()
		}()
		show = func(c campaign.Campaign, done int) {
			chosen.SetTotal(int64(max(c.Accounts, c.LookedAt, 1)), false)
			chosen.SetCurrent(int64(c.LookedAt))
			settled.SetTotal(int64(max(c.Chosen, 1)), false)
			settled.SetCurrent(int64(done))
		}
	}
	for {
		began := time.Now()
		c, notifications, err := standing(ctx, s, name)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		show(c, settledOf(notifications))
		if c.State.Ended() || c.State == campaign.Paused || c.State == campaign.Created {
			return nil
		}
		timer := time.NewTimer(max(watchEvery, 10*time.Since(began)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// lineByLine shows progress where there is no terminal: a line at each change.
func lineByLine(w io.Writer) func(c campaign.Campaign, done int) {
	last := ""
	return func(c campaign.Campaign, done int) {
		line := fmt.Sprintf("%s: %d of %d accounts looked at, %d of %d messages settled", c.State, c.LookedAt, max(c.Accounts, c.LookedAt), done, c.Chosen)
		if line != last {
			fmt.Fprintln(w, line)
			last = line
		}
	}
}

func settledOf(notifications map[registration.State]int) (n int) {
	for state, count := range notifications {
		if state.Settled() {
			n += count
		}
	}
	return n
}

func audienceCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audience NAME",
		Short: "Say how many would get a campaign now, and why others would not",
		Long: `Looks at every account as the campaign would if it were started now, and changes
nothing. Each account counts by the first reason that keeps the campaign from
it. It may take some seconds for each 100,000 accounts.`,
		Example: `  registrar campaign audience spring
  registrar campaign audience spring --json | jq .get_it`,
		Args: oneCampaign,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withCampaigns(cmd, func(ctx context.Context, _ config.Config, s *campaign.Service) error {
				c, err := s.Store.Campaign(ctx, args[0])
				if err != nil {
					return advisedCampaign(err, args[0])
				}
				return tellAudience(ctx, cmd, s, c, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

type audienceView struct {
	Accounts int                        `json:"accounts"`
	Chosen   int                        `json:"get_it"`
	Later    int                        `json:"after_quiet_hours"` // of those who get it
	Excluded map[campaign.Exclusion]int `json:"excluded"`
}

func tellAudience(ctx context.Context, cmd *cobra.Command, s *campaign.Service, c campaign.Campaign, asJSON bool) error {
	a, err := countAudience(ctx, cmd.ErrOrStderr(), s, c)
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), audienceView(a))
	}
	table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	line("accounts", strconv.Itoa(a.Accounts))
	line("would get it", strconv.Itoa(a.Chosen))
	if a.Later > 0 {
		line("of them when it is not quiet any more", strconv.Itoa(a.Later))
	}
	excludedLines(line, a.Excluded)
	return table.Flush()
}

// countAudience counts, with a progress bar for a person.
func countAudience(ctx context.Context, w io.Writer, s *campaign.Service, c campaign.Campaign) (campaign.Audience, error) {
	if !isTerminal(w) {
		return s.Audience(ctx, c, nil)
	}
	accounts, err := s.Store.CountAccounts(ctx)
	if err != nil {
		return campaign.Audience{}, err
	}
	bars := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
	b := bar(bars, "accounts", max(accounts, 1))
	defer func() {
		b.Abort(true)
		bars.Wait()
	}()
	return s.Audience(ctx, c, func(seen int) { b.SetCurrent(int64(seen)) })
}
