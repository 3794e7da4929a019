package audit

import (
	"fmt"
	"strings"
)

const prunedMark = "pruned"

// PrunedLine is how the last entry that a pruning removes is kept elsewhere,
// beside heads. ParseKept reads it.
func PrunedLine(last Head) string { return last.String() + " " + prunedMark }

// ParseKept reads the form of Head.String, or that of PrunedLine.
func ParseKept(line string) (h Head, pruned bool, err error) {
	text, pruned := strings.CutSuffix(strings.TrimSpace(line), " "+prunedMark)
	h, err = ParseHead(text)
	return h, pruned, err
}

// keep takes the heads that the chain is to be compared with.
func (v *Verifier) keep(lists ...[]Head) {
	v.kept = map[int64][]Hash{}
	for _, heads := range lists {
		for _, h := range heads {
			v.kept[h.Sequence] = append(v.kept[h.Sequence], h.Hash)
			v.report.Kept++
			if h.Sequence < v.settings.From.Sequence {
				v.report.Before++
			}
		}
	}
}

// compare says whether an entry's hash is what was kept of it.
func (v *Verifier) compare(h Head) bool {
	for _, hash := range v.kept[h.Sequence] {
		if hash != h.Hash {
			return false
		}
		v.report.Compared++
	}
	return true
}

// endKept looks at the heads of which there is no entry.
func (v *Verifier) endKept() *Break {
	if from := v.settings.From; from.Sequence > 0 && !v.compare(from) {
		return &Break{from.Sequence, Edited, "where the chain was pruned, its hash is another than that which was kept"}
	}
	var last int64
	for sequence := range v.kept {
		last = max(last, sequence)
	}
	if last > v.head.Sequence {
		return &Break{v.head.Sequence + 1, Cut, fmt.Sprintf("the chain ends here, and a head of %d was kept", last)}
	}
	return nil
}

// doubt says what the heads leave open: they are of entries that were pruned,
// and an entry that tells of a pruning is made up easily, but by the key.
func (v *Verifier) doubt() string {
	r, from := v.report, v.settings.From.Sequence
	known := v.told.prunedByKey
	for _, h := range v.settings.Pruned {
		known = known || h.Sequence >= from
	}
	switch {
	case r.Before == 0:
		return ""
	case r.Compared == 0:
		return fmt.Sprintf("all heads that were given are from before entry %d, where the chain was pruned, and nothing could be compared: give a head that was kept since, or the line that registrar audit prune printed then", from)
	case !known:
		return fmt.Sprintf("%d of the %d heads that were given are from before entry %d, where the chain was pruned, and none of the others says that it was to be: add the line that registrar audit prune printed then, %d:HASH %s. Where nobody has pruned, the beginning was cut off", r.Before, r.Kept, from, from, prunedMark)
	default:
		return ""
	}
}
