package transfer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// placesKept is how many places of a rule a Tally names.
const placesKept = 5

// Count is to how many rows a rule applied, and to which first.
type Count struct {
	Rows   int64    `json:"rows"`
	Places []string `json:"places"` // at most five
}

// Tally counts by rule and action: "email_taken/refuse".
type Tally map[string]Count

// add counts a row: by all its findings where it is stored, else by those that
// refuse it; once where a rule applies to two fields.
func (t Tally) add(findings []Finding, stored bool, place string) {
	var counted []string
	for _, f := range findings {
		name := string(f.Rule) + "/" + string(f.Action)
		if !stored && f.Action != Refuse || slices.Contains(counted, name) {
			continue
		}
		counted = append(counted, name)
		c := t[name]
		c.Rows++
		if len(c.Places) < placesKept {
			c.Places = append(slices.Clone(c.Places), place)
		}
		t[name] = c
	}
}

// clone gives a Tally that may be changed without changing t.
func (t Tally) clone() Tally {
	if t == nil {
		return Tally{}
	}
	return maps.Clone(t)
}

// Line is one line of a report.
type Line struct {
	Rule   Rule   `json:"rule"`
	Action Action `json:"action"`
	Count
}

// Lines gives the counts, refusals first, then those with the most rows first.
func (t Tally) Lines() []Line {
	var lines []Line
	for name, c := range t {
		rule, action, _ := strings.Cut(name, "/")
		lines = append(lines, Line{Rule(rule), Action(action), c})
	}
	slices.SortFunc(lines, func(a, b Line) int {
		refused := func(l Line) int {
			if l.Action == Refuse {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(refused(a), refused(b)), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action))
	})
	return lines
}
