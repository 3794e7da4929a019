package caller

import (
	"crypto/rand"
	"crypto/sha256"
	"time"
)

// NewSecret draws a secret: the text to be shown once, 26 letters and digits
// of base32 with at least 128 random bits, and what is kept of it. It is not
// sealed.
func NewSecret(now time.Time) (text string, s Secret) {
	text = rand.Text()
	return text, Secret{Hash: HashSecret(text), CreatedAt: now}
}

// HashSecret gives the hash that is kept of a secret. It is no password hash:
// nobody can try all texts of 128 random bits, so one round is enough, and a
// call costs next to nothing.
func HashSecret(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// InForce says whether the secret is accepted at now.
func (s Secret) InForce(now time.Time) bool { return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt) }
