package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

// diffView is the summary of a comparison.
type diffView struct {
	Caller    string              `json:"caller"`
	Source    string              `json:"source"`
	Read      int64               `json:"read"`
	Same      int64               `json:"same"`
	Rehashed  int64               `json:"hashed_anew"`
	Here      int64               `json:"here"`
	Findings  map[diff.Kind]int64 `json:"findings"`
	Different bool                `json:"different"`
	Repaired  *importView         `json:"repaired,omitempty"`
}

type findingView struct {
	Kind   diff.Kind `json:"kind"`
	Key    string    `json:"key"`
	Fields []string  `json:"fields,omitempty"`
}

// toldMost is how many findings of a kind a person is told.
const toldMost = 20

// tellDiff reports what was found, and says whether anything differs.
func tellDiff(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, repaired *transfer.Import, flags diffFlags) (different bool, err error) {
	counts, err := s.Count(ctx, d.ID)
	if err != nil {
		return false, err
	}
	view := diffView{
		Caller: d.Caller, Source: d.Source, Read: d.Progress.Read, Same: d.Progress.Same, Rehashed: d.Progress.Rehashed, Here: d.Progress.InStore, Findings: map[diff.Kind]int64{},
	}
	for _, kind := range diff.Kinds() {
		view.Findings[kind] = counts[kind]
		view.Different = view.Different || counts[kind] > 0 && kind.Different()
	}
	if repaired != nil {
		v := importViewOf(*repaired)
		view.Repaired = &v
	}
	if flags.asJSON {
		return view.Different, tellDiffJSON(ctx, w, s, d, view)
	}
	return view.Different, tellDiffText(ctx, w, s, d, repaired, view)
}

func tellDiffJSON(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, view diffView) error {
	err := eachFinding(ctx, s, d, 0, func(f diff.Finding) error { return writeJSONLine(w, findingView{f.Kind, f.Key, f.Fields}) })
	if err != nil {
		return err
	}
	return writeJSONLine(w, map[string]diffView{"summary": view})
}

// eachFinding gives the findings, of each kind so many at most; 0 for all.
func eachFinding(ctx context.Context, s *store.Diffs, d diff.Diff, most int, give func(diff.Finding) error) error {
	const page = 1000
	for _, kind := range diff.Kinds() {
		for last, given := "", 0; ; {
			limit := page
			if most > 0 {
				limit = most - given
			}
			some, err := s.Findings(ctx, d.ID, kind, last, limit)
			if err != nil {
				return err
			}
			for _, f := range some {
				if err := give(f); err != nil {
					return err
				}
				last = f.Key
			}
			if given += len(some); len(some) < limit || given == most {
				break
			}
		}
	}
	return nil
}

func tellDiffText(ctx context.Context, w io.Writer, s *store.Diffs, d diff.Diff, repaired *transfer.Import, view diffView) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, n int64, note string) { fmt.Fprintf(table, "%s\t%d\t%s\n", name, n, note) }
	line("rows read", view.Read, "")
	line("people here", view.Here, "")
	line("the same", view.Same, "")
	if view.Rehashed > 0 {
		line("  hashed anew", view.Rehashed, "by the service's own algorithm")
	}
	notes := map[diff.Kind]string{
		diff.Missing: "--repair imports them", diff.Refused: "by rules of the mapping", diff.Erased: "no difference", diff.Ahead: "no difference",
	}
	for _, kind := range diff.Kinds() {
		note := notes[kind]
		if kind == diff.Missing && repaired != nil {
			note = "could not be imported"
		}
		if view.Findings[kind] == 0 {
			note = ""
		}
		line(string(kind), view.Findings[kind], note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if repaired != nil {
		fmt.Fprintf(w, "\nRepaired: %d imported, %d refused.\n", repaired.Stored, repaired.Refused)
		if err := tellFindings(w, repaired.Tally); err != nil {
			return err
		}
	}
	var lines []string
	err := eachFinding(ctx, s, d, toldMost, func(f diff.Finding) error {
		lines = append(lines, strings.Join([]string{string(f.Kind), f.Key, strings.Join(f.Fields, ", ")}, "\t"))
		return nil
	})
	if err != nil || len(lines) == 0 {
		return err
	}
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FOUND\tEXTERNAL ID\tIN")
	for _, l := range lines {
		fmt.Fprintln(table, l)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if slices.ContainsFunc(diff.Kinds(), func(k diff.Kind) bool { return view.Findings[k] > toldMost }) {
		_, err = fmt.Fprintln(w, "\nOf each the first "+strconv.Itoa(toldMost)+": --json lists all.")
	}
	return err
}
