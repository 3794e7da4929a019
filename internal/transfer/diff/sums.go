package diff

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// buckets is among how many sums external ids are distributed.
const buckets = 1024

// sums is a checksum of a set of external ids, in buckets. The order in which they
// come makes no difference.
type sums [buckets]struct {
	sum   uint64
	count uint32
}

// bucketOf gives the bucket of an external id, and what it adds there.
func bucketOf(externalID string) (bucket int, adds uint64) {
	h := sha256.Sum256([]byte(externalID))
	return int(binary.BigEndian.Uint16(h[:2]) % buckets), binary.BigEndian.Uint64(h[8:16])
}

func (s *sums) add(externalID string) {
	bucket, adds := bucketOf(externalID)
	s[bucket].sum += adds
	s[bucket].count++
}

const sumSize = 12

// MarshalText implements encoding.TextMarshaler.
func (s *sums) MarshalText() ([]byte, error) {
	b := make([]byte, 0, buckets*sumSize)
	for _, one := range s {
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(b, one.sum), one.count)
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

var errSums = errors.New("diff: not sums")

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *sums) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(b) != buckets*sumSize {
		return errSums
	}
	for i := range s {
		s[i].sum, s[i].count = binary.BigEndian.Uint64(b[i*sumSize:]), binary.BigEndian.Uint32(b[i*sumSize+8:])
	}
	return nil
}

// groups are the buckets in which store has others than table has, in groups of
// at most so many external ids of the store, or of one bucket.
func groups(table, store *sums, most int) (all []map[int]bool) {
	size := 0
	for i := range store {
		if store[i] == table[i] || store[i].count == 0 {
			continue
		}
		if size += int(store[i].count); len(all) == 0 || size > most {
			all, size = append(all, map[int]bool{}), int(store[i].count)
		}
		all[len(all)-1][i] = true
	}
	return all
}
