package legacy

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// What a stored scrypt hash may ask for. OWASP's five choices are within it,
// Django's and passlib's defaults too; the RFC's example of 1 GiB is not.
const (
	MaxScryptMemory = 128 << 20 // octets, which are 128 N r
	MaxScryptWork   = 1 << 20   // N r p: about 0.3 s of one core
	maxScryptR      = 32
	maxScryptP      = 16
)

type scryptHash struct {
	ln, r, p  int
	salt, tag []byte
}

// parseScrypt reads ln=16,r=8,p=1$SALT$TAG.
func parseScrypt(rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return nil, Refuse("not $scrypt$PARAMETERS$SALT$TAG")
	}
	var h scryptHash
	var err error
	if h.ln, h.r, h.p, err = scryptCost(parts[0]); err != nil {
		return nil, err
	}
	b64 := base64.RawStdEncoding.Strict()
	if h.salt, err = b64.DecodeString(parts[1]); err != nil || len(h.salt) > maxSalt {
		return nil, Refuse("scrypt salt is not up to 64 octets of base64")
	}
	if h.tag, err = b64.DecodeString(parts[2]); err != nil || len(h.tag) < minTag || len(h.tag) > maxTag {
		return nil, Refuse("scrypt tag is not 16 to 64 octets of base64")
	}
	return h, nil
}

func scryptCost(text string) (ln, r, p int, err error) {
	parameters := strings.Split(text, ",")
	if len(parameters) != 3 {
		return 0, 0, 0, Refuse("scrypt parameters are not ln, r, p")
	}
	var numbers [3]int
	for i, bound := range []struct {
		name string
		most int
	}{{"ln=", 24}, {"r=", maxScryptR}, {"p=", maxScryptP}} {
		value, found := strings.CutPrefix(parameters[i], bound.name)
		n, ok := number(value, 1, bound.most)
		if !found {
			return 0, 0, 0, Refuse("scrypt parameters are not ln, r, p")
		}
		if !ok {
			return 0, 0, 0, Refuse("scrypt parameters out of bounds")
		}
		numbers[i] = n
	}
	ln, r, p = numbers[0], numbers[1], numbers[2]
	if 128*r<<ln > MaxScryptMemory {
		return 0, 0, 0, Refuse("scrypt memory above 128 MiB")
	}
	if r*p<<ln > MaxScryptWork {
		return 0, 0, 0, Refuse("scrypt work above N r p = 1048576")
	}
	return ln, r, p, nil
}

func (h scryptHash) Class() Class {
	return Class{"scrypt", fmt.Sprintf("ln=%d,r=%d,p=%d", h.ln, h.r, h.p)}
}

func (h scryptHash) Matches(password []byte) bool {
	if len(password) > MaxPassword {
		return false
	}
	tag, err := scrypt.Key(password, h.salt, 1<<h.ln, h.r, h.p, len(h.tag))
	return err == nil && subtle.ConstantTimeCompare(tag, h.tag) == 1
}

func blankScrypt(cost string, random io.Reader) (string, error) {
	b, err := octets(random, 48)
	b64 := base64.RawStdEncoding
	return "$scrypt$" + cost + "$" + b64.EncodeToString(b[:16]) + "$" + b64.EncodeToString(b[16:]), err
}
