package mapping_test

import (
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

const bcrypt = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// laravelRow is somebody with whom nothing is wrong.
func laravelRow(change map[string]string) map[string]string {
	row := map[string]string{
		"id": "17", "name": "  Nadia  bint Hassan ", "email": " Nadia@Example.com ", "password": bcrypt, "locale": "ar", "allow_notify": "1",
		"email_verified_at": "2024-05-06 07:08:09", "created_at": "2023-01-02 03:04:05",
	}
	for name, text := range change {
		if row[name] = text; text == "NULL" {
			delete(row, name)
		}
	}
	return row
}

func TestLaravel(t *testing.T) {
	t.Parallel()
	m, err := mapping.Load("laravel")
	if err != nil {
		t.Fatal(err)
	}
	got := mapRow(t, m, laravelRow(nil))
	want := transfer.Person{
		Account: registration.Account{
			Caller: "monolith", ExternalID: "17",
			Username:     registration.Username{Text: "user-17", Key: "user-17"},
			Email:        registration.Email{Text: "Nadia@Example.com", Key: "nadia@example.com", Mailbox: "Nadia@example.com"},
			PasswordHash: bcrypt, Status: registration.Active,
			RegisteredAt:    time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC),
			EmailVerifiedAt: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC),
		},
		Profile: registration.Profile{FirstName: "Nadia", LastName: "bint Hassan", Locale: "ar", MarketingConsent: true},
	}
	if got.Person != want || len(got.Findings) > 0 {
		t.Errorf("the person is\n%+v\nnot\n%+v\nfindings %v", got.Person, want, got.Findings)
	}
}

// TestRules: what each rule finds, and what is left of the person.
func TestRules(t *testing.T) {
	t.Parallel()
	text, err := mapping.Text("laravel")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		row    map[string]string
		rule   string // in the place of the mapping's: "email_missing: refuse"
		found  string
		person func(transfer.Person) bool
	}{
		{"no address", map[string]string{"email": "NULL"}, "", "email_missing/keep", func(p transfer.Person) bool {
			return p.Account.Email == registration.Email{} && p.Account.EmailVerifiedAt.IsZero()
		}},
		{"an empty address", map[string]string{"email": "  "}, "", "email_missing/keep", nil},
		{"no address, refused", map[string]string{"email": "NULL"}, "email_missing: refuse", "email_missing/refuse", nil},
		{"no address at all", map[string]string{"email": "nadia at example"}, "", "email_invalid/refuse", nil},
		{"a bad address, dropped", map[string]string{"email": "nadia@localhost"}, "email_invalid: drop", "email_invalid/drop", func(p transfer.Person) bool {
			return p.Account.Email == registration.Email{}
		}},
		{"a long name", map[string]string{"name": "Nadia " + strings.Repeat("x", 31)}, "", "name_too_long/truncate", func(p transfer.Person) bool {
			return p.Profile.LastName == strings.Repeat("x", 30)
		}},
		{"a name that is not cut inside of a letter", map[string]string{"name": "Nadia " + strings.Repeat("x", 29) + "e\u0301e"}, "", "name_too_long/truncate", func(p transfer.Person) bool {
			return p.Profile.LastName == strings.Repeat("x", 29)
		}},
		{"a long name, refused", map[string]string{"name": strings.Repeat("x", 31)}, "name_too_long: refuse", "name_too_long/refuse", nil},
		{"a name with a control character", map[string]string{"name": "Na\x07dia"}, "", "name_invalid/refuse", nil},
		{"a name with a control character, dropped", map[string]string{"name": "Na\x07dia Hassan"}, "name_invalid: drop", "name_invalid/drop", func(p transfer.Person) bool {
			return p.Profile.FirstName == "" && p.Profile.LastName == "Hassan"
		}},
		{"no locale", map[string]string{"locale": "NULL"}, "", "", func(p transfer.Person) bool { return p.Profile.Locale == "en" }},
		{"a POSIX locale", map[string]string{"locale": "ar_SA"}, "", "", func(p transfer.Person) bool { return p.Profile.Locale == "ar-SA" }},
		{"a bad locale", map[string]string{"locale": "Arabic (Saudi)"}, "", "locale_invalid/default", func(p transfer.Person) bool { return p.Profile.Locale == "en" }},
		{"a bad locale, refused", map[string]string{"locale": "!"}, "locale_invalid: refuse", "locale_invalid/refuse", nil},
		{"no password", map[string]string{"password": "NULL"}, "", "password_missing/no_password", func(p transfer.Person) bool { return p.Account.PasswordHash == "" }},
		{"no password, refused", map[string]string{"password": ""}, "password_missing: refuse", "password_missing/refuse", nil},
		{"an unknown hash", map[string]string{"password": "correct horse"}, "", "password_unusable/refuse", nil},
		{"a hash that costs too much", map[string]string{"password": strings.Replace(bcrypt, "$10$", "$31$", 1)}, "", "password_unusable/refuse", nil},
		{"an unknown hash, left out", map[string]string{"password": "correct horse"}, "password_unusable: no_password", "password_unusable/no_password", func(p transfer.Person) bool {
			return p.Account.PasswordHash == ""
		}},
		{"a consent that is none", map[string]string{"allow_notify": "maybe"}, "", "value_invalid/refuse", nil},
		{"no consent", map[string]string{"allow_notify": "NULL"}, "", "", func(p transfer.Person) bool { return !p.Profile.MarketingConsent }},
		{"a bad time", map[string]string{"created_at": "yesterday"}, "", "value_invalid/refuse", nil},
		{"a zero date", map[string]string{"created_at": "0000-00-00 00:00:00"}, "", "", func(p transfer.Person) bool { return p.Account.RegisteredAt.IsZero() }},
		{"an empty time", map[string]string{"created_at": "", "email_verified_at": ""}, "", "", func(p transfer.Person) bool {
			return p.Account.RegisteredAt.IsZero() && p.Account.EmailVerifiedAt.IsZero()
		}},
		{"a time to come", map[string]string{"created_at": "2036-01-01 00:00:00"}, "", "value_invalid/refuse", nil},
		{"a time before all", map[string]string{"created_at": "1955-01-01 00:00:00"}, "", "value_invalid/refuse", nil},
		{"no external id", map[string]string{"id": ""}, "", "external_id_invalid/refuse", nil},
		{"an external id with a tabulator", map[string]string{"id": "1\t2"}, "", "external_id_invalid/refuse username_invalid/refuse", nil},
		{"not UTF-8", map[string]string{"name": "Nad\xeda"}, "", "value_invalid/refuse", nil},
		{"several at once", map[string]string{"email": "x", "password": "y", "locale": "!"}, "", "email_invalid/refuse password_unusable/refuse locale_invalid/default", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mapping := string(text)
			if name, _, given := strings.Cut(test.rule, ":"); given {
				before, after, ok := strings.Cut(mapping, "\n  "+name+":")
				_, after, end := strings.Cut(after, "\n")
				if !ok || !end {
					t.Fatalf("the mapping has no rule %s", name)
				}
				mapping = before + "\n  " + test.rule + "\n" + after
			}
			got := mapRow(t, parse(t, mapping), laravelRow(test.row))
			if found(got) != test.found {
				t.Errorf("found %q, not %q", found(got), test.found)
			}
			if test.person != nil && (got.Refused() || !test.person(got.Person)) {
				t.Errorf("refused %v, the person is %+v", got.Refused(), got.Person)
			}
			if strings.Contains(test.found, "/refuse") != got.Refused() {
				t.Errorf("refused: %v", got.Refused())
			}
			for _, f := range got.Findings {
				if strings.Contains(f.String(), "adia") {
					t.Errorf("%s tells what is in the row", f)
				}
			}
		})
	}
}

// TestFields: what fields are made of, and what transforms make of them.
func TestFields(t *testing.T) {
	t.Parallel()
	hash := func(p transfer.Person) string { return p.Account.PasswordHash }
	first := func(p transfer.Person) string { return p.Profile.FirstName }
	last := func(p transfer.Person) string { return p.Profile.LastName }
	mobile := func(p transfer.Person) string { return string(p.Account.Mobile) }
	registered := func(p transfer.Person) string { return p.Account.RegisteredAt.Format(time.RFC3339Nano) }
	status := func(p transfer.Person) string { return string(p.Account.Status) }
	consent := func(p transfer.Person) string {
		if p.Profile.MarketingConsent {
			return "yes"
		}
		return "no"
	}
	for _, test := range []struct {
		field, value string // of the column v
		of           func(transfer.Person) string
		want         string // or RULE/ACTION
	}{
		{"first_name: {constant: Somebody}", "x", first, "Somebody"},
		{"first_name: {column: v, transforms: [trim, lower]}", " NADIA ", first, "nadia"},
		{"first_name: {column: v, transforms: [upper]}", "nadia", first, "NADIA"},
		{"first_name: {column: v, transforms: [collapse_spaces]}", " a  b\tc ", first, "a b c"},
		{"first_name: {column: v, transforms: first_word}", "Nadia bint Hassan", first, "Nadia"},
		{"last_name: {column: v, transforms: rest_words}", "Nadia bint Hassan", last, "bint Hassan"},
		{"last_name: {column: v, transforms: rest_words}", "Nadia", last, ""},
		{"first_name: {column: v, transforms: [{null_if: '-'}, {default: None}]}", "-", first, "None"},
		{"first_name: {column: v, transforms: [{prefix: 'Dr '}, {suffix: '!'}]}", "No", first, "Dr No!"},
		{"first_name: {template: '{{{v}}} of {id}'}", "Nadia", first, "{Nadia} of 1"},
		{"first_name: {template: 'a{none}b', transforms: [{default: nobody}]}", "x", first, "nobody"},
		{"status: {column: v, transforms: [{map: {A: ACTIVE, P: pending_verification}}]}", "P", status, "PENDING_VERIFICATION"},
		{"status: {column: v, transforms: [{map: {A: ACTIVE}}]}", "Z", status, "value_invalid/refuse"},
		{"status: {column: v, transforms: [{present: {then: ACTIVE, else: PENDING_VERIFICATION}}]}", "2024-01-01", status, "ACTIVE"},
		{"status: {column: none, transforms: [{present: {then: ACTIVE, else: PENDING_VERIFICATION}}]}", "", status, "PENDING_VERIFICATION"},
		{"status: {column: v}", "LOCKED", status, "value_invalid/refuse"},
		{"marketing_consent: {column: v, transforms: [{bool: {true: [Ja, J], false: Nein}}]}", "ja", consent, "yes"},
		{"marketing_consent: {column: v, transforms: [{bool: {true: [Ja], false: [Nein]}}]}", "yes", consent, "value_invalid/refuse"},
		{"marketing_consent: {column: v}", "\x01", consent, "yes"},
		{"marketing_consent: {column: v}", "off", consent, "no"},
		{"registered_at: {column: v, transforms: [{sql_time: Asia/Riyadh}]}", "2024-01-01 01:30:00.25", registered, "2023-12-31T22:30:00.25Z"},
		{"registered_at: {column: v, transforms: [sql_time]}", "2024-01-01", registered, "2024-01-01T00:00:00Z"},
		{"registered_at: {column: v, transforms: [unix_time]}", "1700000000", registered, "2023-11-14T22:13:20Z"},
		{"registered_at: {column: v, transforms: [{unix_time: milliseconds}]}", "1700000000123", registered, "2023-11-14T22:13:20.123Z"},
		{"registered_at: {column: v, transforms: [unix_time]}", "9223372036854775807", registered, "value_invalid/refuse"},
		{"registered_at: {column: v}", "2024-01-01T01:30:00.1234567+03:00", registered, "2023-12-31T22:30:00.123456Z"},
		{"registered_at: {column: v}", "2024-01-01 01:30:00", registered, "value_invalid/refuse"},
		{"mobile: {column: v}", "051 234 5678", mobile, "+966512345678"},
		{"mobile: {column: v, transforms: [{e164: US}]}", "(415) 555-2671", mobile, "+14155552671"},
		{"mobile: {column: v, transforms: [e164]}", "0512345678", mobile, "+966512345678"},
		{"mobile: {column: v, transforms: [{e164: US}]}", "12", mobile, ""},
		{"mobile: {column: v}", "12", mobile, ""},
		{"password_hash: {digest: {algorithm: md5, column: v}}", "5F4DCC3B5AA765D61D8327DEB882CF99", hash, "$digest$md5$plain$$5f4dcc3b5aa765d61d8327deb882cf99"},
		{"password_hash: {digest: {algorithm: sha1, column: v, salt: salt, order: suffix}}", "59b3e8d637cf97edbe2384cf59cb7453dfe30789", hash, "$digest$sha1$suffix$c2FsdA$59b3e8d637cf97edbe2384cf59cb7453dfe30789"},
		{"password_hash: {digest: {algorithm: sha1, column: v, salt: salt, order: prefix}}", "59b3", hash, "password_unusable/refuse"},
		{"password_hash: {column: v, transforms: [hex_to_base64, {prefix: '{{SHA}}'}]}", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", hash, "password_unusable/refuse"},
		{"password_hash: {column: v, transforms: [hex_to_base64, {prefix: '{SHA}'}]}", "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", hash, "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="},
		{"password_hash: {column: v, transforms: [hex_to_base64]}", "xyz", hash, "value_invalid/refuse"},
	} {
		m := parse(t, head+"fields:\n  external_id: {column: id}\n  username: {constant: nadia}\n  email: {constant: nadia@example.com}\n  "+test.field+"\n")
		got := mapRow(t, m, map[string]string{"id": "1", "v": test.value, "salt": "salt"})
		what := found(got)
		if !got.Refused() {
			what = test.of(got.Person)
		} else {
			what = strings.TrimSpace(strings.Replace(what, "password_missing/no_password", "", 1))
		}
		if what != test.want {
			t.Errorf("%s of %q is %q, not %q", test.field, test.value, what, test.want)
		}
	}
}

// TestNames: where user names come from, and what becomes of bad ones.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, email string
		rules       string
		found, want string
	}{
		{"Layla", "l@example.com", "", "", "layla"},
		{"L@example.com", "l@EXAMPLE.com", "", "", "l@example.com"},
		{"other@example.com", "l@example.com", "", "username_invalid/refuse", ""},
		{"other@example.com", "l@example.com", "username_invalid: external_id", "username_invalid/external_id", "user-1"},
		{"l@example.com", "", "username_invalid: external_id", "email_missing/keep username_invalid/external_id", "user-1"},
		{"", "l@example.com", "", "username_missing/refuse", ""},
		{"", "l@example.com", "username_missing: external_id", "username_missing/external_id", "user-1"},
		{"a b", "l@example.com", "", "username_invalid/refuse", ""},
		{"ab", "l@example.com", "username_invalid: external_id", "username_invalid/external_id", "user-1"},
		{strings.Repeat("a\u200b", 40), "l@example.com", "", "username_invalid/refuse", ""},
	} {
		m := parse(t, head+"fields:\n  external_id: {column: id}\n  username: {column: n}\n  email: {column: e}\n  password_hash: {constant: '"+bcrypt+"'}\nrules: {"+test.rules+"}\n")
		got := mapRow(t, m, map[string]string{"id": "1", "n": test.name, "e": test.email})
		if found(got) != test.found || !got.Refused() && got.Person.Account.Username.Key != test.want {
			t.Errorf("%q of %q: found %q and name %q, not %q and %q", test.name, test.email, found(got), got.Person.Account.Username.Key, test.found, test.want)
		}
	}
}

// TestYield: what becomes of people whose keys are taken.
func TestYield(t *testing.T) {
	t.Parallel()
	both := transfer.Taken{Username: true, Email: true}
	for _, test := range []struct {
		rules, username string
		taken           transfer.Taken
		found, name     string
		email           bool
	}{
		{"", "layla", transfer.Taken{Username: true}, "username_taken/refuse", "", false},
		{"", "layla", transfer.Taken{Email: true}, "email_taken/refuse", "", false},
		{"", "layla", both, "email_taken/refuse username_taken/refuse", "", false},
		{"username_taken: external_id", "layla", transfer.Taken{Username: true}, "username_taken/external_id", "user-1", true},
		{"username_taken: external_id", "user-1", transfer.Taken{Username: true}, "username_taken/refuse", "", true},
		{"email_taken: drop", "layla", transfer.Taken{Email: true}, "email_taken/drop", "layla", false},
		{"email_taken: drop, username_taken: external_id", "layla", both, "email_taken/drop username_taken/external_id", "user-1", false},
		{"email_taken: drop", "l@example.com", both, "email_taken/drop username_invalid/refuse", "", false},
		{"email_taken: drop, username_invalid: external_id", "l@example.com", both, "email_taken/drop username_invalid/external_id", "user-1", false},
	} {
		m := parse(t, head+"fields:\n  external_id: {column: id}\n  username: {column: n}\n  email: {constant: l@example.com}\n  email_verified_at: {constant: '2024-01-01T00:00:00Z'}\n  password_hash: {constant: '"+bcrypt+"'}\nrules: {"+test.rules+"}\n")
		before := mapRow(t, m, map[string]string{"id": "1", "n": test.username})
		got := m.Mapper(environment()).Yield(before, test.taken)
		if found(got) != test.found {
			t.Errorf("%s: found %q, not %q", test.rules, found(got), test.found)
		}
		a := got.Person.Account
		if !got.Refused() && (a.Username.Key != test.name || (a.Email.Text != "") != test.email || a.EmailVerifiedAt.IsZero() == test.email) {
			t.Errorf("%s: the account is %+v", test.rules, a)
		}
		if len(before.Findings) != 0 {
			t.Errorf("%s: what was given has changed: %v", test.rules, before.Findings)
		}
	}
}
