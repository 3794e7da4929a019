package caller

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
)

// KeySize is the size of a Sealer's key in bytes, that of AES-256.
const KeySize = 32

// ErrSealed is for a sealed secret that does not open: it is damaged, another
// caller's, or sealed under another key.
var ErrSealed = errors.New("caller: the sealed secret does not open with this key")

// sealedV1 is the first byte of a secret sealed by AES-256-GCM: after it come
// 12 bytes of nonce, the ciphertext and 16 bytes of tag. It is authenticated
// with the caller's name.
const sealedV1 = 1

// Sealer keeps the text of secrets for those callers that prove it by digests.
// Whoever has the database and not the key cannot read it. It may be used by
// several goroutines.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes a Sealer of a key of KeySize bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("caller: the key has %d bytes, not %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("caller: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts the text of a caller's secret. It opens for this name alone.
func (s *Sealer) Seal(name, text string) []byte {
	return s.aead.Seal([]byte{sealedV1}, nil, []byte(text), bound(sealedV1, name)) //nolint:gosec // the nonce is drawn by aead
}

// Open gives the text of a caller's secret. Errors: ErrSealed.
func (s *Sealer) Open(name string, sealed []byte) (string, error) {
	if len(sealed) == 0 || sealed[0] != sealedV1 {
		return "", ErrSealed
	}
	text, err := s.aead.Open(nil, nil, sealed[1:], bound(sealed[0], name))
	if err != nil {
		return "", ErrSealed
	}
	return string(text), nil
}

// bound is the additional data: what a ciphertext cannot be moved away from.
func bound(version byte, name string) []byte { return append([]byte{version}, name...) }
