package mapping

import (
	"crypto/sha256"
	"slices"
	"strings"

	"registrar/internal/transfer"
)

// The fields of a person.
const (
	fieldExternalID       = "external_id"
	fieldUsername         = "username"
	fieldEmail            = "email"
	fieldEmailVerifiedAt  = "email_verified_at"
	fieldMobile           = "mobile"
	fieldMobileVerifiedAt = "mobile_verified_at"
	fieldPasswordHash     = "password_hash"
	fieldFirstName        = "first_name"
	fieldLastName         = "last_name"
	fieldLocale           = "locale"
	fieldConsent          = "marketing_consent"
	fieldStatus           = "status"
	fieldRegisteredAt     = "registered_at"
)

// FieldNames are the fields that a mapping can make, in the order in which a row's
// findings are told.
func FieldNames() []string {
	return []string{
		fieldExternalID, fieldUsername, fieldEmail, fieldEmailVerifiedAt, fieldMobile, fieldMobileVerifiedAt, fieldPasswordHash,
		fieldFirstName, fieldLastName, fieldLocale, fieldConsent, fieldStatus, fieldRegisteredAt,
	}
}

// What a field is made of.
const (
	keyColumn   = "column"
	keyConstant = "constant"
	keyTemplate = "template"
	keyDigest   = "digest"
)

// Parse reads a mapping file; name is for the error, which is *Problems.
func Parse(name string, text []byte) (*Mapping, error) {
	problems := &Problems{File: name}
	m := &Mapping{sum: sha256.Sum256(text), fields: map[string]field{}}
	root, ok := parseYAML(text, problems)
	if !ok {
		return nil, problems.orNil()
	}
	top := root.entries("version", "caller", "source", "fields", "rules")
	if n, ok := top["version"]; !ok {
		problems.add(0, "version", "is missing", "write version: 1")
	} else if v, ok := n.text(); ok && v != "1" {
		n.wrong("is one that this program does not know", "write version: 1")
	}
	if n, ok := top["caller"]; !ok {
		problems.add(0, "caller", "is missing", "write the monolith's name among the callers: registrar caller list")
	} else if m.Caller, ok = n.text(); ok && !isCallerName(m.Caller) {
		n.wrong("is not a name of a caller", "registrar caller list names them; an empty text is for a service whose callers are not authenticated")
	}
	if n, ok := top["source"]; ok {
		m.Source = parseSource(n)
	} else {
		problems.add(0, "source", "is missing", "write source: {kind: csv}, or jsonl, or database")
	}
	if n, ok := top["fields"]; ok {
		m.parseFields(n)
	} else {
		problems.add(0, "fields", "are missing", "write at least external_id, and username or a rule for those without one")
	}
	n, given := top["rules"]
	m.Rules = parseRules(n, given)
	if len(problems.List) > 0 {
		return nil, problems.orNil()
	}
	return m, nil
}

func (m *Mapping) parseFields(n node) {
	found := n.entries(FieldNames()...)
	for _, name := range FieldNames() {
		if given, ok := found[name]; ok {
			m.fields[name] = parseField(given)
			m.fields[name].checkConstant(given, name)
		}
	}
	if _, ok := found[fieldExternalID]; !ok {
		n.wrong("have no external_id", "it is the monolith's own key of a person: write external_id: {column: id}")
	}
}

// parseField reads one field.
func parseField(n node) field {
	var f field
	found := n.entries(keyColumn, keyConstant, keyTemplate, keyDigest, "transforms")
	if found == nil {
		return f
	}
	for _, kind := range []string{keyColumn, keyConstant, keyTemplate, keyDigest} {
		given, ok := found[kind]
		if !ok {
			continue
		}
		if f.kind != "" {
			given.wrong("stands beside "+f.kind, "keep one of them")
		}
		f.kind = kind
		if kind == keyDigest {
			f.columns, f.make = parseDigest(given)
			continue
		}
		text, ok := given.text()
		switch {
		case !ok:
		case kind == keyColumn && text == "":
			given.wrong("is empty", "name a column of the source")
		case kind == keyColumn:
			f.columns = []string{text}
			f.make = func(row []transfer.Value) value { return value{text: row[0].Text, null: row[0].Null} }
		case kind == keyConstant:
			f.make = func([]transfer.Value) value { return value{text: text} }
		case kind == keyTemplate:
			f.columns, f.make = parseTemplate(given, text)
		}
	}
	if f.kind == "" {
		n.wrong("is made of nothing", "give it a column, a constant, a template or a digest")
	}
	if given, ok := found["transforms"]; ok {
		for _, item := range given.list() {
			if t := parseTransform(item); t != nil {
				f.transforms, f.back = append(f.transforms, t), append(f.back, parseUndo(item))
			}
		}
	}
	return f
}

// parseTemplate reads a text with columns in braces; "{{" and "}}" are braces
// themselves. It is null when one of its columns is.
func parseTemplate(n node, text string) (columns []string, of func([]transfer.Value) value) {
	var literals []string // one more than columns: what is before, between and behind them
	var literal strings.Builder
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"):
			literal.WriteByte(rest[0])
			rest = rest[2:]
		case rest[0] == '{':
			name, after, closed := strings.Cut(rest[1:], "}")
			if !closed || name == "" || strings.Contains(name, "{") {
				n.wrong("has a brace that does not name a column", "write {column}; a brace itself is {{ or }}")
				return nil, nil
			}
			columns, literals = append(columns, name), append(literals, literal.String())
			literal.Reset()
			rest = after
		case rest[0] == '}':
			n.wrong("has a brace that closes nothing", "a brace itself is {{ or }}")
			return nil, nil
		default:
			literal.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	literals = append(literals, literal.String())
	return slices.Clip(columns), func(row []transfer.Value) value {
		var b strings.Builder
		for i, v := range row {
			if v.Null {
				return value{null: true}
			}
			b.WriteString(literals[i])
			b.WriteString(v.Text)
		}
		b.WriteString(literals[len(literals)-1])
		return value{text: b.String()}
	}
}

// isCallerName is what registrar caller add takes, or "" for a service whose
// callers are not authenticated.
func isCallerName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return len(s) <= 64
}
