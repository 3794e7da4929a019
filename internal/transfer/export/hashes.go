package export

import (
	"fmt"
	"slices"
	"strings"

	"registrar/internal/password"
)

// AsTheyAre is the choice to change no hash.
const AsTheyAre = "as-they-are"

// Hashes are the formats of hashes that the reader verifies.
type Hashes struct {
	formats []string // nil for all, as they are
}

// formats that can be asked for, as password.Class names them.
var formats = []string{
	"bcrypt", "argon2id", "argon2i", "scrypt", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512", "sha256-crypt", "sha512-crypt", "md5-crypt", "phpass",
	"md5", "sha1", "sha256", "sha512",
}

// ParseHashes reads AsTheyAre, or formats with commas between.
func ParseHashes(text string) (Hashes, error) {
	if text == AsTheyAre {
		return Hashes{}, nil
	}
	h := Hashes{formats: []string{}}
	for f := range strings.SplitSeq(text, ",") {
		if f = strings.TrimSpace(f); !slices.Contains(formats, f) {
			return h, fmt.Errorf("%q is no format of hashes: write %s, or some of %s with commas between", f, AsTheyAre, strings.Join(formats, ", "))
		}
		h.formats = append(h.formats, f)
	}
	return h, nil
}

// unknown is the class of hashes that nothing here reads.
const unknown = "unknown"

// give says what is written of a hash, and its class. Where bcrypt is asked for it
// is written as PHP marks its own, $2y$: $2a$ and $2b$ are the same algorithm.
func (h Hashes) give(hash string) (text, class string) {
	c, err := password.Classify(hash)
	switch {
	case err != nil && h.formats == nil:
		return hash, unknown
	case err != nil:
		return "", unknown
	case h.formats == nil:
		return hash, c.String()
	case !slices.Contains(h.formats, c.Format):
		return "", c.String()
	case c.Format == "bcrypt":
		return "$2y$" + hash[len("$2a$"):], c.String()
	default:
		return hash, c.String()
	}
}

// VerifiedByPHP says whether PHP's password_verify takes hashes of a class: those of
// crypt(3), and of Argon2 where PHP was built with it.
func VerifiedByPHP(class string) bool {
	format, _, _ := strings.Cut(class, " ")
	return slices.Contains([]string{"bcrypt", "argon2id", "argon2i", "sha256-crypt", "sha512-crypt", "md5-crypt"}, format)
}
