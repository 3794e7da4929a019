package mapping

import (
	"slices"
	"unicode/utf8"

	"registrar/internal/transfer"
)

// row is one row on its way to a Person.
type row struct {
	*Mapper
	values map[string]value
	transfer.Mapped
}

// Lengths of the store's columns and of the contract, in characters.
const (
	maxExternalID   = 64
	maxUsername     = 64
	maxEmail        = 254
	maxName         = 30
	maxPasswordHash = 512
)

// note adds a finding, and gives what is to be done about it.
func (r *row) note(rule transfer.Rule, field, why string) transfer.Action {
	f := r.finding(rule, field, why)
	r.Findings = append(r.Findings, f)
	return f.Action
}

// transform makes the values of all fields.
func (r *row) transform(from transfer.Row) {
	r.values = make(map[string]value, len(r.names))
	for _, name := range r.names {
		r.values[name] = r.valueOf(name, from)
	}
}

// valueOf makes the value of one field.
func (r *row) valueOf(name string, from transfer.Row) value {
	f := r.fields[name]
	var taken [8]transfer.Value
	columns := taken[:0]
	for _, i := range r.indexes[name] {
		columns = append(columns, from.Values[i])
	}
	v := f.make(columns)
	for _, t := range f.transforms {
		changed, err := t(v)
		if err == errMobile { //nolint:errorlint // never wrapped
			r.note(transfer.MobileInvalid, name, "")
			changed, err = value{null: true}, nil
		}
		if err != nil {
			r.note(transfer.ValueInvalid, name, err.Error())
			changed = value{null: true}
		}
		v = changed
	}
	if !v.null && !utf8.ValidString(v.text) {
		r.note(transfer.ValueInvalid, name, "is not UTF-8: see charset")
		v = value{null: true}
	}
	return v
}

// text gives a field's text; "" for none.
func (r *row) text(name string) string {
	v, ok := r.values[name]
	if !ok || v.null {
		return ""
	}
	return v.text
}

// broken says whether a field's value could not be read, which was told.
func (r *row) broken(field string) bool {
	return slices.ContainsFunc(r.Findings, func(f transfer.Finding) bool { return f.Rule == transfer.ValueInvalid && f.Field == field })
}
