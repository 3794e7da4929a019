package transfer

import "registrar/internal/registration"

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
