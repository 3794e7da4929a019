package transfer

import (
	"time"

	"registrar/internal/registration"
)

// Person is somebody as the monolith's table has them, in the domain's terms.
// Account.ID is the Importer's, and zero before. Where there is no e-mail address,
// Email is the zero Email; see EmailKey. Without a password PasswordHash is "",
// which no password matches.
type Person struct {
	Account registration.Account
	Profile registration.Profile
}

// EmailKey is what stands in the store as the key of a person's e-mail address: of
// somebody who has none the text of the account's id, which is no address, since
// it has no at sign. So the column stays unique and never empty.
func EmailKey(a registration.Account) string {
	if a.Email.Text == "" {
		return a.ID.String()
	}
	return a.Email.Key
}

// Difference is a field in which two people differ. It holds no values.
type Difference string

// Differences names the fields, as mapping files call them, in which somebody in
// the store differs from what the monolith's table makes of them. Of the times
// when contacts were verified it only matters whether there is one. Hashes are not
// compared: the store's is another one after the first login. known says which
// fields the mapping sets at all; others are nobody's business.
func (p Person) Differences(stored Person, known func(field string) bool) []Difference {
	a, b := p.Account, stored.Account
	fields := []struct {
		name string
		same bool
	}{
		{"username", a.Username.Key == b.Username.Key},
		{"email", EmailKey(registration.Account{Email: a.Email}) == EmailKey(registration.Account{Email: b.Email})},
		{"email_verified_at", a.EmailVerifiedAt.IsZero() == b.EmailVerifiedAt.IsZero()},
		{"mobile", a.Mobile == b.Mobile},
		{"mobile_verified_at", a.MobileVerifiedAt.IsZero() == b.MobileVerifiedAt.IsZero()},
		{"first_name", p.Profile.FirstName == stored.Profile.FirstName},
		{"last_name", p.Profile.LastName == stored.Profile.LastName},
		{"locale", p.Profile.Locale == stored.Profile.Locale},
		{"marketing_consent", p.Profile.MarketingConsent == stored.Profile.MarketingConsent},
		{"status", a.Status == b.Status},
		{"registered_at", a.RegisteredAt.Truncate(time.Second).Equal(b.RegisteredAt.Truncate(time.Second))},
	}
	var differ []Difference
	for _, f := range fields {
		if !f.same && known(f.name) {
			differ = append(differ, Difference(f.name))
		}
	}
	return differ
}
