package password

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// Bcrypt is the choice for systems that must share hashes with others. It
// takes 72 octets of a password at most; a longer one is refused, never cut.
type Bcrypt struct {
	Cost int // the binary logarithm of its rounds; 10 to 15
}

// Limits of bcrypt and of what is taken of it.
const (
	// BcryptMaxBytes is all that bcrypt reads of a password.
	BcryptMaxBytes = 72
	MinBcryptCost  = 10 // for new hashes; OWASP's least
	// MaxBcryptCost holds for stored hashes too: about 1.6 s of one core.
	MaxBcryptCost = 15
	bcryptTextLen = 60
)

// MaxBytes is 72.
func (b Bcrypt) MaxBytes() int { return BcryptMaxBytes }

// Check says what is wrong with the parameters.
func (b Bcrypt) Check() error {
	if b.Cost < MinBcryptCost || b.Cost > MaxBcryptCost {
		return fmt.Errorf("password: bcrypt cost must be %d to %d", MinBcryptCost, MaxBcryptCost)
	}
	return nil
}

// Hash makes the modular crypt string "$2a$COST$SALTTAG". A password of more
// than 72 octets is an error; Policy refuses it first.
func (b Bcrypt) Hash(password string) (string, error) {
	if err := b.Check(); err != nil {
		return "", err
	}
	hash, err := bcrypt.GenerateFromPassword(prepare(password), b.Cost)
	if err != nil {
		return "", fmt.Errorf("password: %w", err)
	}
	return string(hash), nil
}

// verifyBcrypt takes $2a$, $2b$ and $2y$, which differ by name only for
// passwords of up to 72 octets. A longer password has no hash here.
func verifyBcrypt(hash string, password []byte) (bool, error) {
	if len(hash) != bcryptTextLen || hash[3] != '$' || (hash[2] != 'a' && hash[2] != 'b' && hash[2] != 'y') {
		return false, errHash("not bcrypt's $2a$, $2b$ or $2y$")
	}
	cost, err := bcrypt.Cost([]byte(hash))
	if err != nil {
		return false, errHash("malformed bcrypt")
	}
	if cost > MaxBcryptCost {
		return false, errHash("bcrypt cost out of bounds")
	}
	if len(password) > BcryptMaxBytes {
		return false, nil
	}
	switch err := bcrypt.CompareHashAndPassword([]byte(hash), password); {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	default:
		return false, errHash("malformed bcrypt")
	}
}
