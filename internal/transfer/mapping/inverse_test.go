package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// values gives a row's values by their columns; NULL is null.
func values(m *mapping.Mapping, row []transfer.Value) map[string]string {
	all := map[string]string{}
	for i, c := range m.Columns() {
		if all[c] = row[i].Text; row[i].Null {
			all[c] = "NULL"
		}
	}
	return all
}

// TestWhatIsWrittenBackIsReadAsTheSamePerson: through every transform that can be
// undone.
func TestWhatIsWrittenBackIsReadAsTheSamePerson(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fields string
		row    map[string]string
		want   map[string]string // that is not as it was
	}{
		"columns": {
			"username: {column: login}\n  email: {column: mail}\n  locale: {column: lang}", map[string]string{"login": "Amina", "mail": "Amina@Example.com", "lang": "ar_SA"},
			map[string]string{"lang": "ar-SA"},
		},
		"spellings": {
			"username: {column: login, transforms: [trim, lower]}\n  email: {column: mail, transforms: [trim, {null_if: '-'}, empty_to_null]}",
			map[string]string{"login": " AMINA ", "mail": "-"}, map[string]string{"login": "amina", "mail": "NULL"},
		},
		"a locale with underscores": {"username: {column: login}\n  locale: {column: lang, transforms: [trim, posix_locale]}", map[string]string{"login": "amina", "lang": "zh_Hant_TW"}, nil},
		"a locale of one part":      {"username: {column: login}\n  locale: {column: lang, transforms: [posix_locale]}", map[string]string{"login": "amina", "lang": "ar"}, nil},
		"a locale with hyphens":     {"username: {column: login}\n  locale: {column: lang, transforms: [posix_locale]}", map[string]string{"login": "amina", "lang": "en-GB"}, map[string]string{"lang": "en_GB"}},
		"no locale":                 {"username: {column: login}\n  locale: {column: lang, transforms: [posix_locale, {default: ar_SA}]}", map[string]string{"login": "amina"}, map[string]string{"lang": "ar_SA"}},

		"a template":      {"username: {template: 'user-{id}'}", nil, nil},
		"parts of one":    {"username: {column: login, transforms: [{prefix: 'p-'}, {suffix: '-s'}]}", map[string]string{"login": "Amina"}, nil},
		"words":           {"username: {column: login}\n  first_name: {column: name, transforms: [collapse_spaces, first_word, empty_to_null]}\n  last_name: {column: name, transforms: [collapse_spaces, rest_words, empty_to_null]}", map[string]string{"login": "amina", "name": "Amina  bint Noor"}, map[string]string{"name": "Amina bint Noor"}},
		"one word":        {"username: {column: login}\n  first_name: {column: name, transforms: [first_word]}\n  last_name: {column: name, transforms: [rest_words]}", map[string]string{"login": "amina", "name": "Amina"}, nil},
		"times":           {"username: {column: login}\n  registered_at: {column: created, transforms: [{sql_time: Asia/Riyadh}]}\n  email: {column: mail}\n  email_verified_at: {column: seen, transforms: [{unix_time: milliseconds}]}", map[string]string{"login": "amina", "created": "2024-01-02 03:04:05", "mail": "a@example.com", "seen": "1700000000123"}, nil},
		"times of 3339":   {"username: {column: login}\n  registered_at: {column: created}", map[string]string{"login": "amina", "created": "2024-01-02T03:04:05.678Z"}, nil},
		"truths":          {"username: {column: login}\n  marketing_consent: {column: news, transforms: [{bool: {true: [Y, J], false: [N]}}]}", map[string]string{"login": "amina", "news": "j"}, map[string]string{"news": "Y"}},
		"plain truths":    {"username: {column: login}\n  marketing_consent: {column: news, transforms: [bool]}", map[string]string{"login": "amina", "news": "off"}, map[string]string{"news": "0"}},
		"truths of a bit": {"username: {column: login}\n  marketing_consent: {column: news, transforms: [{bool: {true: [\"\\x01\"], false: [\"\\0\"]}}]}", map[string]string{"login": "amina", "news": "\x00"}, nil},
		"a map":           {"username: {column: login}\n  status: {column: state, transforms: [{map: {A: ACTIVE, B: ACTIVE, P: PENDING_VERIFICATION}}]}", map[string]string{"login": "amina", "state": "B"}, map[string]string{"state": "A"}},
		"a number":        {"username: {column: login}\n  mobile: {column: phone, transforms: [{e164: SA}]}", map[string]string{"login": "amina", "phone": "0512345678"}, map[string]string{"phone": "+966512345678"}},
		"a digest":        {"username: {column: login}\n  password_hash: {digest: {algorithm: sha1, column: pass, salt: salt, order: suffix}}", map[string]string{"login": "amina", "pass": "59b3e8d637cf97edbe2384cf59cb7453dfe30789", "salt": "sal$t"}, nil},
		"LDAP's digest":   {"username: {column: login}\n  password_hash: {column: pass, transforms: [hex_to_base64, {prefix: '{SHA}'}]}", map[string]string{"login": "amina", "pass": "59b3e8d637cf97edbe2384cf59cb7453dfe30789"}, nil},
		"defaults":        {"username: {column: login}\n  locale: {column: lang, transforms: [{default: fr}]}", map[string]string{"login": "amina"}, map[string]string{"lang": "fr"}},
		"no password":     {"username: {column: login}\n  password_hash: {column: pass}", map[string]string{"login": "amina", "pass": ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, head+"fields:\n  external_id: {column: id}\n  "+tt.fields+"\n")
			row := map[string]string{"id": "17"}
			want := map[string]string{}
			for _, c := range m.Columns() {
				want[c] = "NULL"
			}
			for _, given := range []map[string]string{row, tt.row} {
				for c, v := range given {
					row[c], want[c] = v, v
				}
			}
			for c, v := range tt.want {
				want[c] = v
			}
			mapped := mapRow(t, m, row)
			if mapped.Refused() {
				t.Fatal(mapped.Findings)
			}
			inverse, lost := m.Inverse()
			if len(lost) > 0 {
				t.Errorf("lost are %v", lost)
			}
			back := inverse.Row(mapped.Person)
			got := values(m, back)
			for c := range want {
				if got[c] != want[c] {
					t.Errorf("%s is %q, want %q", c, got[c], want[c])
				}
			}
			mapper := m.Mapper(environment())
			if lost := inverse.Lost(mapped.Person, back, mapper); len(lost) > 0 {
				t.Errorf("of the person is lost %v", lost)
			}
			if again := mapper.Map(transfer.Row{Values: back}); again.Person.Account.PasswordHash != mapped.Person.Account.PasswordHash {
				t.Error("the hash is another one")
			}
		})
	}
}

// TestWhatCannotBeWrittenBackIsTold: columns that nothing fills, and what the rows of
// some people do not say.
func TestWhatCannotBeWrittenBackIsTold(t *testing.T) {
	t.Parallel()
	m := parse(t, head+`fields:
  external_id: {column: id}
  username: {template: "user-{id}"}
  email: {template: "{mailbox}@{domain}"}
  status: {column: activated, transforms: [{present: {then: ACTIVE, else: PENDING_VERIFICATION}}]}
  locale: {column: lang, transforms: [{map: {AR: ar}}]}
`)
	inverse, lost := m.Inverse()
	if len(lost) != 3 || !strings.HasPrefix(lost[0], "mailbox (the template of email") || !strings.HasPrefix(lost[1], "domain") || !strings.HasPrefix(lost[2], "activated (a transform of status") {
		t.Errorf("lost are %v", lost)
	}
	p := mapRow(t, m, map[string]string{"id": "17", "mailbox": "a", "domain": "example.com", "activated": "x", "lang": "AR"}).Person
	p.Account.Username.Text, p.Account.Username.Key = "amina", "amina" // as she registered
	p.Profile.Locale = "fr"
	row := inverse.Row(p)
	if got := values(m, row); got["id"] != "17" || got["mailbox"] != "NULL" || got["activated"] != "NULL" || got["lang"] != "NULL" {
		t.Errorf("the row is %v", got)
	}
	got := inverse.Lost(p, row, m.Mapper(environment()))
	if want := []string{"username", "email", "locale", "status"}; !slices.Equal(got, want) {
		t.Errorf("of the person is lost %v, want %v", got, want)
	}
	p.Account.ExternalID = ""
	if got := values(m, inverse.Row(p)); got["id"] != "NULL" {
		t.Errorf("without an external id the row is %v", got)
	}
}

// TestShippedMappingsGoBack: nothing that they read stays empty.
func TestShippedMappingsGoBack(t *testing.T) {
	t.Parallel()
	for _, name := range mapping.Shipped() {
		m, err := mapping.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, lost := m.Inverse(); len(lost) > 0 {
			t.Errorf("%s: %v", name, lost)
		}
	}
}
