package legacy_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"registrar/internal/password/legacy"
)

const (
	salt16 = "MDEyMzQ1Njc4OWFiY2RlZg"
	tag32  = "gy5SuVm5Z7Vw7keB9se9p87QGcomaseB/S2U1OhTsM0"
	tag5   = "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
	sha1   = "a9993e364706816aba3e25717850c26c9cd0d89d"
)

// TestMalformedAndCostly: refused before any of their cost is paid, by a reason
// that names the rule. Each of the costly ones would take from seconds to
// centuries, or gigabytes.
func TestMalformedAndCostly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, hash, reason string }{
		{"empty", "", "unknown format"},
		{"plain text", "secret", "unknown format"},
		{"hexadecimal alone", sha1, "unknown format"},
		{"endless", "$5$" + strings.Repeat("A", 1<<20), "512 characters"},
		{"DES crypt", "qiyh4XPJGsOZ2", "unknown format"},
		{"yescrypt", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "unknown format"},
		{"scrypt by crypt(3)", "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", "unknown format"},

		{"scrypt, the RFC's gigabyte", scrypt(20, 8, 1, "SodiumChloride", strings.Repeat("00", 64)), "memory"},
		{"scrypt, memory", scrypt(17, 9, 1, "salt", strings.Repeat("00", 32)), "memory"},
		{"scrypt, work", scrypt(17, 8, 2, "salt", strings.Repeat("00", 32)), "work"},
		{"scrypt, lanes", scrypt(4, 1, 17, "salt", strings.Repeat("00", 32)), "out of bounds"},
		{"scrypt, block", scrypt(4, 33, 1, "salt", strings.Repeat("00", 32)), "out of bounds"},
		{"scrypt, overflow", "$scrypt$ln=64,r=8,p=1$" + salt16 + "$" + tag32, "out of bounds"},
		{"scrypt, nothing", "$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + tag32, "out of bounds"},
		{"scrypt, negative", "$scrypt$ln=-1,r=8,p=1$" + salt16 + "$" + tag32, "out of bounds"},
		{"scrypt, order", "$scrypt$r=8,ln=4,p=1$" + salt16 + "$" + tag32, "ln, r, p"},
		{"scrypt, too few", "$scrypt$ln=4,r=8$" + salt16 + "$" + tag32, "ln, r, p"},
		{"scrypt, parts", "$scrypt$ln=4,r=8,p=1$" + salt16, "$scrypt$"},
		{"scrypt, salt", "$scrypt$ln=4,r=8,p=1$!$" + tag32, "salt"},
		{"scrypt, long salt", scrypt(4, 8, 1, strings.Repeat("s", 65), strings.Repeat("00", 32)), "salt"},
		{"scrypt, no tag", "$scrypt$ln=4,r=8,p=1$" + salt16 + "$", "tag"},
		{"scrypt, long tag", scrypt(4, 8, 1, "salt", strings.Repeat("00", 65)), "tag"},

		{"PBKDF2, RFC 6070's 16777216", pbkdf2("", 16777216, "salt", "eefe3d61cd4da4e4e9945b3d6ba2158c2634e984"), "iterations"},
		{"PBKDF2, one too many", pbkdf2("-sha256", 2_000_001, "salt", strings.Repeat("00", 32)), "iterations"},
		{"PBKDF2, blocks", pbkdf2("-sha256", 1_000_001, "salt", strings.Repeat("00", 33)), "blocks"},
		{"PBKDF2, overflow", "$pbkdf2-sha256$18446744073709551617$" + salt16 + "$" + tag32, "iterations"},
		{"PBKDF2, none", "$pbkdf2-sha256$0$" + salt16 + "$" + tag32, "iterations"},
		{"PBKDF2, negative", "$pbkdf2-sha256$-1$" + salt16 + "$" + tag32, "iterations"},
		{"PBKDF2, zero-padded", "$pbkdf2-sha256$01212$" + salt16 + "$" + tag32, "iterations"},
		{"PBKDF2, parts", "$pbkdf2-sha256$1212$" + salt16, "ITERATIONS$SALT$TAG"},
		{"PBKDF2, more parts", "$pbkdf2-sha256$1212$" + salt16 + "$" + tag32 + "$", "ITERATIONS$SALT$TAG"},
		{"PBKDF2, no salt", "$pbkdf2-sha256$1212$$" + tag32, "salt"},
		{"PBKDF2, short tag", "$pbkdf2-sha256$1212$" + salt16 + "$AAAA", "tag"},
		{"PBKDF2, standard base64", "$pbkdf2-sha256$1212$" + salt16 + "$+" + tag32[1:], "tag is not base64"},
		{"PBKDF2, another hash", "$pbkdf2-sha384$1212$" + salt16 + "$" + tag32, "unknown format"},
		{"Django, unpadded", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$" + tag32, "tag is not base64"},
		{"Django, salt", "pbkdf2_sha256$10000$k j$" + tag32 + "=", "printable"},
		{"Django, costly", "pbkdf2_sha256$99999999$kj$" + tag32 + "=", "iterations"},

		{"SHA-crypt, rounds", "$5$rounds=999999999$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, one too many", "$5$rounds=1000001$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, too few", "$5$rounds=999$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, overflow", "$5$rounds=18446744073709556616$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, text", "$5$rounds=many$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, two", "$5$rounds=1000,rounds=999999999$saltstring$" + tag5, "rounds"},
		{"SHA-crypt, long salt", "$5$saltstringsaltstr$" + tag5, "salt"},
		{"SHA-crypt, salt", "$5$salt string$" + tag5, "salt"},
		{"SHA-crypt, no tag", "$5$saltstring$", "tag"},
		{"SHA-crypt, the other's tag", "$6$saltstring$" + tag5, "tag"},
		{"SHA-crypt, tag", "$5$saltstring$!" + tag5[1:], "tag"},
		{"SHA-crypt, parts", "$5$saltstring", "salt"},
		{"SHA-crypt, more parts", "$5$saltstring$" + tag5 + "$", "salt"},

		{"MD5-crypt, long salt", "$1$dOHYPKoPx$tnxS1T8Q6VVn3kpV8cN6o.", "salt"},
		{"MD5-crypt, tag", "$1$dOHYPKoP$tnxS1T8Q6VVn3kpV8cN6o!", "tag"},
		{"MD5-crypt, more parts", "$1$dOHYPKoP$tnxS1T8Q6VVn3kpV8cN6o.$", "tag"},
		{"MD5-crypt, parts", "$1$dOHYPKoP", "salt"},
		{"Sun's MD5-crypt", "$md5,rounds=904$Vc3VgyFx44iS8.Yu$Scf90iLWN6O6mT9TA06NK/", "unknown format"},

		{"phpass, 2^30", "$P$SIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "rounds"},
		{"phpass, 2^21", "$P$JIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "rounds"},
		{"phpass, 2^6", "$P$4IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "rounds"},
		{"phpass, short", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L", "malformed"},
		{"phpass, alphabet", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L!", "malformed"},

		{"LDAP, unknown", "{SHA384}AAAA", "{SCHEME}"},
		{"LDAP, open", "{SHA", "{SCHEME}"},
		{"LDAP, nothing", "{", "{SCHEME}"},
		{"LDAP, hexadecimal", "{SHA}" + sha1, "plain digest with a salt"},
		{"LDAP, unpadded", "{SHA}at+xg6SiyUovktq1redipHiJpaE", "base64"},
		{"LDAP, a salt too many", "{SHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7", "plain digest with a salt"},
		{"LDAP, a salt too few", "{SSHA}at+xg6SiyUovktq1redipHiJpaE=", "salt"},
		{"LDAP, long salt", "{SSHA}" + strings.Repeat("AAAA", 29), "salt"},
		{"LDAP, empty", "{SSHA}", "length"},

		{"digest, algorithm", "$digest$sha3$plain$$" + sha1, "algorithm"},
		{"digest, order", "$digest$sha1$middle$YQ$" + sha1, "order"},
		{"digest, salt", "$digest$sha1$prefix$YQ==$" + sha1, "base64"},
		{"digest, no salt", "$digest$sha1$prefix$$" + sha1, "salt"},
		{"digest, plain with a salt", "$digest$sha1$plain$YQ$" + sha1, "plain digest with a salt"},
		{"digest, upper case", "$digest$sha1$plain$$" + strings.ToUpper(sha1), "hexadecimal"},
		{"digest, short", "$digest$sha1$plain$$" + sha1[2:], "length"},
		{"digest, parts", "$digest$sha1$plain$" + sha1, "$digest$ALGORITHM"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, err := legacy.Parse(test.hash)
			if h != nil || !errors.Is(err, legacy.ErrHash) || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("%v, %v; want a reason with %q", h, err, test.reason)
			}
			for _, part := range strings.Split(test.hash, "$") {
				if len(part) > 8 && strings.Contains(err.Error(), part) && !strings.Contains("unknown format", part) {
					t.Errorf("the error holds a part of the hash: %v", err)
				}
			}
		})
	}
}

// TestLongPasswords match nothing where they would cost more than is taken.
func TestLongPasswords(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", legacy.MaxPassword+1)
	for _, v := range published {
		h, err := legacy.Parse(v.hash)
		if err != nil {
			t.Fatal(err)
		}
		if h.Matches([]byte(long)) {
			t.Errorf("%s: matches", v.hash)
		}
	}
	// passlib 1.7.4: hash.sha512_crypt.using(salt="longpasswords", rounds=ROUNDS).hash("x" * OCTETS),
	// hash.phpass.using(salt="longpass", rounds=19).hash("x" * OCTETS) and hash.ldap_sha1.hash("x" * OCTETS).
	for _, test := range []struct {
		hash   string
		octets int
		want   bool
	}{
		{"$6$longpasswords$XjOzYrtbhsgslaPJDbonyrGQQJKGel5eYvgDhRoOT52IHMohw/RUeoS5erhs6ANKKNmwctoHRCHn5NSiX19Ik/", 4096, true},
		{"$6$rounds=1000000$longpasswords$QBQdxpy8hVX4RVqjT4R10ADb.mTQDHHlLEhWXmksnRJtejKdgYRLwQHu3Dqv6SWTA3OUtzo5tAXUssBHf4LwQ1", 269, false}, // its own
		{"$P$HlongpassGlBmNG663JTeuTU4oBxzZ1", 512, true},
		{"$P$Hlongpasst.6dnITxa32FqQ2soGmjG/", 513, false},
		{"{SHA}BJTcWS2gShdTIjkY6nO8uGh2Nyw=", legacy.MaxPassword, true},
	} {
		h, err := legacy.Parse(test.hash)
		if err != nil {
			t.Fatal(err)
		}
		if h.Matches([]byte(long[:test.octets])) != test.want {
			t.Errorf("%s, %d octets: not %v", test.hash, test.octets, test.want)
		}
	}
}

// TestBlank: a text of the class that nothing matches, the same for the same octets.
func TestBlank(t *testing.T) {
	t.Parallel()
	seen := map[legacy.Class]bool{}
	for i, v := range append(rfcs, published...) {
		h, err := legacy.Parse(v.hash)
		if err != nil {
			t.Fatal(err)
		}
		class := h.Class()
		if seen[class] {
			continue
		}
		seen[class] = true
		random := func(n int) io.Reader { return rand.NewChaCha8([32]byte{byte(n)}) }
		text, err := legacy.Blank(class, random(i))
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		if again, err := legacy.Blank(class, random(i)); err != nil || again != text {
			t.Errorf("%s: %s, then %s, %v", class, text, again, err)
		}
		if other, err := legacy.Blank(class, random(i+1)); err != nil || other == text {
			t.Errorf("%s: the same of other octets, %v", class, err)
		}
		blank, err := legacy.Parse(text)
		if err != nil || blank.Class() != class {
			t.Errorf("%s: %s is %v, %v", class, text, blank, err)
		} else if blank.Matches([]byte(v.password)) {
			t.Errorf("%s: a password matches", class)
		}
	}
	if len(seen) < 20 {
		t.Errorf("%d classes only", len(seen))
	}
	for _, class := range []legacy.Class{
		{}, {Format: "rot13"}, {Format: "md5", Cost: "1"}, {Format: "scrypt"}, {Format: "scrypt", Cost: "ln=20,r=8,p=1"}, {Format: "scrypt", Cost: "ln=4,r=8,p=1$x"},
		{Format: "pbkdf2-sha1", Cost: "x"}, {Format: "phpass", Cost: "99"}, {Format: "sha256-crypt", Cost: "1"}, {Format: "md5-crypt", Cost: "$"},
	} {
		if text, err := legacy.Blank(class, rand.NewChaCha8([32]byte{})); !errors.Is(err, legacy.ErrHash) {
			t.Errorf("%q: %s, %v", class, text, err)
		}
	}
	if _, err := legacy.Blank(legacy.Class{Format: "md5"}, strings.NewReader("too few")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too few octets: %v", err)
	}
}

func TestClass(t *testing.T) {
	t.Parallel()
	for hash, want := range map[string]string{
		published[0].hash: "sha256-crypt 5000", // as with "rounds=5000"
		published[1].hash: "sha256-crypt 5000",
		pbkdf2("", 1000, "salt", strings.Repeat("00", 20)):            "pbkdf2-sha1 1000",
		pbkdf2("", 1000, "salt", strings.Repeat("00", 21)):            "pbkdf2-sha1 2000", // two blocks
		pbkdf2("-sha512", 1000, "salt", strings.Repeat("00", 64)):     "pbkdf2-sha512 1000",
		"pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I=": "pbkdf2-sha1 10000",
		"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0":                          "phpass 11",
		"$H$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0":                          "phpass 11",
		"$1$Eu.GHtia$CFkL/nE1BYTlEPiVx1VWX0":                          "md5-crypt",
		"{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7":                      "sha1",
		"$digest$sha1$plain$$" + sha1:                                 "sha1",
		scrypt(10, 8, 16, "NaCl", strings.Repeat("00", 32)):           "scrypt ln=10,r=8,p=16",
	} {
		if h, err := legacy.Parse(hash); err != nil || h.Class().String() != want {
			t.Errorf("%s: %v, %v; want %s", hash, h, err, want)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		algorithm string
		order     legacy.Order
		salt, sum string
		want      string // "" for ErrHash
	}{
		{"sha1", legacy.Plain, "", sha1, "$digest$sha1$plain$$" + sha1},
		{"sha1", legacy.Suffix, "salt", strings.ToUpper(sha1), "$digest$sha1$suffix$c2FsdA$" + sha1},
		{"sha1", legacy.Prefix, "\x00\xff", sha1, "$digest$sha1$prefix$AP8$" + sha1},
		{"sha1", legacy.Plain, "salt", sha1, ""},
		{"sha1", legacy.Suffix, "", sha1, ""},
		{"sha1", "", "salt", sha1, ""},
		{"sha-1", legacy.Plain, "", sha1, ""},
		{"md5", legacy.Plain, "", sha1, ""},
		{"sha1", legacy.Plain, "", "zz" + sha1[2:], ""},
		{"sha1", legacy.Plain, "", "$" + sha1, ""},
		{"sha1", legacy.Suffix, strings.Repeat("s", 65), sha1, ""},
	} {
		got, err := legacy.Digest(test.algorithm, test.order, []byte(test.salt), test.sum)
		if got != test.want || (err == nil) != (test.want != "") || err != nil && !errors.Is(err, legacy.ErrHash) {
			t.Errorf("%+v: %s, %v", test, got, err)
		}
	}
}

func BenchmarkBounds(b *testing.B) {
	zeros := func(n int) string { return strings.Repeat("00", n) }
	for _, bench := range []struct {
		name, hash string
		octets     int
	}{
		{"scrypt", scrypt(17, 8, 1, "salt", zeros(32)), 20},
		{"pbkdf2-sha1", pbkdf2("-sha1", legacy.MaxPBKDF2Work, "salt", zeros(20)), 20},
		{"pbkdf2-sha256", pbkdf2("-sha256", legacy.MaxPBKDF2Work, "salt", zeros(32)), 20},
		{"pbkdf2-sha512", pbkdf2("-sha512", legacy.MaxPBKDF2Work, "salt", zeros(64)), 20},
		{"sha256-crypt", fmt.Sprintf("$5$rounds=%d$saltstring$%s", legacy.MaxSHACryptRounds, tag5), 268},
		{"sha512-crypt", fmt.Sprintf("$6$rounds=%d$saltstring$%s", legacy.MaxSHACryptRounds, tag5+tag5), 268},
		{"sha512-crypt, long password", "$6$saltstring$" + tag5 + tag5, legacy.MaxPassword},
		{"phpass", "$P$IIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", 256},
		{"md5-crypt, long password", "$1$dOHYPKoP$tnxS1T8Q6VVn3kpV8cN6o.", legacy.MaxPassword},
	} {
		b.Run(bench.name, func(b *testing.B) {
			h, err := legacy.Parse(bench.hash)
			if err != nil {
				b.Fatal(err)
			}
			password := []byte(strings.Repeat("x", bench.octets))
			for b.Loop() {
				if h.Matches(password) {
					b.Fatal("matches")
				}
			}
		})
	}
}
