package attempt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// KeySize is the size of the key in octets.
const KeySize = 32

// Keys implements registration.AttemptKeys. It may be used by several goroutines.
type Keys struct{ key []byte }

// NewKeys derives its key from one of KeySize octets, which may be others' too,
// by HKDF with SHA-256 (RFC 5869).
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("attempt: the key has %d octets, not %d", len(secret), KeySize)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "registrar v1 password attempts", KeySize)
	if err != nil {
		return nil, fmt.Errorf("attempt: %w", err)
	}
	return &Keys{key}, nil
}

// Login implements registration.AttemptKeys.
func (k *Keys) Login(login string) [32]byte { return k.sum("login", login) }

// Origin implements registration.AttemptKeys.
func (k *Keys) Origin(caller, login, origin string) [32]byte {
	return k.sum("origin", caller, login, origin)
}

// Caller implements registration.AttemptKeys.
func (k *Keys) Caller(caller string) [32]byte { return k.sum("caller", caller) }

// sum is HMAC-SHA-256 over parts, each behind its length, so that no two lists
// of them are one text.
func (k *Keys) sum(parts ...string) [32]byte {
	h := hmac.New(sha256.New, k.key)
	for _, part := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return [32]byte(h.Sum(nil))
}
