package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/audit"
	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// auditView is an entry as it is shown.
type auditView struct {
	Sequence       int64     `json:"sequence,omitempty"` // absent until it is sealed
	At             time.Time `json:"at"`
	Action         string    `json:"action"`
	Outcome        string    `json:"outcome"`
	Caller         string    `json:"caller,omitempty"`
	RegistrationID string    `json:"registration_id,omitempty"`
	ExternalID     string    `json:"external_id,omitempty"`
	Erased         bool      `json:"external_id_erased,omitempty"`
	CorrelationID  string    `json:"correlation_id,omitempty"`
	TraceParent    string    `json:"trace_parent,omitempty"`
	Detail         string    `json:"detail,omitempty"`
	Hash           string    `json:"hash,omitempty"`
}

func viewOfEntry(s audit.Sealed) auditView {
	v := auditView{
		Sequence: s.Sequence, At: s.At, Action: string(s.Action), Outcome: s.Outcome, Caller: s.Caller, ExternalID: s.ExternalID, Erased: s.Erased(),
		CorrelationID: s.CorrelationID, TraceParent: s.TraceParent, Detail: s.Detail,
	}
	if !s.AccountID.IsZero() {
		v.RegistrationID = s.AccountID.String()
	}
	if s.Sequence > 0 {
		v.Hash = s.Hash.String()
	}
	return v
}

// auditFlags say which entries are listed.
type auditFlags struct {
	since, until, account, action string
	filter                        audit.Filter
}

func (f *auditFlags) read() (err error) {
	if f.filter.Since, err = sinceTime("--since", f.since); err != nil {
		return err
	}
	if f.filter.Until, err = auditTime("--until", f.until); err != nil {
		return err
	}
	if f.account != "" {
		if f.filter.AccountID, err = registration.ParseID(f.account); err != nil {
			return errors.New("--registration is not an id, such as 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55")
		}
	}
	f.filter.Outcome = strings.ToUpper(f.filter.Outcome)
	f.filter.Action, err = auditAction(f.action)
	return err
}

func listAuditCommand() *cobra.Command {
	var flags auditFlags
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List entries, the oldest first",
		Long: `Lists the entries that fit everything that is given, as they are in the chain, and
behind those the ones that are not sealed yet. With --json each is one line (JSON
Lines), written as it is read, however many there are.`,
		Example: `  registrar audit list
  registrar audit list --since 2026-03-01 --until 2026-04-01 --caller portal --outcome EMAIL_TAKEN
  registrar audit list --registration 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55 --since 0
  registrar audit list --since 0 --limit 0 --json | jq -r 'select(.action == "ERASE") | .registration_id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.read(); err != nil {
				return err
			}
			if limit < 0 {
				return errors.New("--limit must not be negative; 0 is without limit")
			}
			return withDatabase(cmd, func(ctx context.Context, _ config.Config, db *store.DB) error {
				return listAudit(ctx, cmd.OutOrStdout(), db.Audit(), flags.filter, limit, asJSON)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&flags.since, "since", "24h", "from this `time` on: how long ago, a day, or a time in the form of RFC 3339; 0 is from the beginning")
	fs.StringVar(&flags.until, "until", "", "before this `time`")
	fs.StringVar(&flags.filter.Caller, "caller", "", "by its name")
	fs.StringVar(&flags.account, "registration", "", "`id` of the registration")
	fs.StringVar(&flags.filter.ExternalID, "external-id", "", "the caller's own `id` of the person")
	fs.StringVar(&flags.action, "action", "", "such as REGISTER")
	fs.StringVar(&flags.filter.Outcome, "outcome", "", "OK, or the code of a fault, such as EMAIL_TAKEN")
	fs.IntVar(&limit, "limit", 1000, "how many at most; 0 is without limit")
	fs.BoolVar(&asJSON, "json", false, "as JSON Lines")
	return cmd
}

var errEnough = errors.New("enough entries are listed")

func listAudit(ctx context.Context, w io.Writer, log audit.Reader, f audit.Filter, limit int, asJSON bool) error {
	show, end := entryTable(w)
	if asJSON {
		encoder := json.NewEncoder(w)
		show, end = func(v auditView) error { return encoder.Encode(v) }, func(int) error { return nil }
	}
	n := 0
	err := audit.Each(ctx, log, f, func(s audit.Sealed) error {
		if limit > 0 && n == limit {
			return errEnough
		}
		n++
		return show(viewOfEntry(s))
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if endErr := end(n); endErr != nil || err == nil || asJSON {
		return endErr
	}
	_, err = fmt.Fprintf(w, "There are more: --limit lists more than %d.\n", limit)
	return err
}

// entryTable writes entries as lines of a table, as they come: its columns have
// the width that entries mostly need.
func entryTable(w io.Writer) (show func(auditView) error, end func(n int) error) {
	const form = "%-9s %-23s %-15s %-18s %-16s %-36s %-20s %s\n"
	begun := false
	show = func(v auditView) error {
		if !begun {
			begun = true
			if _, err := fmt.Fprintf(w, form, "SEQUENCE", "TIME", "ACTION", "OUTCOME", "CALLER", "REGISTRATION", "EXTERNAL ID", "DETAIL"); err != nil {
				return err
			}
		}
		sequence, external := "-", orNone(printable(v.ExternalID))
		if v.Sequence > 0 {
			sequence = fmt.Sprint(v.Sequence)
		}
		if v.Erased {
			external = "(erased)"
		}
		_, err := fmt.Fprintf(w, form, sequence, v.At.UTC().Format("2006-01-02 15:04:05.000"), v.Action, v.Outcome, orNone(v.Caller), orNone(v.RegistrationID), external, orNone(printable(v.Detail)))
		return err
	}
	end = func(n int) error {
		if n > 0 {
			return nil
		}
		_, err := fmt.Fprintln(w, "There is no such entry; --since 0 looks at older ones too.")
		return err
	}
	return show, end
}
