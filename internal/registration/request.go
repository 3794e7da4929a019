package registration

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Request is what a caller asks Register for, as it came. "" is absent.
type Request struct {
	Caller           string // the authenticated system; "" where callers are not authenticated
	RequestID        string
	Username         string
	Email            string
	Password         string
	FirstName        string
	LastName         string
	MobileNumber     string
	Locale           string
	MarketingConsent bool
	ExternalID       string
	TraceParent      string // W3C Trace Context; travels with the notifications
	Call             Call
	// What follows is the caller's policy, and not part of what makes a request the same.
	Silent   bool // nobody is told of this registration
	Verified bool // the caller has verified the contacts
	// EnumerationSafe: the caller is not told that an e-mail address is taken.
	EnumerationSafe bool
	// Shadow: nothing is kept, and what it comes to is compared with CallerOutcome.
	Shadow bool
	// CallerOutcome is what the request came to at the caller: Registered or a
	// Code; "" for not told. Without Shadow it is refused.
	CallerOutcome string
	// Refused is what broke the schema already, in shadow mode. Such a request
	// is refused, whatever is left of it.
	Refused []FieldError
}

// Rules is what the rules of a request need from outside the domain.
type Rules struct {
	// DomainToASCII gives the IDNA ASCII form of a domain name (RFC 5891).
	DomainToASCII func(domain string) (string, error)
	// ParseMobile reads any common spelling of a mobile number into E.164.
	ParseMobile func(number string) (Mobile, error)
	// CheckPassword gives the rule of the password policy that is broken, or
	// nil. Its Field is "password".
	CheckPassword func(password string, personal Personal) *FieldError
	// DefaultLocale is for requests that name none; BCP 47.
	DefaultLocale string
}

// Personal is what a password must not be like. "" is absent; the values are
// as they came, also those that are themselves refused.
type Personal struct {
	Username  string
	Email     string
	FirstName string
	LastName  string
}

// maxLocale is the contract's longest language tag, in characters.
const maxLocale = 35

// valid is a request whose every field has passed.
type valid struct {
	username Username
	email    Email
	mobile   Mobile
	locale   string
}

// Check gives everything that is wrong with r, in the order of the contract's
// elements. It has no effect and asks nobody.
func (rules Rules) Check(r Request) []FieldError {
	_, wrong := rules.check(r)
	return wrong
}

func (rules Rules) check(r Request) (v valid, wrong []FieldError) {
	note := func(e *FieldError) {
		if e != nil {
			wrong = append(wrong, *e)
		}
	}
	var e *FieldError
	v.username, e = ParseUsername(r.Username)
	note(e)
	var emailError *FieldError
	v.email, emailError = ParseEmail(r.Email, rules.DomainToASCII)
	if e == nil && emailError == nil && strings.ContainsRune(v.username.Key, '@') && !rules.sameAddress(r.Username, v.email) {
		note(&FieldError{"username", "OTHER_ADDRESS", "is an e-mail address other than the account's own"})
	}
	note(emailError)
	note(rules.CheckPassword(r.Password, Personal{r.Username, r.Email, r.FirstName, r.LastName}))
	note(checkName("firstName", r.FirstName))
	note(checkName("lastName", r.LastName))
	if r.MobileNumber != "" {
		mobile, err := rules.ParseMobile(r.MobileNumber)
		if err != nil {
			note(&FieldError{"mobileNumber", "FORMAT", "is not a telephone number that can receive SMS; write it as +COUNTRY NUMBER"})
		}
		v.mobile = mobile
	}
	v.locale = rules.DefaultLocale
	if r.Locale != "" {
		v.locale, e = canonicalLocale(r.Locale)
		note(e)
	}
	if !utf8.ValidString(r.ExternalID) || strings.ContainsFunc(r.ExternalID, unicode.IsControl) {
		note(&FieldError{"externalId", "CHARACTERS", "holds a control character"})
	}
	return v, wrong
}

func (rules Rules) sameAddress(username string, email Email) bool {
	other, wrong := ParseEmail(username, rules.DomainToASCII)
	return wrong == nil && other.Key == email.Key
}

// checkName refuses what would break or turn a line in a mail header or an SMS,
// and names that nobody can see. Length is the schema's.
func checkName(field, name string) *FieldError {
	switch {
	case name == "":
		return nil
	case !utf8.ValidString(name), strings.ContainsFunc(name, breaksLine):
		return &FieldError{field, "CHARACTERS", "holds a control character"}
	case strings.TrimSpace(visible(name)) == "":
		return &FieldError{field, "BLANK", "has no visible character"}
	default:
		return nil
	}
}

// breaksLine says whether r ends a line or overrides the writing direction of
// what follows it. Other directional marks are common in copied Arabic text.
func breaksLine(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == '\u202d' || r == '\u202e'
}

// fingerprint tells a repeated request from another one. The password is not
// in it: a repeated one is verified against the account's stored hash instead,
// so that the fingerprint gives nobody a fast way to guess passwords.
func (r Request) fingerprint() [32]byte {
	h := sha256.New()
	for _, s := range []string{r.Username, r.Email, r.FirstName, r.LastName, r.MobileNumber, r.Locale, r.ExternalID} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	if r.MarketingConsent {
		h.Write([]byte{1})
	} else {
		h.Write([]byte{0})
	}
	return [32]byte(h.Sum(nil))
}
