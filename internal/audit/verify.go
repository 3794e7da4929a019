package audit

import (
	"crypto/hmac"
	"crypto/subtle"
	"fmt"
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
	// Pruned are heads that were kept elsewhere as the last entries that a
	// pruning was to remove.
	Pruned []Head
	// Key is the writers' key; nil leaves MACs alone.
	Key []byte
	// KeyedFrom is the first entry from which on each must have a right MAC. With
	// 0, those that have one are checked.
	KeyedFrom int64
}

// Verifier reads the chain from its beginning, an entry after the other. What it
// keeps in memory grows with the number of writers and gaps and with that of the
// external ids of whose erasure it has not read yet, and not with that of the entries.
type Verifier struct {
	settings Settings
	head     Head
	before   Head    // of the entry that head is of
	suspect  *Sealed // does not follow; what comes behind it says of which kind that is
	broken   *Break
	report   Report
	writers  writers
	kept     map[int64][]Hash
	told     told
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
	// From is where the chain was pruned; Unvouched: no entry tells of that.
	From      Head
	Unvouched bool
	// Blanked are entries whose external id is gone, of which no erasure tells;
	// BlankedAt are the first few of them.
	Blanked   int64
	BlankedAt []int64
	// Kept are the heads that were given: so many were Compared, and so many not,
	// because they are from Before From.
	Kept, Compared, Before int
	// Doubt is why a chain that is not broken cannot be called whole, with what to
	// do; "" for nothing.
	Doubt string
}

// Gap is a run of numbers of one writer that no entry has.
type Gap struct {
	Writer      string // its id, in hexadecimal digits
	First, Last int64
	Before      int64 // the entry that came behind it
}

// NewVerifier makes a Verifier.
func NewVerifier(s Settings) *Verifier {
	v := &Verifier{settings: s, head: s.From}
	v.writers.pruned = s.From.Sequence > 0
	v.keep(s.Kept, s.Pruned)
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
	v.tell(s.Record, s.Sequence)
	return nil
}

// check looks at what an entry says besides its place in the chain.
func (v *Verifier) check(s Sealed) *Break {
	switch {
	case s.ExternalID != "" && subtle.ConstantTimeCompare(digest(s.Salt, s.ExternalID), s.Digest) != 1:
		return &Break{s.Sequence, Edited, "its external id is another than when it was written"}
	case s.Erased():
		v.report.Erased++
		v.told.blanked(s)
	}
	if !v.compare(s.Head()) {
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

// End is to be called behind the last entry. It gives the break that only the
// end shows, nil for none.
func (v *Verifier) End() *Break {
	if v.broken == nil && v.suspect != nil {
		v.broken = v.classify(*v.suspect, nil)
	}
	if v.broken == nil {
		v.broken = v.endKept()
	}
	if v.broken == nil {
		v.broken = v.endTold()
	}
	if v.broken == nil {
		v.report.Doubt = v.doubt()
	}
	return v.broken
}

// Report gives what was seen so far.
func (v *Verifier) Report() Report {
	r := v.report
	r.Head, r.From = v.head, v.settings.From
	r.Missing, r.Gaps, r.GapsAt = v.writers.gaps()
	return r
}
