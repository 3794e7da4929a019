package diff

import (
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// Comparer compares what a mapping makes of a row with somebody in the store.
type Comparer struct {
	// Compares says which fields the table says something of.
	Compares func(field string) bool
	// Yield is the Mapper's: an import may have stored somebody under other keys.
	Yield func(transfer.Mapped, transfer.Taken) transfer.Mapped
	// Names gives the names of somebody in the store as the mapping would read them
	// of the table, false where the table has a column for each. Names that are the
	// same so are the same: where a full name is parted the table does not say. nil
	// is for tables with two columns.
	Names func(registration.Profile) (first, last string, ok bool)
	// OwnHash says whether a hash is of the algorithm that the service makes them
	// by.
	OwnHash func(hash string) bool
}

// Comparison is how somebody in the store stands to the table.
type Comparison struct {
	Differ []string
	Ahead  []string
	// Rehashed: the password's hash is another one, and the service's own: made at
	// a login, or by Register. That the passwords are the same is not known.
	Rehashed bool
}

// clockTolerance is how far apart the two systems' clocks, and the moments at
// which both wrote down that somebody registered, may be.
const clockTolerance = 5 * time.Minute

// fieldPassword is left out of Ahead: after some time it is everybody's.
const fieldPassword = "password_hash"

// Compare compares somebody whom the mapping does not refuse.
func (c Comparer) Compare(m transfer.Mapped, stored transfer.Person) Comparison {
	result := c.compare(m.Person, stored)
	if sameKeys(m.Person, stored) {
		return result
	}
	for _, taken := range []transfer.Taken{{Username: true}, {Email: true}, {Username: true, Email: true}} {
		if other := c.Yield(m, taken); !other.Refused() && sameKeys(other.Person, stored) {
			return c.compare(other.Person, stored)
		}
	}
	return result
}

// sameKeys says whether a person has the user name and address that are stored.
func sameKeys(p, stored transfer.Person) bool {
	return p.Account.Username.Key == stored.Account.Username.Key && emailKey(p.Account) == emailKey(stored.Account)
}

// emailKey is "" for an account without an address.
func emailKey(a registration.Account) string {
	if a.Email.Text == "" {
		return ""
	}
	return a.Email.Key
}

// standing is how the store's value of a field is to the table's.
type standing int

const (
	same standing = iota
	different
	ahead
)

func standingOf(equal bool) standing {
	if equal {
		return same
	}
	return different
}

// moved is the standing of what can only become true with time.
func moved(table, store bool) standing {
	if store && !table {
		return ahead
	}
	return standingOf(table == store)
}

// fullNames are Names of those whose names are not the table's as they are.
func (c Comparer) fullNames(table, stored registration.Profile) (first, last string, ok bool) {
	if c.Names == nil || table.FirstName == stored.FirstName && table.LastName == stored.LastName {
		return "", "", false
	}
	return c.Names(stored)
}

func (c Comparer) compare(p, stored transfer.Person) (result Comparison) {
	a, b := p.Account, stored.Account
	hash := standingOf(a.PasswordHash == b.PasswordHash)
	if hash == different && b.PasswordHash != "" && c.OwnHash(b.PasswordHash) {
		hash = same
		result.Rehashed = c.Compares(fieldPassword)
	}
	names := stored.Profile
	if first, last, ok := c.fullNames(p.Profile, names); ok {
		names.FirstName, names.LastName = first, last
	}
	registered := same // the table says nothing of somebody's time, or the import's own was taken
	if !a.RegisteredAt.IsZero() {
		registered = standingOf(a.RegisteredAt.Sub(b.RegisteredAt).Abs() <= clockTolerance)
	}
	for _, f := range []struct {
		name     string
		standing standing
	}{
		{"username", standingOf(a.Username.Key == b.Username.Key)},
		{"email", standingOf(emailKey(a) == emailKey(b))},
		{"email_verified_at", moved(!a.EmailVerifiedAt.IsZero(), !b.EmailVerifiedAt.IsZero())},
		{"mobile", standingOf(a.Mobile == b.Mobile)},
		{"mobile_verified_at", moved(!a.MobileVerifiedAt.IsZero(), !b.MobileVerifiedAt.IsZero())},
		{fieldPassword, hash},
		{"first_name", standingOf(p.Profile.FirstName == names.FirstName)},
		{"last_name", standingOf(p.Profile.LastName == names.LastName)},
		{"locale", standingOf(p.Profile.Locale == stored.Profile.Locale)},
		{"marketing_consent", moved(!p.Profile.MarketingConsent, !stored.Profile.MarketingConsent)}, // it can be withdrawn here, and not given
		{"status", moved(a.Status == registration.Active, b.Status == registration.Active)},
		{"registered_at", registered},
	} {
		switch {
		case f.standing == same || !c.Compares(f.name):
		case f.standing == ahead:
			result.Ahead = append(result.Ahead, f.name)
		default:
			result.Differ = append(result.Differ, f.name)
		}
	}
	return result
}
