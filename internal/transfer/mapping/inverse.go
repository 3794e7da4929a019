package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"registrar/internal/transfer"
)

// Inverse makes rows of the monolith's table of people. Where several fields come
// from one column, the first of them in the order of FieldNames is written back, and
// the words of a full name together. What the rows say can be found out by mapping
// them again.
type Inverse struct {
	*Mapping
	columns []column
}

// column is how one of the columns is filled.
type column struct {
	name string
	// fill gives the value; false where no value would become what the person has.
	fill func(p transfer.Person) (transfer.Value, bool)
}

// Inverse makes the way back. lost says in English of which columns there is none,
// and why: these are null in every row.
func (m *Mapping) Inverse() (inverse *Inverse, lost []string) {
	inverse = &Inverse{Mapping: m}
	for _, name := range m.Columns() {
		c, why := m.inverseColumn(name)
		if c.fill == nil {
			lost = append(lost, fmt.Sprintf("%s (%s)", name, why))
			c.fill = func(transfer.Person) (transfer.Value, bool) { return transfer.Value{Null: true}, true }
		}
		inverse.columns = append(inverse.columns, c)
	}
	return inverse, lost
}

// inverseColumn finds what fills a column; why is for one that nothing does.
func (m *Mapping) inverseColumn(name string) (c column, why string) {
	c.name = name
	var first, rest *wayBack
	for _, f := range FieldNames() {
		if !slices.Contains(m.fields[f].columns, name) {
			continue
		}
		w, reason := m.wayBack(f, name)
		switch {
		case reason != "":
			if why == "" {
				why = reason
			}
		case w.part == firstWord && first == nil:
			first = &w
		case w.part == restWords && rest == nil:
			rest = &w
		case w.part == wholeText && c.fill == nil:
			c.fill = w.value
		}
	}
	if c.fill == nil && (first != nil || rest != nil) {
		c.fill = func(p transfer.Person) (transfer.Value, bool) { return fullName(p, first, rest) }
	}
	return c, why
}

// fullName puts words together. Nobody's is "" and not null: names mostly may not be.
func fullName(p transfer.Person, parts ...*wayBack) (transfer.Value, bool) {
	var words []string
	for _, part := range parts {
		if part == nil {
			continue
		}
		v, ok := part.value(p)
		if !ok {
			return v, false
		}
		if !v.Null && v.Text != "" {
			words = append(words, v.Text)
		}
	}
	return transfer.Value{Text: strings.Join(words, " ")}, true
}

// wayBack is how a field becomes a column.
type wayBack struct {
	field string
	undo  []undo // of the transforms, the last one first
	made  func(value) (transfer.Value, bool)
	part  word
}

func (w wayBack) value(p transfer.Person) (transfer.Value, bool) {
	v := valueOf(w.field, p)
	for _, undo := range w.undo {
		if v.null {
			break
		}
		var ok bool
		if v, ok = undo(v); !ok {
			return transfer.Value{Null: true}, false
		}
	}
	if v.null {
		// A password that nobody has is "", as hashes mostly may not be null.
		return transfer.Value{Null: w.field != fieldPasswordHash}, true
	}
	return w.made(v)
}

// wayBack gives how a field becomes one of its columns, or why it does not.
func (m *Mapping) wayBack(name, column string) (w wayBack, why string) {
	f := m.fields[name]
	w.field = name
	for _, t := range slices.Backward(f.back) {
		if t.undo == nil {
			return w, "a transform of " + name + " cannot be undone"
		}
		w.undo = append(w.undo, t.undo)
		if t.part != wholeText {
			w.part = t.part
		}
	}
	switch f.kind {
	case keyColumn:
		w.made = func(v value) (transfer.Value, bool) { return transfer.Value{Text: v.text}, true }
	case keyTemplate:
		if len(f.columns) != 1 {
			return w, "the template of " + name + " has several columns"
		}
		const mark = "\x00"
		before, after, _ := strings.Cut(f.make([]transfer.Value{{Text: mark}}).text, mark)
		w.made = func(v value) (transfer.Value, bool) {
			text, found := strings.CutPrefix(v.text, before)
			text, ends := strings.CutSuffix(text, after)
			return transfer.Value{Text: text}, found && ends
		}
	case keyDigest:
		at := slices.Index(f.columns, column)
		w.made = func(v value) (transfer.Value, bool) {
			parts, ok := digestColumns(f, v.text)
			if !ok {
				return transfer.Value{Null: true}, false
			}
			return parts[at], true
		}
	}
	return w, ""
}

// valueOf is a field of somebody as transforms have left it.
func valueOf(field string, p transfer.Person) value {
	text := func(s string) value { return value{text: s, null: s == ""} }
	when := func(t time.Time) value { return value{text: t.UTC().Format(time.RFC3339Nano), at: t, null: t.IsZero()} }
	a := p.Account
	switch field {
	case fieldExternalID:
		return text(a.ExternalID)
	case fieldUsername:
		return text(a.Username.Text)
	case fieldEmail:
		return text(a.Email.Text)
	case fieldEmailVerifiedAt:
		return when(a.EmailVerifiedAt)
	case fieldMobile:
		return text(string(a.Mobile))
	case fieldMobileVerifiedAt:
		return when(a.MobileVerifiedAt)
	case fieldPasswordHash:
		return text(a.PasswordHash)
	case fieldFirstName:
		return text(p.Profile.FirstName)
	case fieldLastName:
		return text(p.Profile.LastName)
	case fieldLocale:
		return text(p.Profile.Locale)
	case fieldConsent:
		if p.Profile.MarketingConsent {
			return text("true")
		}
		return text("false")
	case fieldStatus:
		return text(string(a.Status))
	case fieldRegisteredAt:
		return when(a.RegisteredAt)
	default:
		return value{null: true}
	}
}

// Row is somebody as a row of Columns. Of what cannot be written back a column is
// null.
func (i *Inverse) Row(p transfer.Person) []transfer.Value {
	values := make([]transfer.Value, len(i.columns))
	for n, c := range i.columns {
		if v, ok := c.fill(p); ok {
			values[n] = v
		} else {
			values[n] = transfer.Value{Null: true}
		}
	}
	return values
}

// Lost names the fields of somebody that mapping their row again does not give
// back, and the rules that would refuse the row. Whatever stands for the password is
// left out, and so is the external id of somebody who has none.
func (i *Inverse) Lost(p transfer.Person, values []transfer.Value, mapper *Mapper) (lost []string) {
	m := mapper.Map(transfer.Row{Values: values, Number: 1})
	for _, f := range m.Findings {
		if f.Action == transfer.Refuse && p.Account.ExternalID != "" && f.Rule != transfer.PasswordUnusable {
			lost = append(lost, string(f.Rule))
		}
	}
	if len(lost) > 0 || p.Account.ExternalID == "" {
		return lost
	}
	for _, field := range FieldNames() {
		if field == fieldPasswordHash || !i.Compares(field) {
			continue
		}
		if !sameValue(valueOf(field, p), valueOf(field, m.Person)) {
			lost = append(lost, field)
		}
	}
	return lost
}

// sameValue compares times by the second, which is what tables mostly have, and
// texts without regard to letter case, as names and addresses are.
func sameValue(a, b value) bool {
	if a.null || b.null || a.at.IsZero() != b.at.IsZero() {
		return a.null == b.null
	}
	if !a.at.IsZero() {
		return a.at.Sub(b.at).Abs() < time.Second
	}
	return strings.EqualFold(a.text, b.text)
}
