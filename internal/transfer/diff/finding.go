package diff

// Kind is what is found of somebody.
type Kind string

// The kinds. Erased and Ahead are no differences.
const (
	Missing   Kind = "missing"   // in the table, and not in the store
	Refused   Kind = "refused"   // likewise, by a row that an import would refuse
	Extra     Kind = "extra"     // in the store under the caller's name, and not in the table
	Keyless   Kind = "keyless"   // in the store under the caller's name without an external id
	Differing Kind = "differing" // in both, and not the same
	Erased    Kind = "erased"    // in the table; in the store the person was erased
	Ahead     Kind = "ahead"     // in both; the store's has gone on since: verified, active, consent withdrawn
)

// Kinds are all of them, in the order in which they are told.
func Kinds() []Kind { return []Kind{Missing, Refused, Extra, Keyless, Differing, Erased, Ahead} }

// Different says whether such a finding is a difference.
func (k Kind) Different() bool { return k != Erased && k != Ahead }

// Finding is what is found of one person.
type Finding struct {
	Kind Kind
	// Key is the external id. Of Keyless it is the registration's id, and of a row
	// that has no external id where the row is.
	Key string
	// Fields are those that differ or are ahead, as mapping files call them. Of
	// Refused, and of somebody in the store whose row would be refused, they are
	// the rules that refuse it.
	Fields []string
}
