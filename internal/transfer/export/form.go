package export

import (
	"slices"
	"time"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// Form says what is written of a person.
type Form interface {
	Columns() []string
	// Row has a value for each of Columns.
	Row(p transfer.Person) []transfer.Value
	// Lost names what somebody has that the row does not say.
	Lost(p transfer.Person, row []transfer.Value) []string
}

// idColumn is in every row: the id that GetRegistration and events know somebody by.
const idColumn = "registration_id"

// Plain is the form without a mapping, which the shipped mapping "plain" reads: a
// column for each field. key is the external id, and else the registration's id.
type Plain struct{}

// Columns implements Form.
func (Plain) Columns() []string {
	return []string{
		"key", "external_id", "username", "email", "email_verified_at", "mobile", "mobile_verified_at", "password_hash", "first_name", "last_name",
		"locale", "marketing_consent", "status", "registered_at", idColumn,
	}
}

// Row implements Form.
func (Plain) Row(p transfer.Person) []transfer.Value {
	text := func(s string) transfer.Value { return transfer.Value{Text: s, Null: s == ""} }
	when := func(t time.Time) transfer.Value {
		if t.IsZero() {
			return transfer.Value{Null: true}
		}
		return text(t.UTC().Format(time.RFC3339Nano))
	}
	a, key, consent := p.Account, p.Account.ExternalID, "false"
	if key == "" {
		key = a.ID.String()
	}
	if p.Profile.MarketingConsent {
		consent = "true"
	}
	return []transfer.Value{
		text(key), text(a.ExternalID), text(a.Username.Text), text(a.Email.Text), when(a.EmailVerifiedAt), text(string(a.Mobile)), when(a.MobileVerifiedAt),
		text(a.PasswordHash), text(p.Profile.FirstName), text(p.Profile.LastName), text(p.Profile.Locale), text(consent), text(string(a.Status)),
		when(a.RegisteredAt), text(a.ID.String()),
	}
}

// Lost implements Form.
func (Plain) Lost(transfer.Person, []transfer.Value) []string { return nil }

// Mapped is the form of a monolith's own table, by the inverse of its mapping, with
// the registration's id beside.
type Mapped struct {
	Inverse *mapping.Inverse
	Mapper  *mapping.Mapper // of the same mapping
	// Null is the text that whoever reads the file takes for null; "" where none is.
	Null string
}

// Columns implements Form.
func (m Mapped) Columns() []string { return append(m.Inverse.Columns(), idColumn) }

// Row implements Form.
func (m Mapped) Row(p transfer.Person) []transfer.Value {
	return append(m.Inverse.Row(p), transfer.Value{Text: p.Account.ID.String()})
}

// Lost implements Form.
func (m Mapped) Lost(p transfer.Person, row []transfer.Value) []string {
	read := slices.Clone(row[:len(row)-1])
	for i, v := range read {
		if m.Null != "" && v.Text == m.Null {
			read[i] = transfer.Value{Null: true}
		}
	}
	return m.Inverse.Lost(p, read, m.Mapper)
}
