package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"registrar/internal/config"
)

// listProviders tells by which providers, in which order, the messages of each
// channel leave.
func listProviders(out io.Writer, c config.Config) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CHANNEL\tORDER\tPROVIDER\tDRIVER\tTO\tRATE\tMARKETING")
	row := func(channel string, i int, name, driver, to string, rate, share int) {
		if to == "" {
			to = "the page at " + c.AdminListen
		}
		limit, left := "no limit", "-"
		if rate > 0 {
			limit, left = strconv.Itoa(rate)+"/s", "at least "+strconv.Itoa(share)+"%"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", channel, i+1, name, driver, to, limit, left)
	}
	for i, p := range c.EmailProviders() {
		row("email", i, p.Name, p.Driver, p.Destination(), p.Rate, p.MarketingShare)
	}
	for i, p := range c.SMSProviders() {
		row("sms", i, p.Name, p.Driver, p.Destination(), p.Rate, p.MarketingShare)
	}
	return t.Flush()
}
