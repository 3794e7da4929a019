package mapping

import (
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// Environment is what a mapping needs from outside.
type Environment struct {
	DomainToASCII func(domain string) (string, error)
	// ParseMobile reads numbers that no e164 transform has read.
	ParseMobile   func(number string) (registration.Mobile, error)
	DefaultLocale string
	// CheckHash says why a password's hash cannot be used: its format is not known,
	// or it costs too much to verify. The hash is not in the error's text.
	CheckHash func(hash string) error
	Now       func() time.Time
}

// Mapper implements transfer.Mapper.
type Mapper struct {
	*Mapping
	env     Environment
	indexes map[string][]int // of a field's columns in Columns
	names   []string
	domains cache[string]
	locales cache[locale]
}

// Mapper makes a Mapper of rows with the values of Columns.
func (m *Mapping) Mapper(env Environment) *Mapper {
	p := &Mapper{Mapping: m, env: env, indexes: map[string][]int{}}
	columns := map[string]int{}
	for i, c := range m.Columns() {
		columns[c] = i
	}
	for _, name := range FieldNames() {
		f := m.fields[name]
		if f.make == nil {
			continue
		}
		p.names = append(p.names, name)
		for _, c := range f.columns {
			p.indexes[name] = append(p.indexes[name], columns[c])
		}
	}
	return p
}

// Map implements transfer.Mapper.
func (p *Mapper) Map(from transfer.Row) transfer.Mapped {
	r := &row{Mapper: p}
	if from.Wrong != "" {
		r.note(transfer.RowUnreadable, "", from.Wrong)
		return r.Mapped
	}
	r.transform(from)
	a := &r.Person.Account
	a.Caller = p.Caller
	r.externalID()
	r.username()
	r.email()
	r.ownUsername()
	r.mobile()
	r.password()
	r.Person.Profile.FirstName = r.name(fieldFirstName)
	r.Person.Profile.LastName = r.name(fieldLastName)
	r.locale()
	r.consent()
	r.times()
	r.status()
	return r.Mapped
}

// ExternalID is that of a row, without what else is in it; "" for none that can be
// used.
func (p *Mapper) ExternalID(from transfer.Row) string {
	if from.Wrong != "" {
		return ""
	}
	r := &row{Mapper: p}
	r.values = map[string]value{fieldExternalID: r.valueOf(fieldExternalID, from)}
	r.externalID()
	return r.Person.Account.ExternalID
}

// Yield implements transfer.Mapper.
func (p *Mapper) Yield(m transfer.Mapped, taken transfer.Taken) transfer.Mapped {
	r := &row{Mapper: p, Mapped: transfer.Mapped{Person: m.Person, Findings: append([]transfer.Finding{}, m.Findings...)}}
	a := &r.Person.Account
	before := a.Username.Key
	if taken.Email {
		if r.note(transfer.EmailTaken, "", "") == transfer.Drop {
			a.Email, a.EmailVerifiedAt = registration.Email{}, time.Time{}
			r.ownUsername()
		}
	}
	if taken.Username && a.Username.Key == before {
		if r.note(transfer.UsernameTaken, "", "") == transfer.ExternalID && r.generateUsername() && a.Username.Key == before {
			r.Findings[len(r.Findings)-1].Action = transfer.Refuse
		}
	}
	return r.Mapped
}
