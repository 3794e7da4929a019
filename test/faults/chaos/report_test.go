package chaos_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// line is a result while a run goes on.
func (res result) line(n int) string {
	what := "nothing happens"
	if len(res.event) > 0 {
		what = res.event.String()
	}
	text := fmt.Sprintf("%3d  %s: %d registered, longest gap %v, p99 %v, %d registrations and %d other calls without an answer, whole after %v, %d notifications in doubt and %d twice; the round took %v",
		n, what, res.registered, short(res.gap), short(res.p99), res.unanswered, res.others, short(res.healed), res.doubts, res.twice, short(res.took))
	for _, note := range res.notes {
		text += "\n     " + note
	}
	return text
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// table is what was tried and what callers saw, a line for each kind of fault
// and tier, and the worst.
func table(results []result) string {
	type row struct {
		kind, target            string
		n, registered, failed   int
		others, doubts, wrong   int
		gap, median, p99, whole time.Duration
		gaps                    []time.Duration
	}
	rows := map[[2]string]*row{}
	var order []*row
	total := row{kind: "all"}
	worst := map[string]result{}
	for _, res := range results {
		kind, target := "nothing", ""
		switch {
		case len(res.event) == 1:
			kind, target = string(res.event[0].kind), string(res.event[0].tier)
		case len(res.event) == 2:
			kind, target = "two at once", ""
		}
		key := [2]string{kind, target}
		if rows[key] == nil {
			rows[key] = &row{kind: kind, target: target}
			order = append(order, rows[key])
		}
		for _, r := range []*row{rows[key], &total} {
			r.n, r.registered, r.failed, r.others, r.doubts, r.wrong = r.n+1, r.registered+res.registered, r.failed+res.unanswered, r.others+res.others, r.doubts+res.doubts, r.wrong+len(res.wrong)
			r.gap, r.p99, r.whole = max(r.gap, res.gap), max(r.p99, res.p99), max(r.whole, res.healed)
			r.gaps = append(r.gaps, res.gap)
		}
		if len(res.event) > 0 {
			if res.gap > worst["longest gap"].gap {
				worst["longest gap"] = res
			}
			if res.unanswered+res.others > worst["most calls without an answer"].unanswered+worst["most calls without an answer"].others {
				worst["most calls without an answer"] = res
			}
		}
	}
	slices.SortFunc(order, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.target, b.target))
	})
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\tof\ttimes\tregistered\tgap, median\tgap, longest\tp99, worst\tregistrations without answer\tother calls\twhole after, worst\tin doubt\twrong")
	for _, r := range append(order, &total) {
		slices.Sort(r.gaps)
		if len(r.gaps) > 0 {
			r.median = r.gaps[len(r.gaps)/2]
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%v\t%v\t%v\t%d\t%d\t%v\t%d\t%d\n", r.kind, r.target, r.n, r.registered, short(r.median), short(r.gap), short(r.p99), r.failed, r.others, short(r.whole), r.doubts, r.wrong)
	}
	_ = w.Flush() // to memory
	for _, what := range []string{"longest gap", "most calls without an answer"} {
		if res, ok := worst[what]; ok {
			fmt.Fprintf(&b, "%s: %s: %v, %d registrations and %d other calls\n", what, res.event, short(res.gap), res.unanswered, res.others)
		}
	}
	return b.String()
}
