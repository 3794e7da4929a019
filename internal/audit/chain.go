package audit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Hash is an entry's own hash, over all of it and the hash before.
type Hash [sha256.Size]byte

// String writes it in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Head is a place in the chain. The zero Head is before the first entry.
type Head struct {
	Sequence int64
	Hash     Hash
}

var errHead = errors.New("audit: a head is written SEQUENCE:HASH, with 64 hexadecimal digits")

// ParseHead reads the form of Head.String.
func ParseHead(s string) (Head, error) {
	number, digits, _ := strings.Cut(strings.TrimSpace(s), ":")
	n, err := strconv.ParseInt(number, 10, 64)
	sum, hexErr := hex.DecodeString(digits)
	if err != nil || hexErr != nil || n < 1 || len(sum) != sha256.Size {
		return Head{}, errHead
	}
	return Head{Sequence: n, Hash: Hash(sum)}, nil
}

// String writes a head in the form that ParseHead reads.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Sequence, h.Hash) }

// Sealed is a record in the chain.
type Sealed struct {
	Record
	Sequence int64
	Previous Hash // zero for the first entry
	Hash     Hash
}

// Head is the place of s.
func (s Sealed) Head() Head { return Head{s.Sequence, s.Hash} }

// sum is what the hash of s is to be at a place in the chain.
func (s Sealed) sum(sequence int64) Hash {
	b := make([]byte, 0, 512)
	b = appendField(b, entryDomain)
	b = appendInt(b, sequence)
	if s.Previous == (Hash{}) {
		b = appendField(b, "")
	} else {
		b = appendField(b, s.Previous[:])
	}
	b = s.content(b)
	return sha256.Sum256(appendField(b, s.MAC))
}

// sealedAt says whether s was sealed at a place in the chain, as it is now.
func (s Sealed) sealedAt(sequence int64) bool {
	sum := s.sum(sequence)
	return subtle.ConstantTimeCompare(sum[:], s.Hash[:]) == 1
}

// Seal chains records behind a head, in their order.
func Seal(head Head, records []Record) []Sealed {
	all := make([]Sealed, len(records))
	for i, r := range records {
		s := Sealed{Record: r, Sequence: head.Sequence + 1, Previous: head.Hash}
		s.Hash = s.sum(s.Sequence)
		all[i], head = s, s.Head()
	}
	return all
}
