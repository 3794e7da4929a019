package registration

import "strings"

// Login is what a login may name an account by: one that nobody can have
// included, so that all are looked for alike.
type Login struct {
	Username string // canonical
	Email    string // canonical
	// Key is the same for all spellings of a login.
	Key string
}

// noLogin begins the key of a login that no account can have. No canonical key
// holds such a character.
const noLogin = "\x00"

// login reads a user name or an e-mail address. What is both is an address
// first: a user name with an at sign in it is its account's own address.
func (rules Rules) login(text string) Login {
	username, noUsername := ParseUsername(text)
	email, noEmail := ParseEmail(text, rules.DomainToASCII)
	if noEmail != nil && noUsername == nil && strings.ContainsRune(username.Key, '@') {
		email, noEmail = ParseEmail(username.Key, rules.DomainToASCII) // of other signs in the same meaning
	}
	switch {
	case noEmail == nil && noUsername == nil:
		return Login{Username: username.Key, Email: email.Key, Key: email.Key}
	case noEmail == nil:
		return Login{Username: email.Key, Email: email.Key, Key: email.Key}
	case noUsername == nil:
		return Login{Username: username.Key, Email: noLogin + username.Key, Key: username.Key}
	default:
		key := noLogin + text
		return Login{Username: key, Email: key, Key: key}
	}
}
