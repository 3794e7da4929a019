package password_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"registrar/internal/password"
)

// published are vectors of bcrypt and Argon2; those of the other formats are in
// package legacy. passlib's are of its version 1.7.4, passlib/tests.
var published = []struct{ source, password, hash string }{
	{"jBCrypt, TestBCrypt.java", "", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."},
	{"jBCrypt, TestBCrypt.java", "a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"},
	{"jBCrypt, TestBCrypt.java", "abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"},
	{"jBCrypt, TestBCrypt.java", "abcdefghijklmnopqrstuvwxyz", "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"},
	{"crypt_blowfish 1.3, wrapper.c", "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
	{"crypt_blowfish 1.3, wrapper.c", "U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"},
	{"crypt_blowfish 1.3, wrapper.c", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored", "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"},
	{"crypt_blowfish 1.3, wrapper.c", "\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"},
	{"crypt_blowfish 1.3, wrapper.c", "\xff\xa3345", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.nRht2l/HRhr6zmCp9vYUvvsqynflf9e"},
	{"crypt_blowfish 1.3, wrapper.c", strings.Repeat("\xaa", 72) + "chars after 72 are ignored as usual", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.swQOIzjOiJ9GHEPuhEkvqrUyvWhEMx6"},
	{"passlib, the 8-bit error", "\xd1\x91", "$2y$05$6bNw2HLQYeqHYyBfLMsv/OUcZd0LKP39b87nBw3.S2tVZSqiQX6eu"},
	{"passlib, the error of 255 octets", strings.Repeat("0123456789", 26)[:256], "$2a$04$R1lJ2gkNaoPGdafE.H.16.1MKHPvmKwryeulRe225LKProWYwt9Oi"},
	{"the reference code of Argon2, src/test.c", "password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"},
	{"the reference code of Argon2, src/test.c", "password", "$argon2i$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$sDV8zPvvkfOGCw26RHsjSMvv7K2vmQq/6cxAcmxSEnE"},
	{"the reference code of Argon2, src/test.c", "password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"},
	{"the reference code of Argon2, src/test.c", "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
	{"passlib", "password", "$argon2i$v=19$m=380,t=2,p=2$c29tZXNhbHQ$SrssP8n7m/12VWPM8dvNrw"},
}

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range published {
		t.Run(v.source+" "+v.hash, func(t *testing.T) {
			t.Parallel()
			verifies(t, v.hash, v.password)
		})
	}
}

// verifies says that its password alone does, as a stored hash of another system.
func verifies(t *testing.T, hash, pw string) {
	t.Helper()
	if err := password.Importable(hash); err != nil {
		t.Errorf("not importable: %v", err)
	}
	if same, err := password.Verify(hash, pw); err != nil || !same {
		t.Errorf("%s: its own password: %v, %v", hash, same, err)
	}
	if same, err := password.Verify(hash, "x"+pw); err != nil || same {
		t.Errorf("%s: another password: %v, %v", hash, same, err)
	}
}

// TestHashesOfOtherPrograms: see testdata/README.md.
func TestHashesOfOtherPrograms(t *testing.T) {
	t.Parallel()
	for name, least := range map[string]int{"vectors.php.jsonl": 200, "vectors.py.jsonl": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.Open("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			lines, whats := bufio.NewScanner(file), map[string]bool{}
			n := 0
			for ; lines.Scan(); n++ {
				var v struct{ What, Password, Hash string }
				if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
					t.Fatal(err)
				}
				verifies(t, v.Hash, v.Password)
				whats[v.What] = true
			}
			if err := lines.Err(); err != nil || n < least || len(whats) < 20 {
				t.Errorf("%d lines of %d kinds, %v", n, len(whats), err)
			}
		})
	}
}

// counting is a hash that tells how often it was asked.
type counting struct {
	of    string
	asked []string
}

func (c *counting) Class() password.Class { return password.Class{} }
func (c *counting) Matches(pw []byte) bool {
	c.asked = append(c.asked, string(pw))
	return string(pw) == c.of
}

// TestFormsOfAPassword: hashes of ours are of the prepared form and hashes of
// others of what was typed; what is one and the same costs one computation.
func TestFormsOfAPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, of, typed string
		want            bool
		computations    int
	}{
		{"ASCII, right", "secret", "secret", true, 1},
		{"ASCII, wrong", "secret", "wrong", false, 1},
		{"composed, right", "é", "é", true, 1},
		{"composed, wrong", "é", "è", false, 1},
		{"ours, typed decomposed", "é", "e\u0301", true, 1},
		{"another's of a decomposed one", "e\u0301", "e\u0301", true, 2},
		{"another's of a decomposed one, typed composed", "e\u0301", "é", false, 1},
		{"another's with its own space", "a\u00a0b", "a\u00a0b", true, 2},
		{"ours with a space", "a b", "a\u00a0b", true, 1},
		{"decomposed, wrong", "é", "e\u0300", false, 2},
	} {
		hash := &counting{of: test.of}
		if got := password.Matches(hash, test.typed); got != test.want || len(hash.asked) != test.computations {
			t.Errorf("%s: %v by %q", test.name, got, hash.asked)
		}
	}
}

func TestImportable(t *testing.T) {
	t.Parallel()
	for hash, reason := range map[string]string{
		"$2y$10$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                            "",
		"$2y$16$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                            "bcrypt cost is not 4 to 15",
		"$wp$2y$10$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                         "",
		"$wp$2y$16$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                         "bcrypt cost is not 4 to 15",
		"$wp$argon2id$v=19$m=65536,t=4,p=1$" + salt + "$" + tag:                                   "unknown format",
		"$2y$03$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                            "bcrypt cost is not 4 to 15",
		"$2y$+5$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                            "malformed bcrypt",
		"$2y$10$!uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom":                            "malformed bcrypt",
		"$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e":                            "CVE-2011-2483",
		"$2$05$......................XuQjdH.wPVNUZ/bOfstdW/FqB8QSjte":                             "$2$",
		"$argon2i$v=19$m=65536,t=4,p=1$" + salt + "$" + tag:                                       "",
		"$argon2i$v=19$m=1048576,t=1,p=1$" + salt + "$" + tag:                                     "argon2 parameters out of bounds",
		"$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + tag:                                          "unknown format",
		"$pbkdf2-sha256$29000$UwohRKg15pwzZoxxTslZiw$HJAWOSjGL15f3e2Q1l3L3hVbtZDN3SKZGNoooU0or58": "",
		"5f4dcc3b5aa765d61d8327deb882cf99":                                                        "unknown format",
		strings.Repeat("x", 513):                                                                  "longer than 512 characters",
	} {
		err := password.Importable(hash)
		if reason == "" {
			if err != nil {
				t.Errorf("%s: %v", hash, err)
			}
			continue
		}
		if !errors.Is(err, password.ErrHash) || !strings.Contains(err.Error(), reason) || strings.Contains(err.Error(), hash) {
			t.Errorf("%s: %v; want %s", hash, err, reason)
		}
		if _, again := password.Verify(hash, "secret"); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: Verify says %v", hash, again)
		}
	}
}

func TestOutdated(t *testing.T) {
	t.Parallel()
	argon, bcrypt := password.Argon2id{MemoryKiB: 64, Passes: 2}, password.Bcrypt{Cost: 10}
	for _, test := range []struct {
		name, hash string
		algorithm  password.Algorithm
		want       bool
	}{
		{"as it is made", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + tag, argon, false},
		{"memory", "$argon2id$v=19$m=65,t=2,p=1$" + salt + "$" + tag, argon, true},
		{"passes", "$argon2id$v=19$m=64,t=3,p=1$" + salt + "$" + tag, argon, true},
		{"lanes", "$argon2id$v=19$m=64,t=2,p=2$" + salt + "$" + tag, argon, true},
		{"Argon2i", "$argon2i$v=19$m=64,t=2,p=1$" + salt + "$" + tag, argon, true},
		{"salt", "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$" + tag, argon, true},
		{"tag", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + salt, argon, true},
		{"bcrypt", "$2y$10$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom", argon, true},
		{"another's bcrypt", "$2y$10$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom", bcrypt, false},
		{"cost", "$2y$12$.uU2aAqBClAdm0QTt1BGX.w8oGcBR2zPeJ8eFaEyO8y.piYIEhmom", bcrypt, true},
		{"Argon2id", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + tag, bcrypt, true},
		{"of another system", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", argon, true},
		{"unusable", "secret", argon, true},
	} {
		if got := password.Outdated(test.hash, test.algorithm); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		pool := password.NewPool(test.algorithm, 1, 0)
		if got := pool.Outdated(test.hash); got != test.want {
			t.Errorf("%s, by the pool: %v", test.name, got)
		}
		pool.Close()
	}
	for _, a := range []password.Algorithm{argon, bcrypt, password.DefaultArgon2id} {
		hash, err := a.Hash("secret")
		if err != nil {
			t.Fatal(err)
		}
		if class, err := password.Classify(hash); err != nil || class != a.Class() || password.Outdated(hash, a) {
			t.Errorf("%s is of class %s, %v; want %s", hash, class, err, a.Class())
		}
	}
}

// TestAnImportedHashIsReplaced: what a login does with one.
func TestAnImportedHashIsReplaced(t *testing.T) {
	t.Parallel()
	pool := password.NewPool(password.Argon2id{MemoryKiB: 64, Passes: 1}, 1, 0)
	defer pool.Close()
	const imported, pw = "{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7", "secret"
	if same, err := pool.Verify(t.Context(), imported, pw); err != nil || !same || !pool.Outdated(imported) {
		t.Fatalf("%v, %v", same, err)
	}
	hash, err := pool.Hash(t.Context(), pw)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := pool.Verify(t.Context(), hash, pw); err != nil || !same || pool.Outdated(hash) {
		t.Errorf("%v, %v", same, err)
	}
}
