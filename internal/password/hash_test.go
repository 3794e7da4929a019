package password_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"registrar/internal/password"
)

// vectors were made with CPython's argon2-cffi 25.1.0 (the reference C
// implementation: argon2.low_level.hash_secret(password, salt, t, m, p, len,
// Type.ID)) and bcrypt 5.0.0 (bcrypt.hashpw(password, bcrypt.gensalt(cost,
// prefix)), the $2y$ one by renaming), each from the password's NFC in UTF-8.
var vectors = []struct{ name, password, hash string }{
	{"argon2id", "correct horse battery staple", "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0"},
	{"argon2id beyond ASCII", "pässwörd mit Umlauten", "$argon2id$v=19$m=19456,t=2,p=1$ZmVkY2JhOTg3NjU0MzIxMA$ypaF8g+NRmUoAuV2YXwPH9m6CCjta8Y+brfxBZHcCyg"},
	{"argon2id, decomposed", "pa\u0308sswo\u0308rd mit Umlauten", "$argon2id$v=19$m=19456,t=2,p=1$ZmVkY2JhOTg3NjU0MzIxMA$ypaF8g+NRmUoAuV2YXwPH9m6CCjta8Y+brfxBZHcCyg"},
	{"argon2id, another space", "correct\u00a0horse battery\u2003staple", "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0"},
	{"argon2id of four lanes", "كلمة سر طويلة", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$Qxb/t2Icy3TPw6SXFGJteUk6t+HjF7uPIp2WSuBdpsw"},
	{"argon2id, short salt and tag", "", "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc$3V9oqGafGGYmvItz6vX8Nw"},
	{"argon2id, long", strings.Repeat("x", 200), "$argon2id$v=19$m=256,t=1,p=2$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY$PdRsgMr66CxWRIS2zsODLsFgnjKgP3Wc6vEbbVoaxFgUewYMNS2vgGGm49cy8ZXFIwcy+7/NzC7uaTkSq3KhkA"},
	{"bcrypt $2b$", "correct horse battery staple", "$2b$10$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom"},
	{"bcrypt $2y$", "pässwörd mit Umlauten", "$2y$04$VQhze6yxryA.CTtAozaDfOdDFgUT5Darga7yEpm7K24AumpmhLDrm"},
	{"bcrypt $2a$", "كلمة سر طويلة", "$2a$04$jn2odsCjez8t5bGy/d4LduO.vX5CX0w2GmPt.8rZtAmIy3Zl8E7ka"},
	{"bcrypt, 72 octets", strings.Repeat("x", 72), "$2b$05$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u"},
	{"bcrypt, empty", "", "$2b$04$Fy3sh3T.XVPs2.TvnJ/t6OpB1ft1UzxyYiS9NE59RFEbc8cNcZOge"},
}

func TestVectorsOfOtherImplementations(t *testing.T) {
	t.Parallel()
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			if same, err := password.Verify(v.hash, v.password); err != nil || !same {
				t.Errorf("its own password: %v, %v", same, err)
			}
			others := []string{v.password + "x", "X" + v.password, strings.ToUpper(v.password) + "\u00e9"}
			if strings.HasPrefix(v.hash, "$2") && len(v.password) >= password.BcryptMaxBytes {
				others[0] = v.password[1:] // see TestBcryptOfLongPasswords
			}
			for _, other := range others {
				if same, err := password.Verify(v.hash, other); err != nil || same {
					t.Errorf("another password: %v, %v", same, err)
				}
			}
		})
	}
}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		algorithm password.Algorithm
		form      string
	}{
		{password.DefaultArgon2id, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`},
		{password.Argon2id{MemoryKiB: 64, Passes: 3}, `^\$argon2id\$v=19\$m=64,t=3,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`},
		{password.Bcrypt{Cost: 10}, `^\$2a\$10\$[./A-Za-z0-9]{53}$`},
	} {
		first, err := test.algorithm.Hash("Tr0ub4dor & 3")
		if err != nil {
			t.Fatal(err)
		}
		second, err := test.algorithm.Hash("Tr0ub4dor & 3")
		if err != nil {
			t.Fatal(err)
		}
		if first == second {
			t.Error("two hashes have one salt")
		}
		if !regexp.MustCompile(test.form).MatchString(first) {
			t.Errorf("%s is not of the form %s", first, test.form)
		}
		if same, err := password.Verify(first, "Tr0ub4dor & 3"); err != nil || !same {
			t.Errorf("its own password: %v, %v", same, err)
		}
		if same, err := password.Verify(first, "Tr0ub4dor & 4"); err != nil || same {
			t.Errorf("another password: %v, %v", same, err)
		}
	}
}

// TestBcryptOfLongPasswords: none is hashed, since what is cut off protects
// nothing. Other systems did hash them, and their people type them whole.
func TestBcryptOfLongPasswords(t *testing.T) {
	t.Parallel()
	if _, err := (password.Bcrypt{Cost: 10}).Hash(strings.Repeat("x", 73)); err == nil {
		t.Error("73 octets were hashed")
	}
	const of72 = "$2b$05$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u"
	for pw, want := range map[string]bool{
		strings.Repeat("x", 71):           false,
		strings.Repeat("x", 73):           true,
		strings.Repeat("x", 72) + "é":     true, // its first octets
		strings.Repeat("x", 71) + "yx":    false,
		strings.Repeat("x", 300):          true,
		strings.Repeat("x", 72) + "\x00":  true,
		strings.Repeat("x", 71) + "\x00x": false,
	} {
		if same, err := password.Verify(of72, pw); err != nil || same != want {
			t.Errorf("%q: %v, %v", pw, same, err)
		}
	}
}

func TestParametersOutOfBounds(t *testing.T) {
	t.Parallel()
	for _, a := range []password.Algorithm{
		password.Argon2id{}, password.Argon2id{MemoryKiB: 7, Passes: 1}, password.Argon2id{MemoryKiB: 64}, password.Argon2id{MemoryKiB: 1 << 30, Passes: 1},
		password.Argon2id{MemoryKiB: 64, Passes: 1000}, password.Argon2id{MemoryKiB: 1 << 18, Passes: 3},
		password.Bcrypt{}, password.Bcrypt{Cost: 9}, password.Bcrypt{Cost: 31},
	} {
		if _, err := a.Hash("some password"); err == nil {
			t.Errorf("%+v made a hash", a)
		}
	}
}

const (
	salt = "MDEyMzQ1Njc4OWFiY2RlZg"
	tag  = "gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0"
)

// TestHostileHashes: refused before any of their cost is paid. Each of the
// costly ones would take from seconds to centuries, or gigabytes.
func TestHostileHashes(t *testing.T) {
	t.Parallel()
	for name, hash := range map[string]string{
		"empty":              "",
		"plain text":         "secret",
		"argon2d":            "$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + tag,
		"argon2i memory":     "$argon2i$v=19$m=4194304,t=1,p=1$" + salt + "$" + tag,
		"version 0x10":       "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + tag,
		"no version":         "$argon2id$m=64,t=1,p=1$" + salt + "$" + tag,
		"memory":             "$argon2id$v=19$m=4194304,t=1,p=1$" + salt + "$" + tag,
		"memory overflow":    "$argon2id$v=19$m=4294967297,t=1,p=1$" + salt + "$" + tag,
		"no memory":          "$argon2id$v=19$m=0,t=1,p=1$" + salt + "$" + tag,
		"memory and lanes":   "$argon2id$v=19$m=15,t=1,p=2$" + salt + "$" + tag,
		"passes":             "$argon2id$v=19$m=64,t=4294967295,p=1$" + salt + "$" + tag,
		"no pass":            "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + tag,
		"work":               "$argon2id$v=19$m=262144,t=64,p=1$" + salt + "$" + tag,
		"lanes":              "$argon2id$v=19$m=262144,t=1,p=255$" + salt + "$" + tag,
		"no lane":            "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + tag,
		"negative":           "$argon2id$v=19$m=64,t=-1,p=1$" + salt + "$" + tag,
		"order":              "$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + tag,
		"more parameters":    "$argon2id$v=19$m=64,t=1,p=1,keyid=a$" + salt + "$" + tag,
		"no salt":            "$argon2id$v=19$m=64,t=1,p=1$$" + tag,
		"short salt":         "$argon2id$v=19$m=64,t=1,p=1$MDEy$" + tag,
		"no tag":             "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"short tag":          "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$MDEy",
		"long tag":           "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("MDEy", 40),
		"padded":             "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + tag,
		"too few parts":      "$argon2id$v=19$m=64,t=1,p=1$" + salt,
		"too many parts":     "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + tag + "$",
		"endless":            "$argon2id$v=19$m=64,t=1,p=1$" + strings.Repeat("A", 1<<20) + "$" + tag,
		"bcrypt cost":        "$2b$31$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u",
		"bcrypt cost 16":     "$2b$16$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u",
		"bcrypt no cost":     "$2b$xx$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u",
		"bcrypt $2x$":        "$2x$05$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u",
		"bcrypt $2$":         "$2$05$6MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.uu",
		"bcrypt short":       "$2b$05$6MVOFABXd9Nt",
		"bcrypt salt":        "$2b$05$!MVOFABXd9Nt.cMsQpWFeeuKeN0tcqYR3XSdiNWtf/8FiS/ANYH.u",
		"bcrypt prefix only": "$2",
	} {
		same, err := password.Verify(hash, "some password")
		if !errors.Is(err, password.ErrHash) || same {
			t.Errorf("%s: %v, %v", name, same, err)
		}
		if err != nil && len(hash) > 4 && strings.Contains(err.Error(), hash) {
			t.Errorf("%s: the error holds the hash: %v", name, err)
		}
	}
}

func TestPrepare(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Abc 123":                "Abc 123",
		" spaces kept ":          " spaces kept ",
		"e\u0301":                "é",
		"\u212b":                 "Å", // a singleton
		"ﬁ":                      "ﬁ", // NFKC would make it "fi"
		"Ａ":                      "Ａ",
		"a\u00a0b\u3000c\u202fd": "a b c d",
		"a\u200db":               "a\u200db", // nothing is stripped
		"a\tb":                   "a\tb",
		"\xff":                   "\ufffd",
	} {
		if got := password.Prepare(in); got != want {
			t.Errorf("%q is prepared as %q, want %q", in, got, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		if !strings.Contains(v.hash, "m=19456") && !strings.Contains(v.hash, "m=65536") && !strings.Contains(v.hash, "$10$") {
			f.Add(v.hash, v.password)
		}
	}
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "x")
	f.Fuzz(func(t *testing.T, hash, pw string) {
		if same, err := password.Verify(hash, pw); err != nil && (same || !errors.Is(err, password.ErrHash)) {
			t.Fatalf("%v, %v", same, err)
		}
	})
}

// FuzzPrepare: what is prepared stays as it is.
func FuzzPrepare(f *testing.F) {
	f.Add("e\u0301\u0323 \u00a0")
	f.Fuzz(func(t *testing.T, s string) {
		if once := password.Prepare(s); password.Prepare(once) != once {
			t.Fatalf("%q, then %q", once, password.Prepare(once))
		}
	})
}
