package legacy

import (
	"crypto"
	_ "crypto/md5"    //nolint:gosec // what others made with it is to be verified
	_ "crypto/sha1"   //nolint:gosec // likewise
	_ "crypto/sha256" // these four for crypto.Hash
	_ "crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Order is what a digest was made of.
type Order string

// The orders of the form $digest$.
const (
	Plain  Order = "plain"  // the password alone
	Prefix Order = "prefix" // the salt, then the password
	Suffix Order = "suffix" // the password, then the salt
)

// digest is an algorithm by its name in Class and in the form $digest$.
type digest struct {
	name string
	hash crypto.Hash
}

var (
	md5Digest    = digest{"md5", crypto.MD5}
	sha1Digest   = digest{"sha1", crypto.SHA1}
	sha256Digest = digest{"sha256", crypto.SHA256}
	sha512Digest = digest{"sha512", crypto.SHA512}
	digests      = []digest{md5Digest, sha1Digest, sha256Digest, sha512Digest}
)

// schemes are the prefixes of RFC 2307 and of its successors, in lower case.
var schemes = map[string]struct {
	digest digest
	salted bool
}{
	"md5}": {md5Digest, false}, "smd5}": {md5Digest, true},
	"sha}": {sha1Digest, false}, "ssha}": {sha1Digest, true},
	"sha256}": {sha256Digest, false}, "ssha256}": {sha256Digest, true},
	"sha512}": {sha512Digest, false}, "ssha512}": {sha512Digest, true},
}

type digestHash struct {
	digest digest
	order  Order
	salt   []byte
	sum    []byte
}

// Digest composes the form $digest$ of what a system keeps in columns:
// algorithm is md5, sha1, sha256 or sha512, salt the octets that were hashed,
// none with Plain and else 1 to 64, sum the digest in hexadecimal of either
// case. The error is ErrHash.
func Digest(algorithm string, order Order, salt []byte, sum string) (string, error) {
	text := fmt.Sprintf("$digest$%s$%s$%s$%s", algorithm, order, base64.RawStdEncoding.EncodeToString(salt), strings.ToLower(sum))
	_, err := Parse(text)
	if err != nil {
		return "", err
	}
	return text, nil
}

// parseDigest reads ALGORITHM$ORDER$SALT$HEX.
func parseDigest(rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 4 {
		return nil, Refuse("not $digest$ALGORITHM$ORDER$SALT$HEX")
	}
	h := digestHash{order: Order(parts[1])}
	for _, d := range digests {
		if d.name == parts[0] {
			h.digest = d
		}
	}
	if h.digest.name == "" {
		return nil, Refuse("the algorithm of $digest$ is not md5, sha1, sha256 or sha512")
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[2]); err != nil {
		return nil, Refuse("the salt of $digest$ is not base64 without padding")
	}
	if h.sum, err = hex.DecodeString(parts[3]); err != nil || strings.ToLower(parts[3]) != parts[3] {
		return nil, Refuse("the digest of $digest$ is not lower-case hexadecimal")
	}
	return h.checked()
}

// parseScheme reads SCHEME}BASE64, the salt after the digest.
func parseScheme(rest string) (Hash, error) {
	end := strings.IndexByte(rest, '}') + 1
	scheme, known := schemes[strings.ToLower(rest[:end])]
	if !known {
		return nil, Refuse("unknown {SCHEME}")
	}
	octets, err := base64.StdEncoding.Strict().DecodeString(rest[end:])
	if err != nil {
		return nil, Refuse("what follows {SCHEME} is not padded base64")
	}
	size := min(scheme.digest.hash.Size(), len(octets))
	h := digestHash{scheme.digest, Plain, octets[size:], octets[:size]}
	if scheme.salted {
		h.order = Suffix
	}
	return h.checked()
}

func (h digestHash) checked() (Hash, error) {
	switch {
	case len(h.sum) != h.digest.hash.Size():
		return nil, Refuse("the digest has not the length of its algorithm's")
	case h.order == Plain && len(h.salt) > 0:
		return nil, Refuse("a plain digest with a salt")
	case h.order == Plain:
		return h, nil
	case h.order != Prefix && h.order != Suffix:
		return nil, Refuse("the order of $digest$ is not plain, prefix or suffix")
	case len(h.salt) < 1 || len(h.salt) > maxSalt:
		return nil, Refuse("the digest's salt is not 1 to 64 octets")
	default:
		return h, nil
	}
}

func (h digestHash) Class() Class { return Class{Format: h.digest.name} }

func (h digestHash) Matches(password []byte) bool {
	if len(password) > MaxPassword {
		return false
	}
	hash := h.digest.hash.New()
	if h.order == Prefix {
		hash.Write(h.salt)
	}
	hash.Write(password)
	if h.order == Suffix {
		hash.Write(h.salt)
	}
	return subtle.ConstantTimeCompare(hash.Sum(nil), h.sum) == 1
}

// blank is salted: what a salt takes is not to be seen.
func (d digest) blank(_ string, random io.Reader) (string, error) {
	b, err := octets(random, 16+d.hash.Size())
	return fmt.Sprintf("$digest$%s$%s$%s$%x", d.name, Suffix, base64.RawStdEncoding.EncodeToString(b[:16]), b[16:]), err
}
