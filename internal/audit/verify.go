package audit

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"registrar/internal/registration"
)

// Kind is what was most likely done to the chain.
type Kind string

// The kinds.
const (
	Edited    Kind = "edited"    // an entry says something else than when it was sealed
	Cut       Kind = "cut"       // entries are missing
	Inserted  Kind = "inserted"  // there are entries that were not sealed at their place
	Reordered Kind = "reordered" // entries are at others' places
)

// Break is the first place where the chain is not what was sealed. The place is
// sure, and the kind what explains it most simply.
type Break struct {
	Sequence int64
	Kind     Kind
	Why      string // a sentence, without what is in the entries
}

// String tells it in a sentence.
func (b *Break) String() string {
	return fmt.Sprintf("audit: the chain is broken at entry %d: %s: %s", b.Sequence, b.Kind, b.Why)
}

// Settings of a Verifier.
type Settings struct {
	// From is where the chain was pruned; the zero Head where it was not.
	From Head
	// Kept are heads that were kept elsewhere.
	Kept []Head
	// Key is the writers' key; nil leaves MACs alone.
	Key []byte
	// KeyedFrom is the first entry from which on each must have a right MAC. With
	// 0, those that have one are checked.
	KeyedFrom int64
}

// Verifier reads the chain from its beginning, an entry after the other. What it
// keeps in memory grows with the number of writers and gaps, and not with that of
// the entries.
type Verifier struct {
	settings Settings
	head     Head
	before   Head    // of the entry that head is of
	suspect  *Sealed // does not follow; what comes behind it says of which kind that is
	broken   *Break
	report   Report
	writers  writers
	pruned   int64 // the last entry that a PRUNE tells of
}

// Report is what a Verifier has seen.
type Report struct {
	Head    Head
	Entries int64
	Erased  int64 // entries whose external id was erased
	// Unkeyed entries have no MAC, LastUnkeyed being the last; told with a key only.
	Unkeyed, LastUnkeyed int64
	// Missing are numbers of writers that no entry has, in so many Gaps. See the
	// package comment for what they may mean.
	Missing, Gaps int64
	// GapsAt are the first few of them.
	GapsAt []Gap
	// Unvouched: the chain begins behind From, and no entry tells of that.
	Unvouched bool
}

// Gap is a run of numbers of one writer that no entry has.
type Gap struct {
	Writer      string // its id, in hexadecimal digits
	First, Last int64
	Before      int64 // the entry that came behind it
}

// NewVerifier makes a Verifier.
func NewVerifier(s Settings) *Verifier {
	s.Kept = slices.Clone(s.Kept)
	slices.SortFunc(s.Kept, func(a, b Head) int { return int(a.Sequence - b.Sequence) })
	v := &Verifier{settings: s, head: s.From}
	v.writers.pruned = s.From.Sequence > 0
	return v
}

// Next takes the next entry of the chain, and gives the first place where it is
// broken, once that is known: what comes behind it is not looked at any more.
func (v *Verifier) Next(s Sealed) *Break {
	switch {
	case v.broken != nil:
		return v.broken
	case v.suspect != nil:
		v.broken = v.classify(*v.suspect, &s)
		return v.broken
	case s.Sequence != v.head.Sequence+1:
		v.broken = &Break{v.head.Sequence + 1, Cut, fmt.Sprintf("the next entry that is there is %d", s.Sequence)}
		return v.broken
	case s.Previous != v.head.Hash || !s.sealedAt(s.Sequence):
		v.suspect = &s
		return nil
	}
	if v.broken = v.check(s); v.broken != nil {
		return v.broken
	}
	if !v.writers.note(s) {
		v.broken = &Break{s.Sequence, Inserted, "an entry before it has the same number of the same writer"}
		return v.broken
	}
	v.before, v.head = v.head, s.Head()
	v.report.Entries++
	if s.Action == Prune && s.Outcome == "OK" {
		v.pruned = max(v.pruned, PrunedThrough(s.Detail))
	}
	return nil
}

// check looks at what an entry says besides its place in the chain.
func (v *Verifier) check(s Sealed) *Break {
	switch {
	case s.ExternalID != "" && subtle.ConstantTimeCompare(digest(s.Salt, s.ExternalID), s.Digest) != 1:
		return &Break{s.Sequence, Edited, "its external id is another than when it was written"}
	case s.Erased():
		v.report.Erased++
	}
	if i := slices.IndexFunc(v.settings.Kept, func(h Head) bool { return h.Sequence == s.Sequence }); i >= 0 && v.settings.Kept[i].Hash != s.Hash {
		return &Break{s.Sequence, Edited, "its hash is another than that which was kept: this entry, or one before it, was changed, and all hashes from there on made anew"}
	}
	return v.checkMAC(s)
}

func (v *Verifier) checkMAC(s Sealed) *Break {
	must := v.settings.KeyedFrom > 0 && s.Sequence >= v.settings.KeyedFrom
	switch {
	case v.settings.Key == nil, v.settings.KeyedFrom > 0 && !must:
		return nil
	case len(s.MAC) == 0 && must:
		return &Break{s.Sequence, Inserted, "it has no MAC, and was not written by a holder of the key"}
	case len(s.MAC) == 0:
		v.report.Unkeyed, v.report.LastUnkeyed = v.report.Unkeyed+1, s.Sequence
		return nil
	case !hmac.Equal(s.mac(v.settings.Key), s.MAC):
		return &Break{s.Sequence, Edited, "its MAC is not that of a holder of the key"}
	default:
		return nil
	}
}

// End is to be called behind the last entry. pending are the actions that are
// not sealed yet; it gives the break that only the end shows, nil for none.
func (v *Verifier) End(pending ...Entry) *Break {
	if v.broken == nil && v.suspect != nil {
		v.broken = v.classify(*v.suspect, nil)
	}
	if v.broken != nil {
		return v.broken
	}
	for _, h := range v.settings.Kept {
		switch {
		case h.Sequence == v.settings.From.Sequence && h.Hash != v.settings.From.Hash:
			v.broken = &Break{h.Sequence, Edited, "where the chain was pruned, its hash is another than that which was kept"}
			return v.broken
		case h.Sequence > v.head.Sequence:
			v.broken = &Break{v.head.Sequence + 1, Cut, fmt.Sprintf("the chain ends here, and a head of %d was kept", h.Sequence)}
			return v.broken
		}
	}
	for _, e := range pending {
		if e.Action == Prune {
			v.pruned = max(v.pruned, PrunedThrough(e.Detail))
		}
	}
	v.report.Unvouched = v.pruned < v.settings.From.Sequence
	return nil
}

// Report gives what was seen so far.
func (v *Verifier) Report() Report {
	r := v.report
	r.Head = v.head
	r.Missing, r.Gaps, r.GapsAt = v.writers.gaps()
	return r
}

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

const through = "through="

// PruneDetail is the Detail of a PRUNE's entry.
func PruneDetail(last Head, by string) string {
	return through + strconv.FormatInt(last.Sequence, 10) + " hash=" + last.Hash.String() + " " + by
}

// PrunedThrough is the last entry that a PRUNE tells of; 0 where it is none.
func PrunedThrough(detail string) int64 {
	for word := range strings.FieldsSeq(detail) {
		if number, ok := strings.CutPrefix(word, through); ok {
			n, _ := strconv.ParseInt(number, 10, 64) // 0 where it is none
			return n
		}
	}
	return 0
}

// Chain is what a verification reads.
type Chain interface {
	Reader
	// Ends gives where the chain was pruned, the zero Head where it was not, and
	// its last entry.
	Ends(ctx context.Context) (from, to Head, err error)
}

// Verify reads the whole chain, and what is not sealed yet as far as it tells of
// the chain. broken is nil where the chain is whole. progress, which may be nil, is
// told of entries as they are read. s.From is the chain's own.
func Verify(ctx context.Context, c Chain, s Settings, progress func(read int)) (broken *Break, r Report, err error) {
	if s.From, _, err = c.Ends(ctx); err != nil {
		return nil, r, err
	}
	v := NewVerifier(s)
	for after := s.From.Sequence; ; {
		entries, err := c.Sealed(ctx, Filter{}, after, page)
		if err != nil {
			return nil, v.Report(), err
		}
		for _, e := range entries {
			after = e.Sequence
			if broken := v.Next(e); broken != nil {
				return broken, v.Report(), nil
			}
		}
		if progress != nil {
			progress(len(entries))
		}
		if len(entries) < page {
			break
		}
	}
	pruned, err := c.Pending(ctx, Filter{Action: Prune}, registration.ID{}, page)
	if err != nil {
		return nil, v.Report(), err
	}
	told := make([]Entry, len(pruned))
	for i, p := range pruned {
		told[i] = p.Entry
	}
	broken = v.End(told...)
	return broken, v.Report(), nil
}
