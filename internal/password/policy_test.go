package password_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"registrar/internal/password"
	"registrar/internal/registration"
)

var person = registration.Personal{Username: "Layla.Hassan", Email: "layla.h@mail.example.com", FirstName: "Layla", LastName: "Al-Hassan"}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, password string
		personal       registration.Personal
		rule           string // "" for acceptable
	}{
		{"a phrase", "correct horse battery staple", person, ""},
		{"random", "x7Kp-qW2v", person, ""},
		{"eight letters, no other kind", "qzvwkrtm", person, ""},
		{"digits only", "83920174", person, ""},
		{"Arabic", "قطة زرقاء تطير", person, ""},
		{"one's name in a phrase", "layla plants twelve trees", person, ""},
		{"common word in a phrase", "sunshine over the old harbour", person, ""},
		{"emoji", "🦊🐢🌵🚲🎻🧭🪁🥁", person, ""},

		{"short", "x7Kp-qW", person, password.TooShort},
		{"short in code points, not in octets", "قطة زرق", person, password.TooShort},
		{"short once composed", "e\u0301e\u0301e\u0301e\u0301abc", person, password.TooShort},
		{"empty", "", person, password.TooShort},

		{"common", "password1", person, password.Blocklisted},
		{"common, in capitals", "PassWord1", person, password.Blocklisted},
		{"common, full width", "ｐａｓｓｗｏｒｄ１", person, password.Blocklisted},
		{"common, with signs", "password1!!", person, password.Blocklisted},
		{"common, with a year", "Sunshine2024", person, password.Blocklisted},
		{"common, in signs", "!!iloveyou!!", person, password.Blocklisted},
		{"keyboard", "1qaz2wsx", person, password.Blocklisted},
		{"digits", "1234567890", person, password.Blocklisted},

		{"one character", "zzzzzzzzzzzzzz", registration.Personal{}, password.Predictable},
		{"three over and over", "xyqxyqxyqxyqxy", registration.Personal{}, password.Predictable},
		{"a sequence", "klmnopqrstuvw", registration.Personal{}, password.Predictable},
		{"backwards", "wvutsrqponmlk", registration.Personal{}, password.Predictable},
		{"digits around zero", "5678901234567", registration.Personal{}, password.Predictable},
		{"Arabic sequence", "ءآأؤإئابة", registration.Personal{}, password.Predictable},

		{"user name", "layla.hassan", person, password.LikeUsername},
		{"user name without signs", "LaylaHassan", person, password.LikeUsername},
		{"user name and a year", "layla.hassan1990", person, password.LikeUsername},
		{"user name backwards", "nassah.alyal", person, password.LikeUsername},
		{"user name with two letters changed", "l4yla.h4ssan", person, password.LikeUsername},
		{"user name twice", "laylahassanlaylahassan", person, password.LikeUsername},
		{"whole address", "layla.h@mail.example.com", registration.Personal{Email: person.Email}, password.LikeEmail},
		{"local part", "zubayda9!", registration.Personal{Email: "zubayda@example.com"}, password.LikeEmail},
		{"local part of two words", "omar-zubayda", registration.Personal{Email: "zubayda.omar@example.com"}, password.LikeEmail},
		{"names", "HassanLayla!", registration.Personal{FirstName: "Layla", LastName: "Al-Hassan"}, password.LikeName},
		{"a short name over and over", "aliAliALI99", registration.Personal{FirstName: "Ali"}, password.LikeName},
		{"an Arabic name", "فاطمة١٩٩٠", registration.Personal{FirstName: "فاطمة"}, password.LikeName},
		{"a name and enough more", "layla57301", registration.Personal{FirstName: "Layla"}, ""},
		{"a domain is nothing personal", "example by the sea", registration.Personal{Email: "a.b@example.com"}, ""},
		{"a name of two letters", "boat 4 bo 71x", registration.Personal{FirstName: "Bo"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			policy, err := password.NewPolicy(8, password.DefaultArgon2id)
			if err != nil {
				t.Fatal(err)
			}
			got := policy.Check(test.password, test.personal)
			switch {
			case got == nil && test.rule == "":
			case got == nil:
				t.Errorf("accepted; want %s", test.rule)
			case got.Rule != test.rule || got.Field != "password" || got.Message == "":
				t.Errorf("got %+v, want %q", got, test.rule)
			case strings.Contains(got.Message, test.password) && test.password != "":
				t.Error("the message holds the password")
			}
		})
	}
}

func TestPolicyLengths(t *testing.T) {
	t.Parallel()
	pick := func(n int) string { return ("qzvwkrtm-83920174/xbjgfd+" + strings.Repeat("éñ%7hT", 30))[:n] }
	for _, test := range []struct {
		minimum   int
		algorithm password.Algorithm
		length    int
		rule      string
	}{
		{0, password.DefaultArgon2id, 7, password.TooShort},
		{0, password.DefaultArgon2id, 8, ""},
		{15, password.DefaultArgon2id, 14, password.TooShort},
		{15, password.DefaultArgon2id, 15, ""},
		{8, password.DefaultArgon2id, 150, ""},
		{8, password.Bcrypt{Cost: 10}, 72, ""},
		{8, password.Bcrypt{Cost: 10}, 73, password.TooLongForBcrypt},
	} {
		policy, err := password.NewPolicy(test.minimum, test.algorithm)
		if err != nil {
			t.Fatal(err)
		}
		rule := ""
		if wrong := policy.Check(pick(test.length), registration.Personal{}); wrong != nil {
			rule = wrong.Rule
		}
		if rule != test.rule {
			t.Errorf("%+v: got %q", test, rule)
		}
	}
}

// TestPolicyAndBcryptAgree: what the policy lets through can be hashed.
func TestPolicyAndBcryptAgree(t *testing.T) {
	t.Parallel()
	bcrypt := password.Bcrypt{Cost: 10}
	policy, err := password.NewPolicy(8, bcrypt)
	if err != nil {
		t.Fatal(err)
	}
	// 24 letters of three octets that are 72 composed, and 75 when they are written otherwise.
	composed := strings.Repeat("한글값", 8)
	if wrong := policy.Check(composed, registration.Personal{}); wrong != nil && wrong.Rule != password.Predictable {
		t.Errorf("got %+v", wrong)
	}
	for _, pw := range []string{"qzvwkrtm" + strings.Repeat("é", 32), "qzvwkrtm" + strings.Repeat("e\u0301", 32)} {
		if wrong := policy.Check(pw, registration.Personal{}); wrong != nil {
			t.Errorf("got %+v", wrong)
		}
		if _, err := bcrypt.Hash(pw); err != nil {
			t.Errorf("%d octets: %v", len(pw), err)
		}
	}
	if wrong := policy.Check("qzvwkrtm"+strings.Repeat("é", 33), registration.Personal{}); wrong == nil || wrong.Rule != password.TooLongForBcrypt {
		t.Errorf("got %+v", wrong)
	}
}

// TestBlocklist: what the search relies on, and every entry is found.
func TestBlocklist(t *testing.T) {
	t.Parallel()
	list, err := password.Blocklist()
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
	if len(entries) < 20_000 || !strings.HasSuffix(list, "\n") {
		t.Fatalf("%d entries", len(entries))
	}
	if !slices.IsSorted(entries) || len(slices.Compact(slices.Clone(entries))) != len(entries) {
		t.Error("not sorted, or one twice")
	}
	for _, e := range entries {
		if password.Fold(e) != e || utf8.RuneCountInString(e) < password.MinLength {
			t.Errorf("%q is not folded, or short", e)
		}
		if !password.HasIn(list, e) {
			t.Errorf("%q is not found", e)
		}
		for _, other := range []string{e + "\x00", e[:len(e)-1] + "\x7f", "\x00" + e} {
			if _, there := slices.BinarySearch(entries, other); password.HasIn(list, other) != there {
				t.Errorf("%q: found is not %v", other, there)
			}
		}
	}
	for _, absent := range []string{"", "\n", "password\n12345678", "zzzzzzzzzzzzzzzzzzzz", "\xff\xff"} {
		if password.HasIn(list, absent) {
			t.Errorf("%q is found", absent)
		}
	}
	for list, want := range map[string]bool{"": false, "password\n": true, "a\npassword\n": true, "password\nz\n": true, "a\nz\n": false} {
		if password.HasIn(list, "password") != want {
			t.Errorf("in %q: not %v", list, want)
		}
	}
}

// FuzzPolicy: never panics, is the same for every way to write a password that
// is hashed alike, and lets nothing through that bcrypt cannot take.
func FuzzPolicy(f *testing.F) {
	f.Add("layla.hassan1990", "Layla.Hassan", "layla@example.com", "Layla", "Al-Hassan")
	f.Add("\xff\xfe12345678", "@", "@", "\u0301", "𝕃")
	f.Add("abcabcabcabc", "", "", "", "")
	policy, err := password.NewPolicy(8, password.Bcrypt{Cost: 10})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, pw, username, email, first, last string) {
		if len(pw)+len(username)+len(email)+len(first)+len(last) > 2000 {
			return // the schema's lengths
		}
		p := registration.Personal{Username: username, Email: email, FirstName: first, LastName: last}
		got, again := policy.Check(pw, p), policy.Check(password.Prepare(pw), p)
		if (got == nil) != (again == nil) || got != nil && *got != *again {
			t.Fatalf("%q: %+v, prepared: %+v", pw, got, again)
		}
		if got == nil && len(password.Prepare(pw)) > password.BcryptMaxBytes {
			t.Fatalf("%q is too long", pw)
		}
	})
}

func BenchmarkPolicy(b *testing.B) {
	policy, err := password.NewPolicy(8, password.DefaultArgon2id)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		policy.Check("correct horse battery staple", person)
	}
}
