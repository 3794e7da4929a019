package audit_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// telling is a record that tells of the log itself.
func telling(t *testing.T, action registration.Action, detail string, key []byte) audit.Record {
	t.Helper()
	e := entry(0)
	e.Action, e.Detail, e.ExternalID = action, detail, ""
	r, err := writer(t, key).Record(e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ends verifies a chain with records that wait, and with the same in the chain.
func ends(all []audit.Sealed, s audit.Settings, told ...audit.Record) (broken [2]*audit.Break, reports [2]audit.Report) {
	waiting := audit.NewVerifier(s)
	for _, e := range all {
		waiting.Next(e)
	}
	for _, r := range told {
		waiting.Waits(r)
	}
	broken[0], reports[0] = waiting.End(), waiting.Report()
	head := s.From
	if len(all) > 0 {
		head = all[len(all)-1].Head()
	}
	broken[1], reports[1] = verify(slices.Concat(all, audit.Seal(head, told)), s)
	return broken, reports
}

// TestPruned: a chain is whole from a checkpoint on, if an entry tells of it, and
// with a key one that has a MAC, unless it is from before there was one.
func TestPruned(t *testing.T) {
	t.Parallel()
	all := chain(t, 20, key)
	from, earlier, later := all[9].Head(), all[7].Head(), all[11].Head()
	other := from
	other.Hash[0] ^= 1
	prune := func(h audit.Head, key []byte) audit.Record {
		return telling(t, audit.Prune, audit.PruneDetail(h, "by=uid:0"), key)
	}
	failed := prune(from, nil)
	failed.Outcome = "FAILED"
	behind := audit.Head{Sequence: 21, Hash: from.Hash}
	for name, tt := range map[string]struct {
		settings audit.Settings
		told     []audit.Record
		at       int64 // of the break
		kind     audit.Kind
	}{
		"nothing":                              {audit.Settings{}, nil, 1, audit.Cut},
		"the pruning":                          {audit.Settings{}, []audit.Record{prune(from, nil)}, 0, ""},
		"one that was interrupted":             {audit.Settings{}, []audit.Record{prune(later, nil)}, 0, ""},
		"one of before":                        {audit.Settings{}, []audit.Record{prune(earlier, nil)}, 9, audit.Cut},
		"one of before, and the pruning":       {audit.Settings{}, []audit.Record{prune(earlier, nil), prune(from, nil)}, 0, ""},
		"one that failed":                      {audit.Settings{}, []audit.Record{failed}, 1, audit.Cut},
		"one of what comes":                    {audit.Settings{}, []audit.Record{prune(behind, nil)}, 1, audit.Cut},
		"another hash":                         {audit.Settings{}, []audit.Record{prune(other, nil)}, 10, audit.Edited},
		"no hash":                              {audit.Settings{}, []audit.Record{telling(t, audit.Prune, "through=10 by=uid:0", nil)}, 1, audit.Cut},
		"no MAC":                               {audit.Settings{Key: key}, []audit.Record{prune(from, nil)}, 1, audit.Cut},
		"a MAC":                                {audit.Settings{Key: key}, []audit.Record{prune(from, key)}, 0, ""},
		"another's MAC":                        {audit.Settings{}, []audit.Record{prune(from, bytes.Repeat([]byte{8}, 32))}, 0, ""},
		"a MAC where all must have one":        {audit.Settings{Key: key, KeyedFrom: 11}, []audit.Record{prune(from, key)}, 0, ""},
		"more than the key's holder has told":  {audit.Settings{Key: key}, []audit.Record{prune(earlier, key), prune(from, nil)}, 9, audit.Cut},
		"another hash, without MAC":            {audit.Settings{Key: key}, []audit.Record{prune(from, key), prune(other, nil)}, 0, ""},
		"another hash, by the holder of a key": {audit.Settings{Key: key}, []audit.Record{prune(other, key)}, 10, audit.Edited},
	} {
		s := tt.settings
		s.From = from
		broken, reports := ends(all[10:], s, tt.told...)
		for i, b := range broken {
			if whole := tt.at == 0; whole != (b == nil) || !whole && (b.Sequence != tt.at || b.Kind != tt.kind) || reports[i].Unvouched != (tt.kind == audit.Cut) || reports[i].Missing != 0 {
				t.Errorf("%s, sealed %t: %v, %+v", name, i == 1, b, reports[i])
			}
		}
	}
	before := audit.Seal(all[19].Head(), []audit.Record{prune(from, nil)})
	if broken, _ := verify(slices.Concat(all[10:], before), audit.Settings{From: from, Key: key, KeyedFrom: 22}); broken != nil {
		t.Errorf("from before there was a key: %v", broken)
	}
	if broken, _ := ends(nil, audit.Settings{From: all[19].Head()}, prune(all[19].Head(), nil)); broken[0] != nil || broken[1] != nil {
		t.Errorf("everything: %v", broken)
	}
	if broken, _ := verify(all[11:], audit.Settings{From: from}); broken == nil || broken.Kind != audit.Cut || broken.Sequence != 11 {
		t.Errorf("more is gone: %v", broken)
	}
}

// TestErasedExternalIDs: they are no edit where an entry behind them tells of
// each, and with a key one that has a MAC.
func TestErasedExternalIDs(t *testing.T) {
	t.Parallel()
	const n = 60
	all := chain(t, n, key)
	gone := slices.Clone(all)
	var digests [][]byte
	for i := range gone {
		if i%2 == 1 {
			digests = append(digests, gone[i].Digest)
			gone[i].ExternalID, gone[i].Salt = "", nil
		}
	}
	blank := func(digests [][]byte, key []byte) (told []audit.Record) {
		for _, detail := range audit.BlankDetails(digests, "by=uid:4294967295") {
			told = append(told, telling(t, audit.Blank, detail, key))
		}
		return told
	}
	for name, tt := range map[string]struct {
		all      []audit.Sealed
		settings audit.Settings
		told     []audit.Record
		at       []int64
	}{
		"nothing":                 {gone[:8], audit.Settings{}, nil, []int64{2, 4, 6, 8}},
		"each":                    {gone, audit.Settings{Key: key, KeyedFrom: 1}, blank(digests, key), nil},
		"each, without MAC":       {gone[:8], audit.Settings{Key: key}, blank(digests, nil), []int64{2, 4, 6, 8}},
		"all but two":             {gone, audit.Settings{}, blank(slices.Concat(digests[:1], digests[2:29]), nil), []int64{4, 60}},
		"an erasure without them": {gone[:4], audit.Settings{}, []audit.Record{telling(t, audit.Erase, "by=uid:0", nil)}, []int64{2, 4}},
		"nonsense":                {gone[:2], audit.Settings{}, []audit.Record{telling(t, audit.Blank, "erased=,x,00,"+fmt.Sprintf("%x", digests[0]), nil)}, []int64{2}},
		"more than there are":     {all[:8], audit.Settings{}, blank(digests, nil), nil},
	} {
		broken, reports := ends(tt.all, tt.settings, tt.told...)
		for i, b := range broken {
			if len(tt.at) == 0 {
				if b != nil || reports[i].Blanked != 0 {
					t.Errorf("%s, sealed %t: %v, %+v", name, i == 1, b, reports[i])
				}
			} else if b == nil || b.Sequence != tt.at[0] || b.Kind != audit.Edited || reports[i].Blanked != int64(len(tt.at)) || !slices.Equal(reports[i].BlankedAt, tt.at) {
				t.Errorf("%s, sealed %t: %v, %+v", name, i == 1, b, reports[i])
			}
		}
	}
	if _, reports := ends(gone, audit.Settings{}); reports[0].Erased != n/2 || reports[0].Blanked != n/2 || len(reports[0].BlankedAt) != 20 {
		t.Errorf("many: %+v", reports[0])
	}
	first := audit.Seal(audit.Head{}, blank(digests[:1], nil))
	if broken, _ := verify(slices.Concat(first, audit.Seal(first[0].Head(), []audit.Record{gone[1].Record})), audit.Settings{}); broken == nil || broken.Sequence != 2 {
		t.Errorf("told of before: %v", broken)
	}
}
