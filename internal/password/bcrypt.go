package password

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"registrar/internal/password/legacy"
)

// Bcrypt is the choice for systems that must share hashes with others. It
// takes 72 octets of a password at most; no hash is made of a longer one.
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

	bcryptAlphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
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

// Class is that of the hashes that Hash makes.
func (b Bcrypt) Class() Class { return Class{Format: "bcrypt", Cost: strconv.Itoa(b.Cost)} }

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

// bcryptHash is one of $2a$, $2b$ or $2y$, which differ by name only: the
// names tell of errors that C programs once had, with 8-bit characters (up to
// 2011) and with passwords of over 255 octets (up to 2014). A $2a$ that was made
// by such an error matches nothing.
type bcryptHash struct {
	text string
	cost int
}

func parseBcrypt(text string) (legacy.Hash, error) {
	switch {
	case strings.HasPrefix(text, "$2x$"):
		return nil, legacy.Refuse("bcrypt $2x$, of passwords whose 8-bit characters were taken wrongly (CVE-2011-2483)")
	case strings.HasPrefix(text, "$2$"):
		return nil, legacy.Refuse("bcrypt $2$, of the time before its passwords ended with a NUL")
	case len(text) != bcryptTextLen || text[3] != '$' || text[2] != 'a' && text[2] != 'b' && text[2] != 'y':
		return nil, legacy.Refuse("not the 60 characters of bcrypt's $2a$, $2b$ or $2y$")
	case text[6] != '$' || strings.Trim(text[4:6], "0123456789") != "" || strings.Trim(text[7:], bcryptAlphabet) != "":
		return nil, legacy.Refuse("malformed bcrypt")
	}
	cost := int(text[4]-'0')*10 + int(text[5]-'0')
	if cost < bcrypt.MinCost || cost > MaxBcryptCost {
		return nil, legacy.Refuse("bcrypt cost is not 4 to 15")
	}
	return bcryptHash{text, cost}, nil
}

func (h bcryptHash) Class() Class { return Class{Format: "bcrypt", Cost: strconv.Itoa(h.cost)} }

// Matches takes the first 72 octets of a longer password, as those do that made
// the hashes of other systems. Hash makes none of a longer one.
func (h bcryptHash) Matches(password []byte) bool {
	return bcrypt.CompareHashAndPassword([]byte(h.text), password[:min(len(password), BcryptMaxBytes)]) == nil
}

func blankBcrypt(class Class, random io.Reader) (string, error) {
	cost, err := strconv.Atoi(class.Cost)
	if err != nil {
		return "", legacy.Refuse("unknown class")
	}
	b := make([]byte, 53) // characters of the salt and of the tag
	_, err = io.ReadFull(random, b)
	for i := range b {
		b[i] = bcryptAlphabet[b[i]%64]
	}
	return fmt.Sprintf("$2b$%02d$%s", cost, b), err
}
