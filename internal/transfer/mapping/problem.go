package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a mapping file.
type Problem struct {
	Line int    // from 1; 0 for the whole file
	Key  string // "fields.email.column"; "" for none
	Rule string // what is wrong
	Next string // what to do
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Key != "" {
		b.WriteString(p.Key + " ")
	}
	b.WriteString(p.Rule)
	if p.Next != "" {
		b.WriteString("; " + p.Next)
	}
	return b.String()
}

// Problems are all problems of a file, in the order of its lines: an error of one
// line each.
//
//nolint:errname // it is a list of Problem, and an error by the way
type Problems struct {
	File string
	List []Problem
}

func (ps *Problems) Error() string {
	lines := make([]string, len(ps.List))
	for i, p := range ps.List {
		lines[i] = p.String()
	}
	return "mapping " + ps.File + ":\n  " + strings.Join(lines, "\n  ")
}

func (ps *Problems) add(line int, key, rule, next string) {
	ps.List = append(ps.List, Problem{line, key, rule, next})
}

// orNil keeps an empty list from being a non-nil error.
func (ps *Problems) orNil() error {
	if len(ps.List) == 0 {
		return nil
	}
	slices.SortStableFunc(ps.List, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return ps
}
