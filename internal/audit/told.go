package audit

import (
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"registrar/internal/registration"
)

// The words of details that a verification reads.
const (
	throughWord = "through="
	hashWord    = "hash="
	erasedWord  = "erased="
)

// PruneDetail is the Detail of a PRUNE's entry.
func PruneDetail(last Head, by string) string {
	return throughWord + strconv.FormatInt(last.Sequence, 10) + " " + hashWord + last.Hash.String() + " " + by
}

// pruned is what a PRUNE tells of; the zero Head where that is nothing.
func pruned(detail string) Head {
	h, err := ParseHead(word(detail, throughWord) + ":" + word(detail, hashWord))
	if err != nil {
		return Head{}
	}
	return h
}

// word is what follows a key in a detail.
func word(detail, key string) string {
	for w := range strings.FieldsSeq(detail) {
		if value, ok := strings.CutPrefix(w, key); ok {
			return value
		}
	}
	return ""
}

// mark is the beginning of a digest, by which a BLANK names an entry. Digests
// are as good as random, and those of entries that are there cannot be chosen.
type mark [8]byte

func markOf(digest []byte) (m mark) {
	copy(m[:], digest)
	return m
}

// BlankDetails are the Details of the BLANKs that tell which entries' external
// ids, by their digests, an erasure removes: each names as many as it can hold.
func BlankDetails(digests [][]byte, by string) (details []string) {
	begin := by + " " + erasedWord
	each := (maxDetail + 1 - len(begin)) / (2*len(mark{}) + 1)
	for some := range slices.Chunk(digests, max(each, 1)) {
		names := make([]string, len(some))
		for i, d := range some {
			m := markOf(d)
			names[i] = hex.EncodeToString(m[:])
		}
		details = append(details, begin+strings.Join(names, ","))
	}
	return details
}

// blanks are the marks that a BLANK names.
func blanks(detail string) (marks []mark) {
	for name := range strings.SplitSeq(word(detail, erasedWord), ",") {
		if octets, err := hex.DecodeString(name); err == nil && len(octets) == len(mark{}) {
			marks = append(marks, mark(octets))
		}
	}
	return marks
}

// told is what entries tell of the log itself, and what they have to tell of yet.
type told struct {
	pruned      int64 // the last entry that a PRUNE tells of
	prunedByKey bool  // a holder of the key tells that the chain was pruned up to From
	otherFrom   bool  // one tells of another hash of From
	blank       map[mark]int64
}

// blanked notes an entry whose external id is gone. A BLANK tells of it further on.
func (t *told) blanked(s Sealed) {
	if t.blank == nil {
		t.blank = map[mark]int64{}
	}
	t.blank[markOf(s.Digest)] = s.Sequence
}

// Waits takes an entry that is not sealed yet, for what it tells of the log.
func (v *Verifier) Waits(r Record) { v.tell(r, 0) }

// tell takes what an entry tells of the log. sequence is 0 where it is not sealed.
func (v *Verifier) tell(r Record, sequence int64) {
	if r.Action != Prune && r.Action != Blank || r.Outcome != registration.AuditOK {
		return
	}
	byKey := v.settings.Key != nil && hmac.Equal(r.mac(v.settings.Key), r.MAC)
	unkeyed := v.settings.Key == nil || 0 < sequence && sequence < v.settings.KeyedFrom
	if !byKey && !unkeyed {
		return
	}
	if r.Action == Blank {
		for _, m := range blanks(r.Detail) {
			delete(v.told.blank, m)
		}
		return
	}
	through, from := pruned(r.Detail), v.settings.From
	if last := v.head.Sequence; through.Sequence > last || through.Sequence == sequence {
		return // of what was not there yet
	}
	if through.Sequence == from.Sequence && through.Hash != from.Hash {
		v.told.otherFrom = true
		return
	}
	v.told.pruned = max(v.told.pruned, through.Sequence)
	v.told.prunedByKey = v.told.prunedByKey || byKey && through.Sequence >= from.Sequence
}

// settled says whether entries have told of all that they have to tell of.
func (v *Verifier) settled() bool {
	return v.told.pruned >= v.settings.From.Sequence && len(v.told.blank) == 0
}

// endTold looks at what no entry tells of.
func (v *Verifier) endTold() *Break {
	none := "no entry"
	if v.settings.Key != nil {
		none = "no entry by a holder of the key"
	}
	from := v.settings.From.Sequence
	switch {
	case v.told.otherFrom:
		return &Break{from, Edited, "where the chain was pruned, its hash is another than that which the entry tells that was written then"}
	case v.told.pruned < from:
		v.report.Unvouched = true
		return &Break{v.told.pruned + 1, Cut, fmt.Sprintf("it is gone, with all up to %d, and %s tells that they were pruned", from, none)}
	case len(v.told.blank) == 0:
		return nil
	}
	var at []int64
	for _, sequence := range v.told.blank {
		at = append(at, sequence)
	}
	slices.Sort(at)
	v.report.Blanked, v.report.BlankedAt = int64(len(at)), at[:min(len(at), gapsTold)]
	return &Break{at[0], Edited, "its external id is gone, and " + none + " tells that it was erased"}
}
