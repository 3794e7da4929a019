package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"

	"registrar/internal/audit"
	"registrar/internal/config"
	"registrar/internal/store"
)

// brokenExit is the exit code where the chain is broken. What could not be
// verified at all is 1, as any error.
const brokenExit = 3

// brokenError is a chain that is broken.
type brokenError struct{ at *audit.Break }

func (e *brokenError) Error() string { return e.at.String() }

// ExitCode is the program's.
func (e *brokenError) ExitCode() int { return brokenExit }

// doubtError is a chain of which the heads that were given do not say that it is whole.
type doubtError struct{ doubt string }

func (e *doubtError) Error() string {
	return "audit: whether the chain is whole could not be found out: " + e.doubt
}

func verifyAuditCommand() *cobra.Command {
	var heads []string
	var file string
	var keyedFrom int64
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Say whether the chain is as it was sealed, and where it is not",
		Long: `Reads the whole chain and says the first place where it is not what was sealed, and
what explains that most simply: an entry was edited, entries were cut out, inserted
or moved. The exit code is 0 when the chain is whole, 3 when it is broken, and 1
when that could not be found out.

Give it the heads that were kept elsewhere, one by --head or a file of them, one a
line, by --heads: without one, whoever can write to the database could have made
the whole chain anew, or have removed it and told of a pruning. Heads from before
the place up to which the chain was pruned cannot be compared, and are counted. Where
there are such, one of the others must be the line that registrar audit prune
printed, SEQUENCE:HASH pruned, unless audit.key says who has pruned.

With audit.key in the configuration also the entries' MACs are verified, of those
that have one; --keyed-from says from which entry on all must have one. What tells
of a pruning or of an erasure must have one too, from there on.

The chain is broken, too, where its beginning is gone and no entry tells that it was
pruned, and where an entry's external id is gone and none tells that it was erased.

It also tells of numbers that are missing, though no entry of the chain is: each
server numbers what it writes. A number is missing where a server died in the
middle of a call, where it did not learn what became of one (the caller was told
UNAVAILABLE), and where an entry was removed before it was sealed. It is a reason
to compare with the servers' logs, and no proof.`,
		Example: `  registrar audit verify
  registrar audit verify --head 41822:9f2c...
  registrar audit verify --head 41822:9f2c... --head '10077:03b1... pruned'
  registrar audit verify --heads /mnt/elsewhere/heads --keyed-from 1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := keptHeads(heads, file)
			if err != nil {
				return err
			}
			return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
				if keyedFrom > 0 && c.AuditKey() == nil {
					return errors.New("--keyed-from needs audit.key or audit.key_file in the configuration")
				}
				s.Key, s.KeyedFrom = c.AuditKey(), keyedFrom
				return verifyAudit(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), db.Audit(), s, asJSON)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&heads, "head", nil, "a `SEQUENCE:HASH` that was kept elsewhere, or a line of registrar audit prune; may be given several times")
	fs.StringVar(&file, "heads", "", "`file` of such, one a line")
	fs.Int64Var(&keyedFrom, "keyed-from", 0, "`sequence` number of the first entry from which on each must have a right MAC")
	fs.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// keptHeads reads heads from flags and from a file.
func keptHeads(given []string, file string) (s audit.Settings, err error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return s, fmt.Errorf("--heads: %w", err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" {
				given = append(given, line)
			}
		}
		if err := lines.Err(); err != nil {
			return s, fmt.Errorf("--heads: %w", err)
		}
	}
	for _, text := range given {
		h, pruned, err := audit.ParseKept(text)
		switch {
		case err != nil:
			return s, err
		case pruned:
			s.Pruned = append(s.Pruned, h)
		default:
			s.Kept = append(s.Kept, h)
		}
	}
	return s, nil
}

// verifiedView is a verification as it is shown.
type verifiedView struct {
	Whole       bool       `json:"whole"`
	BrokenAt    int64      `json:"broken_at,omitempty"`
	Kind        audit.Kind `json:"kind,omitempty"`
	Why         string     `json:"why,omitempty"`
	Doubt       string     `json:"doubt,omitempty"` // why it is not called whole though it is not broken
	Entries     int64      `json:"entries"`
	Head        string     `json:"head,omitempty"`
	PrunedTo    int64      `json:"pruned_to,omitempty"`
	Unvouched   bool       `json:"pruning_without_entry,omitempty"`
	Heads       int        `json:"heads"`
	Compared    int        `json:"heads_compared"`
	Before      int        `json:"heads_before_pruning,omitempty"`
	Erased      int64      `json:"external_ids_erased"`
	Blanked     int64      `json:"erased_without_entry,omitempty"`
	BlankedAt   []int64    `json:"erased_without_entry_at,omitempty"` // the first few
	Unkeyed     int64      `json:"without_mac,omitempty"`
	LastUnkeyed int64      `json:"last_without_mac,omitempty"`
	Missing     int64      `json:"numbers_missing"`
	Gaps        []gapView  `json:"gaps,omitempty"`
	Waiting     int        `json:"waiting"`
	Oldest      time.Time  `json:"waiting_since,omitzero"`
}

type gapView struct {
	Writer string `json:"writer"`
	First  int64  `json:"first"`
	Last   int64  `json:"last"`
	Before int64  `json:"before"`
}

func verifyAudit(ctx context.Context, out, progress io.Writer, log *store.Audit, s audit.Settings, asJSON bool) error {
	from, to, err := log.Ends(ctx)
	if err != nil {
		return err
	}
	show := countProgress(progress, "verified", int(to.Sequence-from.Sequence))
	broken, r, err := audit.Verify(ctx, log, s, show.add)
	show.end()
	if err != nil {
		return err
	}
	v := verifiedView{
		Whole: broken == nil && r.Doubt == "", Doubt: r.Doubt, Entries: r.Entries, PrunedTo: r.From.Sequence, Unvouched: r.Unvouched, Erased: r.Erased,
		Blanked: r.Blanked, BlankedAt: r.BlankedAt, Heads: r.Kept, Compared: r.Compared, Before: r.Before,
		Unkeyed: r.Unkeyed, LastUnkeyed: r.LastUnkeyed, Missing: r.Missing,
	}
	for _, g := range r.GapsAt {
		v.Gaps = append(v.Gaps, gapView(g))
	}
	if r.Head.Sequence > 0 {
		v.Head = r.Head.String()
	}
	if broken != nil {
		v.BrokenAt, v.Kind, v.Why = broken.Sequence, broken.Kind, broken.Why
	}
	if v.Waiting, v.Oldest, err = log.Waiting(ctx); err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(out, v)
	} else {
		err = showVerified(out, v)
	}
	switch {
	case err != nil:
		return err
	case broken != nil:
		return &brokenError{broken}
	case r.Doubt != "":
		return &doubtError{r.Doubt}
	default:
		return nil
	}
}

func showVerified(w io.Writer, v verifiedView) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, form string, values ...any) { fmt.Fprintf(table, name+"\t"+form+"\n", values...) }
	switch {
	case v.Whole:
		line("chain", "whole")
	case v.Doubt != "":
		line("chain", "NOT VOUCHED FOR by the heads that were given")
	default:
		line("chain", "BROKEN at entry %d", v.BrokenAt)
		line("most likely", "%s: %s", v.Kind, v.Why)
	}
	line("entries verified", "%d", v.Entries)
	if v.Head != "" {
		line("up to", "%s", v.Head)
	}
	if v.PrunedTo > 0 {
		line("pruned", "up to entry %d", v.PrunedTo)
	}
	if v.Unvouched {
		line("", "NO ENTRY TELLS of that: the beginning was removed by other means than registrar audit prune")
	}
	if v.Heads > 0 {
		line("heads compared", "%d of %d", v.Compared, v.Heads)
	}
	if v.Before > 0 {
		line("heads not compared", "%d, from before where the chain was pruned", v.Before)
	}
	if v.Erased > 0 {
		line("external ids erased", "%d", v.Erased)
	}
	if v.Blanked > 0 {
		line("", "NO ENTRY TELLS of %d of them, at first %s", v.Blanked, strings.Trim(fmt.Sprint(v.BlankedAt), "[]"))
	}
	if v.Unkeyed > 0 {
		line("without a MAC", "%d, the last of them entry %d", v.Unkeyed, v.LastUnkeyed)
	}
	if v.Missing > 0 {
		line("numbers missing", "%d", v.Missing)
		for _, g := range v.Gaps {
			line("", "%d to %d of writer %s, before entry %d", g.First, g.Last, g.Writer[:8], g.Before)
		}
	}
	waiting := fmt.Sprint(v.Waiting)
	if v.Waiting > 0 {
		waiting += ", the oldest since " + stamp(v.Oldest)
	}
	line("not sealed yet", "%s", waiting)
	return table.Flush()
}

// counting shows how many of a number are done: as a bar to a person.
type counting struct {
	bars *mpb.Progress
	bar  *mpb.Bar
}

func countProgress(w io.Writer, name string, total int) counting {
	if !isTerminal(w) {
		return counting{}
	}
	bars := mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
	return counting{bars, bar(bars, name, max(total, 1))}
}

func (c counting) add(n int) {
	if c.bar != nil {
		c.bar.IncrBy(n)
	}
}

func (c counting) end() {
	if c.bar != nil {
		c.bar.Abort(false)
		c.bars.Wait()
	}
}
