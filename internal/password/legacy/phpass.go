package legacy

import (
	"crypto/md5" //nolint:gosec // what others made with it is to be verified
	"crypto/subtle"
	"io"
	"strconv"
	"strings"
)

// The rounds of phpass's portable hashes, as binary logarithms. The least is
// its own; phpBB has 11, WordPress 13, passlib 19. The bound is
// 0.1 s of one core, and 0.4 s for passwords of 256 octets: see MaxStretch.
const (
	MinPhpassLog2Rounds = 7
	MaxPhpassLog2Rounds = 20
)

const (
	phpassSalt = 8  // characters
	phpassTag  = 22 // characters
)

type phpassHash struct {
	log2 int
	salt string
	tag  string
}

// parsePhpass reads BSALTTAG, where B tells the rounds.
func parsePhpass(rest string) (Hash, error) {
	if !isItoa64(rest, 1+phpassSalt+phpassTag) {
		return nil, Refuse("malformed phpass")
	}
	log2 := strings.IndexByte(itoa64, rest[0])
	if log2 < MinPhpassLog2Rounds || log2 > MaxPhpassLog2Rounds {
		return nil, Refuse("phpass rounds are not 2^7 to 2^20")
	}
	return phpassHash{log2, rest[1 : 1+phpassSalt], rest[1+phpassSalt:]}, nil
}

func (h phpassHash) Class() Class { return Class{"phpass", strconv.Itoa(h.log2)} }

func (h phpassHash) Matches(password []byte) bool {
	if len(password) > MaxPassword || len(password)<<h.log2 > MaxStretch {
		return false
	}
	text := make([]byte, md5.Size+len(password))
	copy(text[md5.Size:], password)
	sum := md5.Sum(append([]byte(h.salt), password...)) //nolint:gosec // see above
	for range 1 << h.log2 {
		copy(text, sum[:])
		sum = md5.Sum(text) //nolint:gosec // see above
	}
	return subtle.ConstantTimeCompare(encode64(sum[:]), []byte(h.tag)) == 1
}

// encode64 is phpass's own base 64: of each three octets the first is the
// lowest, and so are of the number its digits.
func encode64(b []byte) []byte {
	var text []byte
	for len(b) > 0 {
		n := min(len(b), 3)
		var v uint32
		for i, octet := range b[:n] {
			v |= uint32(octet) << (8 * i)
		}
		for range n + 1 {
			text = append(text, itoa64[v&63])
			v >>= 6
		}
		b = b[n:]
	}
	return text
}

func blankPhpass(cost string, random io.Reader) (string, error) {
	log2, ok := number(cost, MinPhpassLog2Rounds, MaxPhpassLog2Rounds)
	if !ok {
		return "", Refuse("unknown class")
	}
	text, err := characters(random, phpassSalt+phpassTag)
	return "$P$" + itoa64[log2:log2+1] + text, err
}
