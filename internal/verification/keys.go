package verification

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"

	"registrar/internal/registration"
)

// KeySize is the size of the key in octets.
const KeySize = 32

// Digits is the length of a code.
const Digits = 6

// ErrSealed is for a sealed code that does not open: it is damaged, of another
// contact, or sealed under another key.
var ErrSealed = errors.New("verification: the sealed code does not open with this key")

// Keys implements registration.Codes. It may be used by several goroutines.
type Keys struct {
	mac       []byte
	recipient []byte
	aead      cipher.AEAD
}

// NewKeys derives a key for each purpose from one of KeySize octets, by HKDF
// with SHA-256 (RFC 5869).
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("verification: the key has %d octets, not %d", len(secret), KeySize)
	}
	var derived [3][]byte
	for i, purpose := range []string{"code mac", "code seal", "code recipient"} {
		key, err := hkdf.Key(sha256.New, secret, nil, "registrar v1 "+purpose, KeySize)
		if err != nil {
			return nil, fmt.Errorf("verification: %w", err)
		}
		derived[i] = key
	}
	block, err := aes.NewCipher(derived[1])
	if err != nil {
		return nil, fmt.Errorf("verification: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("verification: %w", err)
	}
	return &Keys{mac: derived[0], recipient: derived[2], aead: aead}, nil
}

var million = big.NewInt(1_000_000)

// New implements registration.Codes.
func (k *Keys) New(account registration.ID, channel registration.Channel) (registration.OneTimeCode, error) {
	n, err := rand.Int(rand.Reader, million)
	if err != nil {
		return registration.OneTimeCode{}, fmt.Errorf("verification: %w", err)
	}
	c := registration.OneTimeCode{AccountID: account, Channel: channel}
	_, _ = rand.Read(c.Issue[:]) // it never fails
	text := fmt.Sprintf("%0*d", Digits, n)
	c.MAC = k.tag(c, text)
	c.Sealed = k.seal(c, text)
	return c, nil
}

// Is implements registration.Codes.
func (k *Keys) Is(c registration.OneTimeCode, text string) bool {
	tag := k.tag(c, text)
	return subtle.ConstantTimeCompare(tag[:], c.MAC[:]) == 1
}

// Recipient implements registration.Codes.
func (k *Keys) Recipient(channel registration.Channel, key string) [32]byte {
	h := hmac.New(sha256.New, k.recipient)
	h.Write([]byte(channel))
	h.Write([]byte{0}) // no channel has one
	h.Write([]byte(key))
	return [32]byte(h.Sum(nil))
}

// tag is the MAC of a code. All but the channel and the text, which are last
// and apart from each other by a zero, have a fixed length.
func (k *Keys) tag(c registration.OneTimeCode, text string) [32]byte {
	h := hmac.New(sha256.New, k.mac)
	h.Write(bound(c.AccountID, c.Channel, c.Issue[:]))
	h.Write([]byte{0})
	h.Write([]byte(text))
	return [32]byte(h.Sum(nil))
}

// sealedV1 is the first octet of a code sealed by AES-256-GCM: after it come
// the 16 octets of its issue, 12 of nonce, the ciphertext and 16 of tag.
const (
	sealedV1   = 1
	issueBegin = 1
	issueEnd   = issueBegin + len(registration.ID{})
)

func (k *Keys) seal(c registration.OneTimeCode, text string) []byte {
	head := append([]byte{sealedV1}, c.Issue[:]...)
	return k.aead.Seal(head, nil, []byte(text), bound(c.AccountID, c.Channel, c.Issue[:])) //nolint:gosec // the nonce is drawn by aead
}

// Open gives the text of a sealed code of a contact. Errors: ErrSealed.
func (k *Keys) Open(account registration.ID, channel registration.Channel, sealed []byte) (string, error) {
	if len(sealed) < issueEnd || sealed[0] != sealedV1 {
		return "", ErrSealed
	}
	text, err := k.aead.Open(nil, nil, sealed[issueEnd:], bound(account, channel, sealed[issueBegin:issueEnd]))
	if err != nil {
		return "", ErrSealed
	}
	return string(text), nil
}

// bound is what a MAC and a ciphertext cannot be moved away from.
func bound(account registration.ID, channel registration.Channel, issue []byte) []byte {
	b := append([]byte{sealedV1}, account[:]...)
	b = append(b, issue...)
	return append(b, channel...)
}
