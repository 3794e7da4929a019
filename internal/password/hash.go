package password

import (
	"bytes"
	"crypto/rand"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"registrar/internal/password/legacy"
)

// Algorithm makes the hashes of new passwords.
type Algorithm interface {
	// Hash takes a password of any length and makes its hash with a new salt.
	// It takes tens of milliseconds of CPU and, for Argon2id, its memory.
	Hash(password string) (string, error)
	// MaxBytes is how long a password may be, in octets of its normalized
	// UTF-8 form; 0 is no limit.
	MaxBytes() int
	// Class is that of the hashes that Hash makes.
	Class() Class
}

// ErrHash is a stored hash that is not verified: of an unknown format,
// malformed, or more costly than is taken. The hash is in no error text.
var ErrHash = legacy.ErrHash

// Class is what the time to verify a hash depends on: its format and its cost.
type Class = legacy.Class

// Verify says whether hash, of any format of this package and of package
// legacy, was made from password, in time that does not depend on where they
// differ. Hashes of this package were made of the prepared password and those
// of others of its octets, and the text does not tell them apart: so where the
// two differ, which they do not for ASCII, both are tried. The error is ErrHash.
func Verify(hash, password string) (bool, error) {
	h, err := parse(hash)
	if err != nil {
		return false, err
	}
	return matches(h, password), nil
}

func matches(h legacy.Hash, password string) bool {
	prepared, raw := prepare(password), []byte(password)
	return h.Matches(prepared) || !bytes.Equal(prepared, raw) && h.Matches(raw)
}

// Importable says why a hash that another system made cannot be taken over:
// the error is ErrHash, with a reason that names the rule and does not hold
// the hash. Verify takes what it takes, and nothing else.
func Importable(hash string) error {
	_, err := parse(hash)
	return err
}

// Classify gives the class of a stored hash. The error is ErrHash.
func Classify(hash string) (Class, error) {
	h, err := parse(hash)
	if err != nil {
		return Class{}, err
	}
	return h.Class(), nil
}

// Outdated says whether hash is not what algorithm would make today: of
// another class, with a salt or a tag of another length, or unusable. A hash
// that another system made just as this one would is not.
func Outdated(hash string, algorithm Algorithm) bool {
	h, err := parse(hash)
	if err != nil || h.Class() != algorithm.Class() {
		return true
	}
	a, ok := h.(argon2Hash)
	return ok && (len(a.salt) != argon2SaltLen || len(a.tag) != argon2TagLen)
}

// parse reads the formats of this package and, for all others, asks legacy.
func parse(hash string) (legacy.Hash, error) {
	switch {
	case len(hash) > legacy.MaxText:
		return nil, legacy.Refuse("longer than 512 characters")
	case strings.HasPrefix(hash, argon2idPrefix), strings.HasPrefix(hash, argon2iPrefix):
		return parseArgon2(hash)
	case strings.HasPrefix(hash, "$2"):
		return parseBcrypt(hash)
	case strings.HasPrefix(hash, wordPressPrefix+"$2"):
		return parseWordPress(hash)
	default:
		return legacy.Parse(hash)
	}
}

// blank is the text of a hash of a class with the salt and the tag that random
// gives. The error is ErrHash for a class that is none, or random's.
func blank(class Class, random io.Reader) (string, error) {
	make := blankBcrypt
	switch class.Format {
	case "argon2id", "argon2i":
		make = blankArgon2
	case wordPressFormat:
		make = blankWordPress
	case "bcrypt":
	default:
		return legacy.Blank(class, random)
	}
	text, err := make(class, random)
	if err != nil {
		return "", err
	}
	if got, err := Classify(text); err != nil || got != class {
		return "", legacy.Refuse("unknown class")
	}
	return text, nil
}

// prepare is the form in which passwords are hashed; see the package comment.
func prepare(password string) []byte {
	spaces := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.Is(unicode.Zs, r) {
			return ' '
		}
		return r
	}, password)
	return norm.NFC.Bytes([]byte(spaces))
}

// newSalt is n random octets. crypto/rand never fails: it ends the program instead.
func newSalt(n int) []byte {
	salt := make([]byte, n)
	_, _ = rand.Read(salt)
	return salt
}
