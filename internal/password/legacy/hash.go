package legacy

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ErrHash is a stored hash that cannot be verified: of an unknown format,
// malformed, or more costly than is taken. The hash is in no error text.
var ErrHash = errors.New("password: unusable stored hash")

// Refuse is ErrHash with its reason, which must not hold the hash.
func Refuse(reason string) error { return fmt.Errorf("%w: %s", ErrHash, reason) }

// Class is what the time to verify a hash depends on. Hashes of one class take
// the same time for one password.
type Class struct {
	Format string // what made it: "bcrypt", "pbkdf2-sha256", "md5"
	Cost   string // its parameters in the format's own notation: "10", "m=19456,t=2,p=1"; empty if it has none
}

// String is for reports: "pbkdf2-sha256 29000".
func (c Class) String() string { return strings.TrimSuffix(c.Format+" "+c.Cost, " ") }

// Hash is a stored hash that is well-formed and within bounds.
type Hash interface {
	// Class tells its cost.
	Class() Class
	// Matches says whether it was made of these octets, in time that does not
	// depend on where the result differs.
	Matches(password []byte) bool
}

// What is taken of a hash's text and of a password, whatever the format.
const (
	// MaxText is in characters: a stored hash has a column of 512.
	MaxText = 512
	// MaxPassword is in octets: phpass, PHP and passlib take no more than 4096.
	MaxPassword = 4096
	// MaxStretch bounds rounds times octets of the password, for formats that
	// hash the whole password in each round: less than a second of one core. With
	// 5000 rounds it is any password, with a million one of 268 octets.
	MaxStretch = 1 << 28

	minTag, maxTag = 16, 64 // octets; a shorter tag is guessed, a longer one only costs
	maxSalt        = 64     // octets
)

// formats are by the start of the text what reads the rest of it.
var formats = []struct {
	prefix string
	parse  func(rest string) (Hash, error)
}{
	{"$scrypt$", parseScrypt},
	{"$pbkdf2$", pbkdf2SHA1.parseModular},
	{"$pbkdf2-sha1$", pbkdf2SHA1.parseModular},
	{"$pbkdf2-sha256$", pbkdf2SHA256.parseModular},
	{"$pbkdf2-sha512$", pbkdf2SHA512.parseModular},
	{"pbkdf2_sha1$", pbkdf2SHA1.parseDjango},
	{"pbkdf2_sha256$", pbkdf2SHA256.parseDjango},
	{"pbkdf2_sha512$", pbkdf2SHA512.parseDjango},
	{"$5$", sha256Crypt.parse},
	{"$6$", sha512Crypt.parse},
	{"$1$", parseMD5Crypt},
	{"$P$", parsePhpass},
	{"$H$", parsePhpass},
	{"$digest$", parseDigest},
	{"{", parseScheme},
}

// Parse reads a hash of this package's formats. The error is ErrHash.
func Parse(text string) (Hash, error) {
	if len(text) > MaxText {
		return nil, Refuse("longer than 512 characters")
	}
	for _, f := range formats {
		if rest, found := strings.CutPrefix(text, f.prefix); found {
			return f.parse(rest)
		}
	}
	return nil, Refuse("unknown format")
}

// blanks are by Class.Format what makes a text of its cost.
var blanks = map[string]func(cost string, random io.Reader) (string, error){
	"scrypt":        blankScrypt,
	"pbkdf2-sha1":   pbkdf2SHA1.blank,
	"pbkdf2-sha256": pbkdf2SHA256.blank,
	"pbkdf2-sha512": pbkdf2SHA512.blank,
	"sha256-crypt":  sha256Crypt.blank,
	"sha512-crypt":  sha512Crypt.blank,
	"md5-crypt":     blankMD5Crypt,
	"phpass":        blankPhpass,
	"md5":           md5Digest.blank,
	"sha1":          sha1Digest.blank,
	"sha256":        sha256Digest.blank,
	"sha512":        sha512Digest.blank,
}

// Blank makes the text of a hash whose salt and tag are what random gives: one
// that costs what the others of the class do and that no password has. The
// error is ErrHash for a class that no hash of this package has, or random's.
func Blank(class Class, random io.Reader) (string, error) {
	blank, ok := blanks[class.Format]
	if !ok {
		return "", Refuse("unknown class")
	}
	text, err := blank(class.Cost, random)
	if err != nil {
		return "", err
	}
	if hash, err := Parse(text); err != nil || hash.Class() != class {
		return "", Refuse("unknown class")
	}
	return text, nil
}

// octets takes n of them from random.
func octets(random io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(random, b)
	return b, err
}

// itoa64 is the alphabet of crypt(3).
const itoa64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// characters takes n characters of itoa64 from random.
func characters(random io.Reader, n int) (string, error) {
	b, err := octets(random, n)
	for i := range b {
		b[i] = itoa64[b[i]%64]
	}
	return string(b), err
}

// isItoa64 says whether s is n such characters.
func isItoa64(s string, n int) bool {
	return len(s) == n && strings.Trim(s, itoa64) == ""
}

// number reads a decimal number as formats write it, without sign or leading zeros.
func number(s string, least, most int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s && n >= least && n <= most
}
