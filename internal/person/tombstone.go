package person

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"registrar/internal/registration"
)

// Tombstone is what is kept of somebody who was erased.
type Tombstone struct {
	ID         registration.ID
	Caller     string // that had registered the person; "" where callers are not authenticated
	ExternalID string // the caller's own key; "" for none, and where it was not to be kept
	Digest     []byte // stands for the external id where that was not to be kept
	ErasedAt   time.Time
	FinishedAt time.Time // zero while rows of the person may still be there
}

// KeySize is the size of the key in octets.
const KeySize = 32

// Keys makes the digests of tombstones. It may be used by several goroutines.
type Keys struct{ key []byte }

// NewKeys derives its key from one of KeySize octets, which may be others' too,
// by HKDF with SHA-256 (RFC 5869).
func NewKeys(secret []byte) (*Keys, error) {
	if len(secret) != KeySize {
		return nil, fmt.Errorf("person: the key has %d octets, not %d", len(secret), KeySize)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "registrar v1 erasures", KeySize)
	if err != nil {
		return nil, fmt.Errorf("person: %w", err)
	}
	return &Keys{key}, nil
}

// digest stands for a caller's external id: HMAC-SHA-256 over both, each behind
// its length.
func (k *Keys) digest(caller, externalID string) []byte {
	h := hmac.New(sha256.New, k.key)
	for _, part := range []string{caller, externalID} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// TombstoneStore keeps the tombstones.
type TombstoneStore interface {
	// Erased gives those of a caller's tombstones that have one of the external
	// ids, or one of the digests. Each list has at most maxAsked members. Errors:
	// registration.ErrUnavailable.
	Erased(ctx context.Context, caller string, externalIDs []string, digests [][]byte) ([]Tombstone, error)
}

// Tombstones say who was erased.
type Tombstones struct {
	Store TombstoneStore
	Keys  *Keys
}

// maxAsked is how many external ids are looked for at once.
const maxAsked = 200

// Erased says which of a caller's external ids are of people who were erased,
// however many they are. Errors: registration.ErrUnavailable.
func (t Tombstones) Erased(ctx context.Context, caller string, externalIDs []string) (map[string]bool, error) {
	erased := make(map[string]bool)
	for len(externalIDs) > 0 {
		some := externalIDs[:min(maxAsked, len(externalIDs))]
		externalIDs = externalIDs[len(some):]
		digests, of := make([][]byte, len(some)), make(map[string]string, len(some))
		for i, id := range some {
			digests[i] = t.Keys.digest(caller, id)
			of[string(digests[i])] = id
		}
		found, err := t.Store.Erased(ctx, caller, some, digests)
		if err != nil {
			return nil, err
		}
		for _, tomb := range found {
			if id, known := of[string(tomb.Digest)]; known {
				erased[id] = true
			} else {
				erased[tomb.ExternalID] = true
			}
		}
	}
	return erased, nil
}
