package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/caller"
	"registrar/internal/config"
)

func listCallersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the callers",
		Long:  `Lists all callers, also those that are disabled, without their secrets.`,
		Example: `  registrar caller list
  registrar caller list --json | jq -r '.[] | select(.disabled) | .name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withCallers(cmd, "", func(ctx context.Context, _ config.Config, callers caller.Store) error {
				all, err := callers.Callers(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					views := make([]callerView, len(all))
					for i, c := range all {
						views[i] = viewOf(c)
					}
					return writeJSON(cmd.OutOrStdout(), views)
				}
				return listCallers(cmd.OutOrStdout(), all)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func showCallerCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a caller, without its secrets",
		Long:    `Shows all of a caller but its secrets, which nobody can show: of those, when each was made and until when it holds.`,
		Example: `  registrar caller show erp`,
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			return withCallers(cmd, "", func(ctx context.Context, _ config.Config, callers caller.Store) error {
				all, err := callers.Callers(ctx)
				if err != nil {
					return err
				}
				for _, c := range all {
					switch {
					case c.Name != args[0]:
					case asJSON:
						return writeJSON(cmd.OutOrStdout(), viewOf(c))
					default:
						return showCaller(cmd.OutOrStdout(), c)
					}
				}
				return advised(caller.ErrUnknown, args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// callerView is a caller as it is shown.
type callerView struct {
	Name                  string       `json:"name"`
	Disabled              bool         `json:"disabled"`
	Operations            []string     `json:"operations"` // empty is every one
	Rate                  int          `json:"rate"`
	Burst                 int          `json:"burst"`
	DailyQuota            int          `json:"daily_quota"`
	SuppressNotifications bool         `json:"suppress_notifications"`
	VerifiedContacts      bool         `json:"verified_contacts"`
	EnumerationSafe       bool         `json:"enumeration_safe"`
	Shadow                bool         `json:"shadow"`
	CertificateSubject    string       `json:"certificate_subject"`
	Secrets               []secretView `json:"secrets"` // the newest first
	CreatedAt             time.Time    `json:"created_at"`
	UpdatedAt             time.Time    `json:"updated_at"`
}

type secretView struct {
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Digest    bool      `json:"digest"`
}

func viewOf(c caller.Caller) callerView {
	v := callerView{
		Name: c.Name, Disabled: c.Disabled, Operations: append([]string{}, c.Policy.Operations...),
		Rate: c.Policy.Rate, Burst: c.Policy.Burst, DailyQuota: c.Policy.DailyQuota, SuppressNotifications: c.Policy.SuppressNotifications,
		VerifiedContacts: c.Policy.VerifiedContacts, EnumerationSafe: c.Policy.EnumerationSafe, Shadow: c.Policy.Shadow,
		CertificateSubject: c.CertificateSubject, Secrets: []secretView{}, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	for _, s := range c.Secrets {
		v.Secrets = append(v.Secrets, secretView{CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt, Digest: s.Sealed != nil})
	}
	return v
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// writeJSONLine writes one line of JSON Lines.
func writeJSONLine(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }

func listCallers(w io.Writer, all []caller.Caller) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "There is no caller. registrar caller add NAME adds one.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tOPERATIONS\tRATE\tDAILY QUOTA\tNOTIFICATIONS\tCONTACTS\tMODE\tCREDENTIALS")
	for _, one := range all {
		c := described(one)
		fmt.Fprintln(table, strings.Join([]string{c.Name, c.state(), c.operations(), c.rate(), c.quota(), c.notifications(), c.contacts(), c.mode(), c.credentials()}, "\t"))
	}
	return table.Flush()
}

func showCaller(w io.Writer, one caller.Caller) error {
	c := described(one)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, value) }
	line("name", c.Name)
	line("state", c.state())
	line("operations", c.operations())
	line("rate", c.rate())
	line("daily quota", c.quota())
	line("notifications", c.notifications())
	line("contacts", c.contacts())
	line("mode", c.mode())
	if c.CertificateSubject != "" {
		line("certificate", c.CertificateSubject)
	}
	for _, s := range c.Secrets {
		text := "of " + stamp(s.CreatedAt)
		if s.Sealed != nil {
			text += ", digests too"
		}
		switch {
		case s.ExpiresAt.IsZero():
		case s.InForce(time.Now()):
			text += ", holds until " + stamp(s.ExpiresAt)
		default:
			text += ", over since " + stamp(s.ExpiresAt)
		}
		line("secret", text)
	}
	line("added", stamp(c.CreatedAt))
	line("changed", stamp(c.UpdatedAt))
	return table.Flush()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// described is a caller in words.
type described caller.Caller

func (c described) state() string {
	if c.Disabled {
		return "disabled"
	}
	return "enabled"
}

func (c described) operations() string {
	if len(c.Policy.Operations) == 0 {
		return allOperations
	}
	return strings.Join(c.Policy.Operations, ",")
}

func (c described) rate() string {
	switch {
	case c.Policy.Rate == 0:
		return "no limit"
	case c.Policy.Burst == 0:
		return fmt.Sprintf("%d/s", c.Policy.Rate)
	default:
		return fmt.Sprintf("%d/s, %d at once", c.Policy.Rate, c.Policy.Burst)
	}
}

func (c described) quota() string {
	if c.Policy.DailyQuota == 0 {
		return "no limit"
	}
	return strconv.Itoa(c.Policy.DailyQuota)
}

func (c described) notifications() string {
	if c.Policy.SuppressNotifications {
		return "suppressed"
	}
	return "sent"
}

// contacts says who verifies the contacts of those whom it registers.
func (c described) contacts() string {
	if c.Policy.VerifiedContacts {
		return "verified by the caller"
	}
	return "verified by codes"
}

// mode is how its registrations are done and answered.
func (c described) mode() string {
	switch {
	case c.Policy.Shadow:
		return "shadow"
	case c.Policy.EnumerationSafe:
		return "enumeration-safe"
	default:
		return "live"
	}
}

// credentials are those that hold now.
func (c described) credentials() string {
	var all []string
	n, digest := 0, ""
	for _, s := range c.Secrets {
		if s.InForce(time.Now()) {
			n++
			if s.Sealed != nil {
				digest = " (digest)"
			}
		}
	}
	switch {
	case n == 1:
		all = append(all, "secret"+digest)
	case n > 1:
		all = append(all, strconv.Itoa(n)+" secrets"+digest)
	}
	if c.CertificateSubject != "" {
		all = append(all, "certificate "+c.CertificateSubject)
	}
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, ", ")
}
