package mapping_test

import (
	"strings"
	"testing"

	"registrar/internal/registration"
)

// TestNamesOfOneColumn: where the first name ends a full name does not say.
func TestNamesOfOneColumn(t *testing.T) {
	t.Parallel()
	const (
		external = "fields:\n  external_id: {column: id}\n  username: {template: 'user-{id}'}\n"
		split    = external + "  first_name: {column: name, transforms: [collapse_spaces, first_word, empty_to_null]}\n  last_name: {column: name, transforms: [collapse_spaces, rest_words, empty_to_null]}\n"
	)
	type names struct{ first, last string }
	long := strings.Repeat("x", 30)
	for _, tt := range []struct {
		name    string
		mapping string
		given   names
		want    names
		ok      bool
	}{
		{"one word each", split, names{"Maria", "Noor"}, names{"Maria", "Noor"}, true},
		{"two first names", split, names{"Maria Anna", "Noor"}, names{"Maria", "Anna Noor"}, true},
		{"a first name alone", split, names{"Maria Anna", ""}, names{"Maria", "Anna"}, true},
		{"a last name alone", split, names{"", "bint Noor"}, names{"bint", "Noor"}, true},
		{"spaces before and within", split, names{"  Maria", "bint  Noor "}, names{"Maria", "bint Noor"}, true},
		{"nothing", split, names{}, names{}, true},
		{"cut as an import cuts it", split, names{"Maria Anna", long}, names{"Maria", "Anna " + long[:25]}, true},
		{"two columns", external + "  first_name: {column: first}\n  last_name: {column: last}\n", names{"Maria Anna", "Noor"}, names{}, false},
		{"no last name", external + "  first_name: {column: name}\n", names{"Maria Anna", "Noor"}, names{}, false},
		{"no way back", external + "  first_name: {column: name, transforms: [{present: {then: A, else: B}}]}\n  last_name: {column: name, transforms: [{present: {then: A, else: B}}]}\n", names{"Maria", "Noor"}, names{}, false},
	} {
		first, last, ok := parse(t, head+tt.mapping).Mapper(environment()).Names(registration.Profile{FirstName: tt.given.first, LastName: tt.given.last})
		if got := (names{first, last}); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%s: %q, %t", tt.name, got, ok)
		}
	}
}
