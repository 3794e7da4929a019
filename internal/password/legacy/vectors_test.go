package legacy_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"registrar/internal/password/legacy"
)

type vector struct{ source, password, hash string }

// The tables are published vectors. passlib's are those of its version 1.7.4,
// passlib/tests/test_handlers*.py; PHP's those of ext/standard/tests/strings.
var published = []vector{
	// Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512", the tests of its code.
	{"SHA-crypt", "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
	{"SHA-crypt", "Hello world!", "$5$rounds=5000$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
	{"SHA-crypt", "Hello world!", "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"},
	{"SHA-crypt", "This is just a test", "$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"},
	{"SHA-crypt", "a very much longer text to encrypt.  This one even stretches over morethan one line.", "$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1"},
	{"SHA-crypt", "we have a short salt string but not a short password", "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/"},
	{"SHA-crypt", "a short string", "$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD"},
	{"SHA-crypt", "the minimum number is still observed", "$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC"},
	{"SHA-crypt", "Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
	{"SHA-crypt", "Hello world!", "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
	{"SHA-crypt", "This is just a test", "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
	{"SHA-crypt", "a very much longer text to encrypt.  This one even stretches over morethan one line.", "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
	{"SHA-crypt", "we have a short salt string but not a short password", "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"},
	{"SHA-crypt", "a short string", "$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1"},
	{"SHA-crypt", "the minimum number is still observed", "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."},
	{"PHP crypt_sha512.phpt", "foo", "$6$$QMXjqd7rHQZPQ1yHsXkQqC1FBzDiVfTHXL.LaeDAeVV.IzMaV9VU4MQ8kPuZa2SOP1A0RPm772EaFYjpEJtdu."},

	{"John the Ripper 1.7.9, by passlib", "U*U*U*U*", "$1$dXc3I7Rw$ctlgjDdWJLMT.qwHsWhXR1"},
	{"John the Ripper 1.7.9, by passlib", "U*U***U", "$1$dXc3I7Rw$94JPyQc/eAgQ3MFMCoMF.0"},
	{"John the Ripper 1.7.9, by passlib", "*U*U*U*U", "$1$eQT9Hwbt$XtuElNJD.eW5MN5UCWyTQ0"},
	{"John the Ripper 1.7.9, by passlib", "", "$1$Eu.GHtia$CFkL/nE1BYTlEPiVx1VWX0"},
	{"FreeBSD lib/libcrypt", "0.s0.l33t", "$1$deadbeef$0Huu6KHrKLVWfqa4WljDE0"},
	{"passlib", "4lpHa N|_|M3r1K W/ Cur5Es: #$%(*)(*%#", "$1$jQS7o98J$V6iTcr71CGgwW2laf17pi1"},
	{"passlib", "táБℓə", "$1$d6/Ky1lU$/xpf8m7ftmWLF.TjHCqel0"},

	{"phpass 0.3, test.php", "test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"},
	{"John the Ripper 1.7.9, by passlib", "test1", "$H$9aaaaaSXBjgypwqm.JsMssPLiS8YQ00"},
	{"John the Ripper 1.7.9, by passlib", "thisisalongertestPW", "$P$912345678LIjjb6PhecupozNBmDndU0"},
	{"John the Ripper 1.7.9, by passlib", "JohnRipper", "$P$B12345678L6Lpt4BxNotVIMILOa9u81"},
	{"John the Ripper 1.7.9, by passlib", "JohnRipper", "$H$712345678WhEyvy1YWzT4647jzeOmo0"},
	{"passlib", "", "$P$7JaFQsPzJSuenezefD/3jHgt5hVfNH0"},
	{"passlib", "compL3X!", "$P$FiS0N5L672xzQx1rt1vgdJQRYKnQM9/"},
	{"passlib", "táБℓə", "$P$7SMy8VxnfsIy2Sxm7fJxDSdil.h7TW."},

	{"passlib", "password", "$pbkdf2$1212$OB.dtnSEXZK8U5cgxU/GYQ$y5LKPOplRmok7CZp/aqVDVg8zGI"},
	{"passlib", "Ιωαννης", "$pbkdf2-sha256$1212$3SABFJGDtyhrQMVt1uABPw$WyaUoqCLgvz97s523nF4iuOqZNbp5Nt8do/cuaa7AiI"},
	{"passlib", "password", "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww"},
	{"Django 1.4, by passlib", "not a password", "pbkdf2_sha256$10000$kjVJaVz6qsnJ$5yPHw3rwJGECpUf70daLGhOrQ5+AMxIJdz1c3bqK1Rs="},
	{"Django 1.4, by passlib", "táБℓə", "pbkdf2_sha256$10000$bEwAfNrH1TlQ$OgYUblFNUX1B8GfMqaCYUK/iHyO0pa7STTDdaEJBuY0="},
	{"Django 1.4, by passlib", "not a password", "pbkdf2_sha1$10000$wz5B6WkasRoF$atJmJ1o+XfJxKq1+Nu1f1i57Z5I="},

	{"passlib", "test", "$scrypt$ln=8,r=8,p=1$wlhLyXmP8b53bm1NKYVQqg$mTpvG8lzuuDk+DWz8HZIB6Vum6erDuUm0As5yU+VxWA"},
	{"passlib", "password", "$scrypt$ln=8,r=2,p=1$dO6d0xoDoLT2PofQGoNQag$g/Wf2A0vhHhaJM+addK61QPBthSmYB6uVTtQzh8CM3o"},
	{"passlib", "nacl", "$scrypt$ln=1,r=4,p=2$yhnD+J+Tci4lZCwFgHCuVQ$fAsEWmxSHuC0cHKMwKVFPzrQukgvK09Sj+NueTSxKds"},

	{"passlib", "helloworld", "{MD5}/F4DjTilcDIIVEHn/nAQsA=="},
	{"passlib", "helloworld", "{SHA}at+xg6SiyUovktq1redipHiJpaE="},
	{"passlib", "testing1234", "{SMD5}UjFY34os/pnZQ3oQOzjqGu4yeXE="},
	{"passlib", "test", "{SMD5}XRlncfRzvGi0FDzgR98tUgBg7B3jXOs9p9S615qTkg=="},
	{"passlib", "secret", "{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7"},
	{"passlib", "táБℓə", "{SSHA}3yCSD1nLZXznra4N8XzZgAL+s1sQYsx5"},
	{"passlib", "password", "{SSHA256}x1tymSTVjozxQ2PtT46ysrzhZxbcskK0o2f8hEFx7fAQQmhtDSEkJA=="},
	{"an LDAP server, by passlib", "toomanysecrets", "{SSHA512}wExp4xjiCHS0zidJDC4UJq9EEeIebAQPJ1PWSwfhxWjfutI9XiiKuHm2AE41cEFfK+8HyI8bh+ztbczUGsvVFIgICWWPt7qu"},
	{"the scheme in lower case", "secret", "{ssha}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7"},

	// The examples of the algorithms' own texts: RFC 1321 A.5, FIPS 180-2 A to C.
	{"RFC 1321", "message digest", "$digest$md5$plain$$f96b697d7cb7938d525a2f31aaf161d0"},
	{"FIPS 180-2", "abc", "$digest$sha1$plain$$a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"FIPS 180-2", "abc", "$digest$sha256$plain$$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"FIPS 180-2", "abc", "$digest$sha512$plain$$ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
	{"FIPS 180-2, parted", "bc", "$digest$sha1$prefix$YQ$a9993e364706816aba3e25717850c26c9cd0d89d"},
	{"FIPS 180-2, parted", "ab", "$digest$sha256$suffix$Yw$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
}

// rfcs are vectors that are octets there, written in passlib's forms here.
var rfcs = []vector{
	{"RFC 6070", "password", pbkdf2("", 1, "salt", "0c60c80f961f0e71f3a9b524af6012062fe037a6")},
	{"RFC 6070", "password", pbkdf2("", 2, "salt", "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957")},
	{"RFC 6070", "password", pbkdf2("-sha1", 4096, "salt", "4b007901b765489abead49d926f721d065a429c1")},
	{"RFC 6070", "passwordPASSWORDpassword", pbkdf2("", 4096, "saltSALTsaltSALTsaltSALTsaltSALTsalt", "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038")},
	{"RFC 6070", "pass\x00word", pbkdf2("", 4096, "sa\x00lt", "56fa6aa75548099dcc37d7f03425e0c3")},
	{"RFC 7914 section 11", "passwd", pbkdf2("-sha256", 1, "salt", "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")},
	{"RFC 7914 section 11", "Password", pbkdf2("-sha256", 80000, "NaCl", "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d")},
	{"RFC 7914 section 12", "", scrypt(4, 1, 1, "", "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906")},
	{"RFC 7914 section 12", "password", scrypt(10, 8, 16, "NaCl", "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")},
	{"RFC 7914 section 12", "pleaseletmein", scrypt(14, 8, 1, "SodiumChloride", "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")},
}

func pbkdf2(name string, iterations int, salt, tag string) string {
	return strings.ReplaceAll(fmt.Sprintf("$pbkdf2%s$%d$%s$%s", name, iterations, b64(salt), b64(unhex(tag))), "+", ".")
}

func scrypt(ln, r, p int, salt, tag string) string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", ln, r, p, b64(salt), b64(unhex(tag)))
}

func b64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

func unhex(s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	for _, v := range append(rfcs, published...) {
		t.Run(v.source+" "+v.hash, func(t *testing.T) {
			t.Parallel()
			h, err := legacy.Parse(v.hash)
			if err != nil {
				t.Fatal(err)
			}
			if !h.Matches([]byte(v.password)) {
				t.Error("its own password does not match")
			}
			for _, other := range []string{v.password + "x", "x" + v.password} {
				if h.Matches([]byte(other)) {
					t.Errorf("%q matches too", other)
				}
			}
		})
	}
}

// TestNoPasswordEndsAtNUL: except that HMAC cannot tell a key from the same with
// a NUL behind it (RFC 2104 section 2), which holds for PBKDF2 and scrypt.
func TestNoPasswordEndsAtNUL(t *testing.T) {
	t.Parallel()
	for _, v := range published {
		h, err := legacy.Parse(v.hash)
		if err != nil {
			t.Fatal(err)
		}
		hmac := strings.Contains(v.hash, "pbkdf2") || strings.HasPrefix(v.hash, "$scrypt")
		if h.Matches([]byte(v.password+"\x00x")) || h.Matches([]byte(v.password+"\x00")) && !hmac {
			t.Errorf("%s: cut", v.hash)
		}
	}
}
