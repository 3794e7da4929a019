package audit_test

import (
	"slices"
	"strings"
	"testing"

	"registrar/internal/audit"
)

// TestHeadsFromBeforeAPruning are counted and not compared. That the chain was to
// be pruned is said by the key, or by what was kept of it, and by nothing that
// can be written to the database.
func TestHeadsFromBeforeAPruning(t *testing.T) {
	t.Parallel()
	all := chain(t, 20, key)
	from := all[9].Head()
	other := from
	other.Hash[0] ^= 1
	detail := audit.PruneDetail(from, "by=uid:0")
	heads := func(at ...int) (some []audit.Head) {
		for _, n := range at {
			some = append(some, all[n-1].Head())
		}
		return some
	}
	for name, tt := range map[string]struct {
		settings         audit.Settings
		compared, before int
		doubt            string // a part of it
	}{
		"none is given":                          {audit.Settings{}, 0, 0, ""},
		"all from behind it":                     {audit.Settings{Kept: heads(11, 20)}, 2, 0, ""},
		"the very place":                         {audit.Settings{Kept: heads(10)}, 1, 0, ""},
		"all from before":                        {audit.Settings{Kept: heads(3, 9)}, 0, 2, "nothing could be compared"},
		"all from before, pruned by the key":     {audit.Settings{Kept: heads(3, 9), Key: key}, 0, 2, "nothing could be compared"},
		"some from before":                       {audit.Settings{Kept: heads(3, 9, 15)}, 1, 2, "2 of the 3 heads"},
		"some from before, one of the place":     {audit.Settings{Kept: heads(3, 10)}, 1, 1, "1 of the 2 heads"},
		"some from before, pruned by the key":    {audit.Settings{Kept: heads(3, 9, 15), Key: key}, 1, 2, ""},
		"the pruning was kept":                   {audit.Settings{Kept: heads(3, 9, 15), Pruned: heads(10)}, 2, 2, ""},
		"the pruning alone":                      {audit.Settings{Kept: heads(3, 9), Pruned: heads(10)}, 1, 2, ""},
		"one that was interrupted":               {audit.Settings{Kept: heads(3), Pruned: heads(12)}, 1, 1, ""},
		"a pruning of before":                    {audit.Settings{Kept: heads(3, 15), Pruned: heads(4)}, 1, 2, "2 of the 3 heads"},
		"the same twice":                         {audit.Settings{Kept: heads(15, 15), Pruned: heads(10, 10)}, 4, 0, ""},
		"two of one place that are not the same": {audit.Settings{Kept: append(heads(15), audit.Head{Sequence: 15})}, 0, 0, "BROKEN"},
		"another hash of the place":              {audit.Settings{Kept: []audit.Head{other}}, 0, 0, "BROKEN"},
		"another hash was pruned":                {audit.Settings{Pruned: []audit.Head{other}}, 0, 0, "BROKEN"},
		"more than there is was pruned":          {audit.Settings{Pruned: []audit.Head{{Sequence: 30}}}, 0, 0, "BROKEN"},
	} {
		s := tt.settings
		s.From = from
		broken, report := verify(slices.Concat(all[10:], audit.Seal(all[19].Head(), []audit.Record{telling(t, audit.Prune, detail, key)})), s)
		if tt.doubt == "BROKEN" {
			if broken == nil {
				t.Errorf("%s: %+v", name, report)
			}
			continue
		}
		if broken != nil || report.Kept != len(s.Kept)+len(s.Pruned) || report.Compared != tt.compared || report.Before != tt.before || (report.Doubt == "") != (tt.doubt == "") || !strings.Contains(report.Doubt, tt.doubt) {
			t.Errorf("%s: %v, %+v", name, broken, report)
		}
	}
}

func TestKeptLines(t *testing.T) {
	t.Parallel()
	head := chain(t, 1, nil)[0].Head()
	for line, want := range map[string]bool{head.String() + "\n": false, audit.PrunedLine(head): true, " " + audit.PrunedLine(head) + "\r\n": true} {
		if got, pruned, err := audit.ParseKept(line); err != nil || got != head || pruned != want {
			t.Errorf("%q: %v, %t, %v", line, got, pruned, err)
		}
	}
	for _, wrong := range []string{"", "pruned", " pruned", head.String() + " gone", head.String() + "pruned", audit.PrunedLine(head) + " pruned"} {
		if _, _, err := audit.ParseKept(wrong); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}
