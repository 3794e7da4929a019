package transfer

import (
	"slices"
	"strings"
)

// Rule names what can be wrong with a row. Mapping files, reports and files of
// rejects have the same names.
type Rule string

// The rules.
const (
	RowUnreadable     Rule = "row_unreadable"      // no row can be made of what the source has there
	ValueInvalid      Rule = "value_invalid"       // a transform or a field cannot read a value
	ExternalIDInvalid Rule = "external_id_invalid" // none, longer than 64 characters, or with control characters
	UsernameMissing   Rule = "username_missing"
	UsernameInvalid   Rule = "username_invalid" // breaks a rule of Register, or is somebody else's address
	UsernameTaken     Rule = "username_taken"   // by somebody in the store, or in a row before; letter case makes no difference
	EmailMissing      Rule = "email_missing"
	EmailInvalid      Rule = "email_invalid" // breaks a rule of Register
	EmailTaken        Rule = "email_taken"   // as UsernameTaken
	NameTooLong       Rule = "name_too_long" // more than 30 characters
	NameInvalid       Rule = "name_invalid"  // control characters, or nothing that can be seen
	MobileInvalid     Rule = "mobile_invalid"
	LocaleInvalid     Rule = "locale_invalid"
	PasswordMissing   Rule = "password_missing"
	PasswordUnusable  Rule = "password_unusable" // a hash of an unknown format, or one that costs too much to verify
	Erased            Rule = "erased"            // the person had their data erased
)

// rules are all of them.
var rules = []Rule{
	RowUnreadable, ValueInvalid, ExternalIDInvalid, UsernameMissing, UsernameInvalid, UsernameTaken, EmailMissing, EmailInvalid, EmailTaken,
	NameTooLong, NameInvalid, MobileInvalid, LocaleInvalid, PasswordMissing, PasswordUnusable, Erased,
}

// IsReason says whether a text is a Reject's Reason: it begins with the name of a rule.
func IsReason(text string) bool {
	name := text
	if i := strings.IndexAny(text, " :;"); i >= 0 {
		name = text[:i]
	}
	return slices.Contains(rules, Rule(name))
}

// Action is what is done with a row that a rule applies to.
type Action string

// The actions.
const (
	Refuse     Action = "refuse"      // the row is not stored
	Keep       Action = "keep"        // it is stored as it is
	Drop       Action = "drop"        // without this value
	Truncate   Action = "truncate"    // with as much of the value as there is room for
	Default    Action = "default"     // with the configured default
	ExternalID Action = "external_id" // with a name that is made of the external id
	NoPassword Action = "no_password" // without a password: nobody can sign in before one is set
)

// Finding is one thing that is wrong with a row. It tells nothing of the row's
// content.
type Finding struct {
	Rule   Rule
	Action Action
	Field  string // of the mapping; "" for the whole row
	Why    string // English, for a person; "" where the rule's name says it all
}

func (f Finding) String() string {
	s := string(f.Rule)
	if f.Field != "" {
		s += " (" + f.Field + ")"
	}
	if f.Why != "" {
		s += ": " + f.Why
	}
	return s
}

// Taken says which keys of a person somebody else has.
type Taken struct{ Username, Email bool }

// Mapped is what a mapping makes of a row.
type Mapped struct {
	Person   Person
	Findings []Finding // in the order of the fields
}

// Refused says whether the row is not to be stored: then Person is not complete.
func (m Mapped) Refused() bool {
	return slices.ContainsFunc(m.Findings, func(f Finding) bool { return f.Action == Refuse })
}

// Mapper makes people of rows. It may be used by several goroutines at once.
type Mapper interface {
	Map(row Row) Mapped
	// Yield says what becomes of somebody some of whose keys are taken: refused,
	// or with other keys.
	Yield(m Mapped, taken Taken) Mapped
}
