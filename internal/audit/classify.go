package audit

import "fmt"

// nearby is how far from its place an entry is looked for.
const nearby = 20_000

// classify says what explains an entry that does not follow. next is the one
// behind it, nil for none.
func (v *Verifier) classify(s Sealed, next *Sealed) *Break {
	edited := &Break{s.Sequence, Edited, "it is not what its hash was made of"}
	if s.Previous == v.head.Hash {
		if next != nil && next.Previous == v.head.Hash && next.sealedAt(s.Sequence) {
			return &Break{s.Sequence, Inserted, fmt.Sprintf("the entry that was sealed at this place is at %d now", next.Sequence)}
		}
		return edited
	}
	at, known := s.sealedNear()
	follows := func(sequence int64) bool { return next == nil || next.sealedAt(sequence) }
	switch {
	case known && at == s.Sequence: // whole, and behind another one than it was sealed behind
		place := max(1, v.head.Sequence)
		if v.before.Sequence == 0 && v.head == v.settings.From {
			place = s.Sequence
		}
		return &Break{place, Edited, "it is another than that which the entry behind it was sealed to, and has a hash of its own"}
	case known && at > s.Sequence && follows(at+1):
		return &Break{s.Sequence, Cut, fmt.Sprintf("the entry that is here was sealed as %d, and those behind it are numbered anew", at)}
	case known && at < s.Sequence && follows(at+1):
		return &Break{at, Inserted, fmt.Sprintf("the entry that was sealed as %d is at %d now", at, s.Sequence)}
	case known:
		return &Break{s.Sequence, Reordered, fmt.Sprintf("the entry that is here was sealed as %d", at)}
	default:
		return edited
	}
}

// sealedNear is where an entry was sealed, as it is now.
func (s Sealed) sealedNear() (sequence int64, known bool) {
	for d := range int64(nearby) {
		for _, at := range []int64{s.Sequence + d, s.Sequence - d} {
			if at > 0 && s.sealedAt(at) {
				return at, true
			}
		}
	}
	return 0, false
}
