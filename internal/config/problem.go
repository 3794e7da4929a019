package config

import (
	"slices"
	"strings"
)

// Problem is one thing that is wrong with the configuration. It never holds a
// secret's value.
type Problem struct {
	Key  string // "database.tls"; a variable's or file's name where there is no key
	From string // the variable, flag or file that set it; "" for a default
	Rule string // what is wrong
	Next string // what to do
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Key)
	if p.From != "" && p.From != p.Key {
		b.WriteString(" (" + p.From + ")")
	}
	b.WriteString(" " + p.Rule)
	if p.Next != "" {
		b.WriteString("; " + p.Next)
	}
	return b.String()
}

// Problems are all problems, told together: an error of one line each.
//
//nolint:errname // it is a list of Problem, and an error by the way
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return "configuration:\n  " + strings.Join(lines, "\n  ")
}

func (ps *Problems) add(key, rule, next string) {
	*ps = append(*ps, Problem{Key: key, Rule: rule, Next: next})
}

// orNil keeps an empty list from being a non-nil error.
func (ps Problems) orNil() error {
	if len(ps) == 0 {
		return nil
	}
	return slices.Clip(ps)
}
