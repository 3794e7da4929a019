package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// TestProblemsAreToldTogether: every problem of a file, with its line, in their order.
func TestProblemsAreToldTogether(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `version: 2
caller: Monolith!
source:
  kind: database
  host: db:3306
  table: users
  query: SELECT 1
  time_zone: Mars/Olympus
fields:
  username: {column: name, constant: x}
  email: {colum: email}
  mobile: {column: phone, transforms: [trim, {e164: XX}, upside_down, prefix]}
  registered_at: {column: created_at, transforms: [{sql_time: Nowhere/Land}]}
  last_name: {template: "{first"}
  password_hash: {digest: {algorithm: md4, column: pass, order: suffix}}
rules:
  email_missing: drop
  e-mail_taken: refuse
extra: 1
`)
	want := []struct{ line, part string }{
		{"line 1:", "version is one that this program does not know"},
		{"line 2:", "caller is not a name of a caller"},
		{"line 4:", "source has no address"},
		{"line 4:", "source has no database"},
		{"line 4:", "source has no user"},
		{"line 4:", "source has no key"},
		{"line 5:", "source.host is not a known key"},
		{"line 7:", "source.query stands beside table"},
		{"line 8:", "source.time_zone is not a time zone"},
		{"line 10:", "fields.username.constant stands beside column"},
		{"line 10:", "fields have no external_id"},
		{"line 11:", "fields.email.colum is not a known key"},
		{"line 11:", "fields.email is made of nothing"},
		{"line 12:", "fields.mobile.transforms.e164 is not a region"},
		{"line 12:", "has a transform that is not known"},
		{"line 12:", "prefix needs a value"},
		{"line 13:", "fields.registered_at.transforms.sql_time is not a time zone"},
		{"line 14:", "fields.last_name.template has a brace"},
		{"line 15:", "fields.password_hash.digest.algorithm must be one of md5, sha1, sha256, sha512"},
		{"line 15:", "fields.password_hash.digest needs salt and order together"},
		{"line 17:", "rules.email_missing must be one of keep, refuse"},
		{"line 18:", "rules.e-mail_taken is not a known key; did you mean email_taken?"},
		{"line 19:", "extra is not a known key"},
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, not %d", len(got), len(want))
	}
	for i, w := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], w.line) || !strings.Contains(got[i], w.part) {
			t.Errorf("problem %d is not %s %s:\n%s", i, w.line, w.part, strings.Join(got, "\n"))
			break
		}
	}
}

func TestFilesThatAreNoMapping(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, problem string }{
		{"nothing", "", "the file is empty"},
		{"only comments", "# nothing\n", "the file is empty"},
		{"not YAML", "version: 1\n  caller: [\n", "is not valid YAML"},
		{"a list", "- version: 1\n", "not a map"},
		{"two documents", head + "fields: {external_id: {column: id}}\n---\nversion: 1\n", "more than one document"},
		{"an anchor", "version: 1\ncaller: &c monolith\nsource: {kind: csv}\nfields: {external_id: {column: id}}\n", "uses an anchor"},
		{"an alias", "version: 1\ncaller: monolith\nsource: {kind: csv}\nfields: &f\n  external_id: {column: id}\nrules: *f\n", "uses an anchor"},
		{"a key twice", head + "caller: monolith\nfields: {external_id: {column: id}}\n", "is there twice"},
		{"null for a text", head + "fields: {external_id: {column: }}\n", "must be a text"},
		{"a wide delimiter", "version: 1\ncaller: m\nsource: {kind: csv, delimiter: '||'}\nfields: {external_id: {column: id}}\n", "must be one ASCII character"},
		{"a charset of two octets", "version: 1\ncaller: m\nsource: {kind: csv, charset: utf-16}\nfields: {external_id: {column: id}}\n", "convert the file to UTF-8"},
		{"an unknown charset", "version: 1\ncaller: m\nsource: {kind: csv, charset: klingon}\nfields: {external_id: {column: id}}\n", "is not a charset"},
		{"no names of columns", "version: 1\ncaller: m\nsource: {kind: csv, header: false}\nfields: {external_id: {column: id}}\n", "nothing names the columns"},
	} {
		if got := strings.Join(problemsOf(t, test.text), "\n"); !strings.Contains(got, test.problem) {
			t.Errorf("%s: %q is not in\n%s", test.name, test.problem, got)
		}
	}
}

// TestConstants: what would refuse every row, or make all of them one person, is told
// of the file.
func TestConstants(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ fields, problem string }{
		{"status: {constant: FOO}", "line 6: fields.status.constant is neither ACTIVE nor PENDING_VERIFICATION"},
		{"status: {constant: foo, transforms: [{map: {foo: bar}}]}", "is neither ACTIVE nor PENDING_VERIFICATION"},
		{"email_verified_at: {constant: yesterday}", "is not a time"},
		{"mobile_verified_at: {constant: 2024-01-01, transforms: [sql_time]}", ""},
		{"registered_at: {constant: 2024-01-01}", "is not a time"},
		{"registered_at: {constant: '2999-01-01T00:00:00Z'}", "is not a time that has come"},
		{"marketing_consent: {constant: maybe}", "is neither true nor false"},
		{"marketing_consent: {constant: Y, transforms: [{bool: {true: [J], false: [N]}}]}", "is neither true nor false"},
		{"locale: {constant: klingon_!!}", "is not a language tag"},
		{"locale: {constant: ar_SA}", ""},
		{"first_name: {constant: \"a\\tb\"}", "holds a control character"},
		{"last_name: {constant: aaaaaaaaaabbbbbbbbbbccccccccccd}", "more than 30 characters"},
		{"mobile: {constant: '0501234567'}", ""},
		{"status: {constant: active}", ""},
		{"email: {constant: ''}", ""},
		{"status: {constant: x, transforms: [{null_if: x}]}", ""},
	} {
		text := head + "fields:\n  external_id: {column: id}\n  " + test.fields + "\n"
		if test.problem == "" {
			parse(t, text)
			continue
		}
		if got := strings.Join(problemsOf(t, text), "\n"); !strings.Contains(got, test.problem) {
			t.Errorf("%s: %q is not in\n%s", test.fields, test.problem, got)
		}
	}
	if got := strings.Join(problemsOf(t, head+"fields: {external_id: {constant: '1'}}\n"), "\n"); !strings.Contains(got, "would be everybody's") {
		t.Error(got)
	}
}

// TestShippedMappings: each can be loaded by its name, decides every rule, and by
// them the defaults are what the program's are.
func TestShippedMappings(t *testing.T) {
	t.Parallel()
	if !slices.Contains(mapping.Shipped(), "laravel") {
		t.Fatalf("shipped are %v", mapping.Shipped())
	}
	for _, name := range mapping.Shipped() {
		m, err := mapping.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := mapping.Text(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range mapping.Choices() {
			if !strings.Contains(string(text), string(c.Rule)+":") {
				t.Errorf("%s does not decide %s", name, c.Rule)
			}
			if name == "laravel" && m.Rules[c.Rule] != c.Actions[0] {
				t.Errorf("laravel says of %s %s, and the default is %s", c.Rule, m.Rules[c.Rule], c.Actions[0])
			}
		}
	}
}

// TestKeysThatMayBeTold: reports name rows by the key unless it is personal.
func TestKeysThatMayBeTold(t *testing.T) {
	t.Parallel()
	database := "version: 1\ncaller: m\nsource: {kind: database, address: 'db:3306', database: d, user: u, table: t, key: k}\nfields:\n"
	for _, test := range []struct {
		fields string
		told   bool
	}{
		{"  external_id: {column: k}\n  username: {template: 'user-{k}'}\n", true},
		{"  external_id: {column: k}\n  username: {column: k}\n", false},
		{"  external_id: {column: id}\n  email: {column: k}\n", false},
		{"  external_id: {column: k}\n  email: {template: '{k}@example.com'}\n", false},
		{"  external_id: {column: k}\n  mobile: {column: k}\n", false},
	} {
		if got := parse(t, database+test.fields).TellKeys(); got != test.told {
			t.Errorf("told %v:\n%s", got, test.fields)
		}
	}
}

// FuzzParse: no file makes it panic, and what it takes maps any row.
func FuzzParse(f *testing.F) {
	for _, name := range mapping.Shipped() {
		text, err := mapping.Text(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "17", "NULL")
	}
	f.Add(head+"fields: {external_id: {template: '{{{a}}}'}, password_hash: {digest: {algorithm: md5, column: b}}}\n", "a", "0cc175b9c0f1b6a831c399e269772661")
	f.Add(head+"fields: {external_id: {column: a, transforms: [{map: {x: y}}, {default: z}]}, mobile: {column: b, transforms: {e164: SA}}}\n", "x", "0512345678")
	f.Add(head+"fields: {external_id: {column: a}, registered_at: {column: b, transforms: [{unix_time: milliseconds}]}}\nrules: {username_missing: external_id}\n", "x", "1700000000000")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		m, err := mapping.Parse("fuzz", []byte(text))
		if err != nil {
			return
		}
		mapper := m.Mapper(environment())
		values := make([]transfer.Value, len(m.Columns()))
		for i := range values {
			values[i] = transfer.Value{Text: []string{a, b}[i%2]}
		}
		mapped := mapper.Map(transfer.Row{Values: values})
		if p := mapped.Person.Account; !mapped.Refused() && (p.ExternalID == "" || p.Username.Key == "" || p.Status == "") {
			t.Fatalf("somebody without an external id, a name or a status is not refused: %+v", mapped.Findings)
		}
		if !mapped.Refused() {
			mapper.Yield(mapped, transfer.Taken{Username: true, Email: true})
		}
	})
}
