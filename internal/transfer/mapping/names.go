package mapping

import (
	"slices"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// Names are somebody's names as the mapping would read them of a row with their full
// name. ok is false where the table has a column for each, and so says itself where
// the first one ends.
func (p *Mapper) Names(of registration.Profile) (first, last string, ok bool) {
	columns := p.fields[fieldFirstName].columns
	if len(columns) != 1 || !slices.Equal(columns, p.fields[fieldLastName].columns) {
		return "", "", false
	}
	c, _ := p.inverseColumn(columns[0])
	if c.fill == nil {
		return "", "", false
	}
	full, ok := c.fill(transfer.Person{Profile: of})
	if !ok {
		return "", "", false
	}
	from := transfer.Row{Values: make([]transfer.Value, len(p.Columns()))}
	from.Values[p.indexes[fieldFirstName][0]] = full
	r := &row{Mapper: p, values: map[string]value{}}
	for _, field := range []string{fieldFirstName, fieldLastName} {
		r.values[field] = r.valueOf(field, from)
	}
	first, last = r.name(fieldFirstName), r.name(fieldLastName)
	return first, last, !r.Refused()
}
