package audit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

var key = bytes.Repeat([]byte{7}, audit.KeySize)

func writer(t testing.TB, key []byte) *audit.Writer {
	t.Helper()
	w, err := audit.NewWriter(key)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func entry(n int) audit.Entry {
	return audit.Entry{
		ID: registration.ID(uuid.Must(uuid.NewV7())), At: time.UnixMicro(1_767_225_600_000_000 + int64(n)).UTC(), Action: registration.AuditRegister,
		Outcome: registration.AuditOK, Caller: "portal", AccountID: registration.ID(uuid.Must(uuid.NewV7())), ExternalID: fmt.Sprint("crm-", n), CorrelationID: uuid.NewString(),
	}
}

// chain is one of n entries by two writers.
func chain(t testing.TB, n int, key []byte) []audit.Sealed {
	t.Helper()
	one, other := writer(t, key), writer(t, key)
	var records []audit.Record
	for i := range n {
		w := one
		if i%3 == 0 {
			w = other
		}
		r, err := w.Record(entry(i))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	// In batches, as they are sealed.
	var sealed []audit.Sealed
	var head audit.Head
	for some := range slices.Chunk(records, 7) {
		sealed = append(sealed, audit.Seal(head, some)...)
		head = sealed[len(sealed)-1].Head()
	}
	return sealed
}

func verify(all []audit.Sealed, s audit.Settings) (*audit.Break, audit.Report) {
	v := audit.NewVerifier(s)
	for _, e := range all {
		if broken := v.Next(e); broken != nil {
			return broken, v.Report()
		}
	}
	return v.End(), v.Report()
}

func TestAChainAsItWasSealed(t *testing.T) {
	t.Parallel()
	all := chain(t, 50, key)
	broken, report := verify(all, audit.Settings{Key: key, KeyedFrom: 1, Kept: []audit.Head{all[9].Head(), all[49].Head()}})
	if broken != nil {
		t.Fatal(broken)
	}
	if report.Entries != 50 || report.Head != all[49].Head() || report.Missing != 0 || report.Unkeyed != 0 || report.Unvouched {
		t.Errorf("the report is %+v", report)
	}
	if broken, _ := verify(nil, audit.Settings{}); broken != nil {
		t.Errorf("an empty chain: %v", broken)
	}
}

// edits are what can be changed of an entry.
var edits = map[string]func(*audit.Sealed){
	"id":          func(s *audit.Sealed) { s.ID[3] ^= 1 },
	"time":        func(s *audit.Sealed) { s.At = s.At.Add(time.Microsecond) },
	"action":      func(s *audit.Sealed) { s.Action = audit.Import },
	"outcome":     func(s *audit.Sealed) { s.Outcome = "EMAIL_TAKEN" },
	"caller":      func(s *audit.Sealed) { s.Caller = "other" },
	"account":     func(s *audit.Sealed) { s.AccountID = registration.ID{} },
	"external id": func(s *audit.Sealed) { s.ExternalID += "0" },
	"digest":      func(s *audit.Sealed) { s.Digest = bytes.Repeat([]byte{1}, 32) },
	"salt":        func(s *audit.Sealed) { s.Salt = bytes.Repeat([]byte{1}, 16) },
	"correlation": func(s *audit.Sealed) { s.CorrelationID = "" },
	"trace":       func(s *audit.Sealed) { s.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
	"detail":      func(s *audit.Sealed) { s.Detail = "a=b" },
	"writer":      func(s *audit.Sealed) { s.Writer[0] ^= 1 },
	"number":      func(s *audit.Sealed) { s.Number++ },
	"mac":         func(s *audit.Sealed) { s.MAC = nil },
	"previous":    func(s *audit.Sealed) { s.Previous[0] ^= 1 },
	"hash":        func(s *audit.Sealed) { s.Hash[31] ^= 1 },
	"moved text":  func(s *audit.Sealed) { s.Caller, s.Outcome = s.Outcome, s.Caller },
}

// TestAnyEdit of any field of any entry is found, at its place.
func TestAnyEdit(t *testing.T) {
	t.Parallel()
	for name, edit := range edits {
		for at := range 20 {
			all := chain(t, 20, key)
			edit(&all[at])
			broken, _ := verify(all, audit.Settings{})
			if broken == nil || broken.Kind != audit.Edited || broken.Sequence != int64(at+1) {
				t.Errorf("%s of entry %d: %v", name, at+1, broken)
			}
		}
	}
}

// TestCuts: entries that are gone are found, whether or not the others were
// numbered anew.
func TestCuts(t *testing.T) {
	t.Parallel()
	for first := range 18 {
		for n := 1; n <= 2; n++ {
			all := slices.Delete(chain(t, 20, nil), first, first+n)
			broken, _ := verify(all, audit.Settings{})
			if broken == nil || broken.Kind != audit.Cut || broken.Sequence != int64(first+1) {
				t.Errorf("%d from %d on: %v", n, first+1, broken)
			}
			for i := first; i < len(all); i++ {
				all[i].Sequence = int64(i + 1)
			}
			broken, _ = verify(all, audit.Settings{})
			if broken == nil || broken.Kind != audit.Cut || broken.Sequence != int64(first+1) {
				t.Errorf("%d from %d on, numbered anew: %v", n, first+1, broken)
			}
		}
	}
}

// TestTheEnd that is cut off shows by a head that was kept, and by no other means.
func TestTheEnd(t *testing.T) {
	t.Parallel()
	all := chain(t, 20, nil)
	head := all[19].Head()
	if broken, _ := verify(all[:15], audit.Settings{}); broken != nil {
		t.Errorf("without a head: %v", broken)
	}
	broken, _ := verify(all[:15], audit.Settings{Kept: []audit.Head{head}})
	if broken == nil || broken.Kind != audit.Cut || broken.Sequence != 16 {
		t.Errorf("with one: %v", broken)
	}
}

// TestSwaps of any two entries.
func TestSwaps(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		for j := i + 1; j < 12; j++ {
			all := chain(t, 12, nil)
			all[i], all[j] = all[j], all[i]
			all[i].Sequence, all[j].Sequence = int64(i+1), int64(j+1)
			broken, _ := verify(all, audit.Settings{})
			if broken == nil || broken.Kind != audit.Reordered || broken.Sequence != int64(i+1) {
				t.Errorf("%d and %d: %v", i+1, j+1, broken)
			}
		}
	}
}

// TestInsertions, with no hash, and with one that fits what is before.
func TestInsertions(t *testing.T) {
	t.Parallel()
	for at := range 11 {
		for _, hashed := range []bool{false, true} {
			all := chain(t, 12, nil)
			more, err := writer(t, nil).Record(entry(99))
			if err != nil {
				t.Fatal(err)
			}
			var before audit.Head
			if at > 0 {
				before = all[at-1].Head()
			}
			made := audit.Seal(before, []audit.Record{more})[0]
			if !hashed {
				made.Hash[0] ^= 1
			}
			all = slices.Insert(all, at, made)
			for i := range all {
				all[i].Sequence = int64(i + 1)
			}
			broken, _ := verify(all, audit.Settings{})
			if broken == nil || broken.Kind != audit.Inserted || broken.Sequence != int64(at+1) {
				t.Errorf("at %d, hashed %t: %v", at+1, hashed, broken)
			}
		}
	}
}

// TestMadeAnew: who makes an entry and its hash anew is found by the next one,
// who makes all of them by a head that was kept or by the key.
func TestMadeAnew(t *testing.T) {
	t.Parallel()
	original := chain(t, 20, key)
	records := make([]audit.Record, len(original))
	for i, s := range original {
		records[i] = s.Record
	}
	records[4].Outcome = "EMAIL_TAKEN"
	forged := slices.Concat(original[:4], audit.Seal(original[3].Head(), records[4:]))

	one := slices.Clone(original)
	one[4] = forged[4]
	if broken, _ := verify(one, audit.Settings{}); broken == nil || broken.Kind != audit.Edited || broken.Sequence != 5 {
		t.Errorf("one hash: %v", broken)
	}
	if broken, _ := verify(forged, audit.Settings{}); broken != nil {
		t.Errorf("all hashes, with nothing to compare: %v", broken)
	}
	if broken, _ := verify(forged, audit.Settings{Kept: []audit.Head{original[7].Head()}}); broken == nil || broken.Sequence != 8 {
		t.Errorf("all hashes, with a head: %v", broken)
	}
	if broken, _ := verify(forged, audit.Settings{Key: key}); broken == nil || broken.Sequence != 5 {
		t.Errorf("all hashes, with the key: %v", broken)
	}
	for i := range records {
		records[i].MAC = nil
	}
	bare := audit.Seal(audit.Head{}, records)
	if broken, report := verify(bare, audit.Settings{Key: key}); broken != nil || report.Unkeyed != 20 || report.LastUnkeyed != 20 {
		t.Errorf("without MACs: %v, %+v", broken, report)
	}
	if broken, _ := verify(bare, audit.Settings{Key: key, KeyedFrom: 3}); broken == nil || broken.Sequence != 3 {
		t.Errorf("without MACs where they must be: %v", broken)
	}
}

// TestSealedTwice: a record that was put back is found, though its MAC is right.
func TestSealedTwice(t *testing.T) {
	t.Parallel()
	all := chain(t, 10, key)
	all = append(all, audit.Seal(all[9].Head(), []audit.Record{all[2].Record})...)
	if broken, _ := verify(all, audit.Settings{Key: key}); broken == nil || broken.Kind != audit.Inserted || broken.Sequence != 11 {
		t.Errorf("%v", broken)
	}
}

// TestGaps: what was removed before it was sealed leaves a gap in its writer's
// numbers, whatever the order in which they were sealed.
func TestGaps(t *testing.T) {
	t.Parallel()
	w := writer(t, nil)
	var records []audit.Record
	for i := range 100 {
		r, err := w.Record(entry(i))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	records = slices.Concat(records[:10], records[11:40], records[43:])
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	broken, report := verify(audit.Seal(audit.Head{}, records), audit.Settings{})
	if broken != nil || report.Missing != 4 || report.Gaps != 2 {
		t.Fatalf("%v, %+v", broken, report)
	}
	for _, g := range report.GapsAt {
		if last, known := map[int64]int64{11: 11, 41: 43}[g.First]; !known || g.Last != last || g.Before < 1 {
			t.Errorf("a gap is %+v", g)
		}
	}
}

// TestNumbersAreGivenBack: what was surely not written leaves no gap.
func TestNumbersAreGivenBack(t *testing.T) {
	t.Parallel()
	w := writer(t, nil)
	var kept []audit.Record
	for i := range 30 {
		r, err := w.Record(entry(i))
		if err != nil {
			t.Fatal(err)
		}
		if i%4 == 1 {
			w.GiveBack(r)
			continue
		}
		kept = append(kept, r)
	}
	w.GiveBack(audit.Record{})
	if broken, report := verify(audit.Seal(audit.Head{}, kept), audit.Settings{}); broken != nil || report.Missing != 0 {
		t.Errorf("%v, %+v", broken, report)
	}
	long := entry(0)
	long.Detail = strings.Repeat("x", 256)
	if _, err := w.Record(long); err == nil {
		t.Error("a detail that is too long")
	}
	if _, err := audit.NewWriter(key[:31]); err == nil {
		t.Error("a key that is too short")
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	head := chain(t, 1, nil)[0].Head()
	if got, err := audit.ParseHead(head.String() + "\n"); err != nil || got != head {
		t.Errorf("%v, %v", got, err)
	}
	for _, wrong := range []string{"", "1", "0:" + head.Hash.String(), "1:" + head.Hash.String()[1:], "x:" + head.Hash.String()} {
		if _, err := audit.ParseHead(wrong); err == nil {
			t.Errorf("%q is read", wrong)
		}
	}
}
