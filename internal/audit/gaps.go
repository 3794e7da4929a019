package audit

import (
	"encoding/hex"
	"slices"

	"registrar/internal/registration"
)

// writers are the numbers that entries have, by writer. They come in about
// their order: what is kept of a writer is how far it is whole, and what came
// before its turn.
type writers struct {
	pruned bool // what came before is not known
	of     map[registration.ID]*numbers
}

type numbers struct {
	start int64 // up to it nothing is known
	whole int64 // all up to it are there
	runs  []run // behind whole, in order and apart from each other
}

type run struct {
	first, last int64
	at          int64 // the entry of first
}

// note says whether an entry's number is new.
func (w *writers) note(s Sealed) bool {
	if w.of == nil {
		w.of = map[registration.ID]*numbers{}
	}
	n := w.of[s.Writer]
	if n == nil {
		n = &numbers{}
		if w.pruned {
			n.start, n.whole = s.Number-1, s.Number-1
		}
		w.of[s.Writer] = n
	}
	return n.add(s.Number, s.Sequence)
}

func (n *numbers) add(number, at int64) bool {
	if number <= n.whole {
		return number <= n.start
	}
	i, there := slices.BinarySearchFunc(n.runs, number, func(r run, number int64) int { return int(r.first - number) })
	switch {
	case there:
		return false
	case i > 0 && n.runs[i-1].last >= number:
		return false
	case i > 0 && n.runs[i-1].last == number-1:
		n.runs[i-1].last = number
		i--
	case i < len(n.runs) && n.runs[i].first == number+1:
		n.runs[i].first, n.runs[i].at = number, at
	default:
		n.runs = slices.Insert(n.runs, i, run{number, number, at})
	}
	if i+1 < len(n.runs) && n.runs[i].last+1 == n.runs[i+1].first {
		n.runs[i].last = n.runs[i+1].last
		n.runs = slices.Delete(n.runs, i+1, i+2)
	}
	if len(n.runs) > 0 && n.runs[0].first == n.whole+1 {
		n.whole = n.runs[0].last
		n.runs = slices.Delete(n.runs, 0, 1)
	}
	return true
}

// gapsTold is how many gaps are told one by one.
const gapsTold = 20

func (w *writers) gaps() (missing, count int64, first []Gap) {
	for id, n := range w.of {
		after := n.whole
		for _, r := range n.runs {
			missing += r.first - after - 1
			count++
			first = append(first, Gap{hex.EncodeToString(id[:]), after + 1, r.first - 1, r.at})
			after = r.last
		}
	}
	slices.SortFunc(first, func(a, b Gap) int { return int(a.Before - b.Before) })
	return missing, count, first[:min(len(first), gapsTold)]
}
