package password

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"registrar/internal/registration"
)

// MinLength is the least minimum length that a Policy may have, in code points
// (NIST SP 800-63B section 3.1.1.2, for passwords beside another factor).
const MinLength = 8

// Policy says which passwords are acceptable, after NIST SP 800-63B section
// 3.1.1.2: length, a blocklist, and likeness to what is known of the person;
// no rule about kinds of characters.
type Policy struct {
	minLength int
	maxBytes  int
	blocklist blocklist
}

// The rules that a password can break, in the order in which they are tried.
const (
	TooShort         = "TOO_SHORT"
	TooLongForBcrypt = "TOO_LONG_FOR_BCRYPT"
	Blocklisted      = "BLOCKLISTED" // a common password, or one with a few characters around it
	Predictable      = "PREDICTABLE" // a repeated or a sequential run of characters
	LikeUsername     = "LIKE_USERNAME"
	LikeEmail        = "LIKE_EMAIL"
	LikeName         = "LIKE_NAME"
)

// NewPolicy makes the policy for passwords of at least minLength code points
// (raised to MinLength) that algorithm is to hash. It unpacks the blocklist,
// which takes a few milliseconds.
func NewPolicy(minLength int, algorithm Algorithm) (*Policy, error) {
	list, err := loadBlocklist()
	if err != nil {
		return nil, err
	}
	return &Policy{minLength: max(minLength, MinLength), maxBytes: algorithm.MaxBytes(), blocklist: list}, nil
}

// Check gives the first rule that password breaks, or nil. Its Field is
// "password"; nothing of the password or of personal is in it.
func (p *Policy) Check(password string, personal registration.Personal) *registration.FieldError {
	refuse := func(rule, message string) *registration.FieldError {
		return &registration.FieldError{Field: "password", Rule: rule, Message: message}
	}
	prepared := prepare(password)
	folded := fold(string(prepared))
	switch {
	case utf8.RuneCount(prepared) < p.minLength:
		return refuse(TooShort, fmt.Sprintf("has fewer than %d characters", p.minLength))
	case p.maxBytes > 0 && len(prepared) > p.maxBytes:
		return refuse(TooLongForBcrypt, fmt.Sprintf("is longer than %d bytes, which is all that bcrypt reads", p.maxBytes))
	case p.blocklisted(folded):
		return refuse(Blocklisted, "is one of the most common passwords, or nearly one")
	case predictable(folded):
		return refuse(Predictable, "is a repetition or a sequence of characters")
	case like(folded, personal.Username):
		return refuse(LikeUsername, "is too much like the user name")
	case likeAddress(folded, personal.Email):
		return refuse(LikeEmail, "is too much like the e-mail address")
	case like(folded, personal.FirstName, personal.LastName):
		return refuse(LikeName, "is too much like the person's name")
	default:
		return nil
	}
}

// fold is the form in which passwords are compared with the blocklist and with
// personal values: compatibility variants and letter case do not count.
func fold(s string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(s)))
}

// blocklisted looks folded up as it is, and without the digits and signs at
// its ends as long as these are fewer than what makes a password.
func (p *Policy) blocklisted(folded string) bool {
	if p.blocklist.has(folded) {
		return true
	}
	ornament := func(r rune) bool { return !unicode.IsLetter(r) }
	for _, core := range []string{strings.TrimRightFunc(folded, ornament), strings.TrimLeftFunc(folded, ornament), strings.TrimFunc(folded, ornament)} {
		if core != "" && utf8.RuneCountInString(folded)-utf8.RuneCountInString(core) < enough && p.blocklist.has(core) {
			return true
		}
	}
	return false
}
