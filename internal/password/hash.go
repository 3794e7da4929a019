package password

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Algorithm makes the hashes of new passwords.
type Algorithm interface {
	// Hash takes a password of any length and makes its hash with a new salt.
	// It takes tens of milliseconds of CPU and, for Argon2id, its memory.
	Hash(password string) (string, error)
	// MaxBytes is how long a password may be, in octets of its normalized
	// UTF-8 form; 0 is no limit.
	MaxBytes() int
}

// ErrHash is a stored hash that this package does not verify: of an unknown
// format, malformed, or more costly than it takes. The hash is in no error text.
var ErrHash = errors.New("password: unusable stored hash")

func errHash(why string) error { return fmt.Errorf("%w: %s", ErrHash, why) }

// Verify says whether hash, of either format, was made from password, in time
// that does not depend on where they differ. The error is ErrHash.
func Verify(hash, password string) (bool, error) {
	switch {
	case strings.HasPrefix(hash, argon2idPrefix):
		return verifyArgon2id(hash, prepare(password))
	case strings.HasPrefix(hash, "$2"):
		return verifyBcrypt(hash, prepare(password))
	default:
		return false, errHash("unknown format")
	}
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
