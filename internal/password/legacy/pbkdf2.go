package legacy

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what others made with it is to be verified
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"io"
	"strconv"
	"strings"
)

// MaxPBKDF2Work bounds iterations times blocks of the tag: 0.3 s of one core
// with SHA-1 and SHA-256, 0.8 s with SHA-512. Django's 1,200,000 and OWASP's
// 1,300,000 of SHA-1 are within it.
const MaxPBKDF2Work = 2_000_000

// prf is a pseudorandom function of PBKDF2: HMAC with a hash.
type prf struct {
	format string // as in Class
	size   int    // octets of a block of the tag
	hash   func() hash.Hash
}

var (
	pbkdf2SHA1   = prf{"pbkdf2-sha1", sha1.Size, sha1.New}
	pbkdf2SHA256 = prf{"pbkdf2-sha256", sha256.Size, sha256.New}
	pbkdf2SHA512 = prf{"pbkdf2-sha512", sha512.Size, sha512.New}
)

type pbkdf2Hash struct {
	prf        prf
	iterations int
	salt, tag  []byte
}

// adapted is passlib's base64: without padding, "." instead of "+".
var adapted = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding).Strict()

// parseModular reads 29000$SALT$TAG as passlib and go-crypt write it.
func (f prf) parseModular(rest string) (Hash, error) {
	iterations, salt, tag, err := cut(rest)
	if err != nil {
		return nil, err
	}
	h := pbkdf2Hash{prf: f}
	if h.salt, err = adapted.DecodeString(salt); err != nil {
		return nil, Refuse("pbkdf2 salt is not base64")
	}
	if h.tag, err = adapted.DecodeString(tag); err != nil {
		return nil, Refuse("pbkdf2 tag is not base64")
	}
	return h.bounded(iterations)
}

// parseDjango reads 600000$SALT$TAG as Django writes it: the salt is the text.
func (f prf) parseDjango(rest string) (Hash, error) {
	iterations, salt, tag, err := cut(rest)
	if err != nil {
		return nil, err
	}
	h := pbkdf2Hash{prf: f, salt: []byte(salt)}
	if !printable(salt) {
		return nil, Refuse("pbkdf2 salt is not printable ASCII")
	}
	if h.tag, err = base64.StdEncoding.Strict().DecodeString(tag); err != nil {
		return nil, Refuse("pbkdf2 tag is not base64")
	}
	return h.bounded(iterations)
}

func cut(rest string) (iterations, salt, tag string, err error) {
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return "", "", "", Refuse("pbkdf2 is not ITERATIONS$SALT$TAG")
	}
	return parts[0], parts[1], parts[2], nil
}

// printable says that s is of visible ASCII and holds nothing that separates.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '$' || r == ':' }) < 0
}

func (h pbkdf2Hash) bounded(iterations string) (Hash, error) {
	var ok bool
	if h.iterations, ok = number(iterations, 1, MaxPBKDF2Work); !ok {
		return nil, Refuse("pbkdf2 iterations are not 1 to 2000000")
	}
	if len(h.salt) < 1 || len(h.salt) > maxSalt {
		return nil, Refuse("pbkdf2 salt is not 1 to 64 octets")
	}
	if len(h.tag) < minTag || len(h.tag) > maxTag {
		return nil, Refuse("pbkdf2 tag is not 16 to 64 octets")
	}
	if h.work() > MaxPBKDF2Work {
		return nil, Refuse("pbkdf2 iterations times blocks of the tag above 2000000")
	}
	return h, nil
}

// work is in iterations: each block of the tag has all of them.
func (h pbkdf2Hash) work() int { return h.iterations * ((len(h.tag) + h.prf.size - 1) / h.prf.size) }

func (h pbkdf2Hash) Class() Class { return Class{h.prf.format, strconv.Itoa(h.work())} }

func (h pbkdf2Hash) Matches(password []byte) bool {
	if len(password) > MaxPassword {
		return false
	}
	tag, err := pbkdf2.Key(h.prf.hash, string(password), h.salt, h.iterations, len(h.tag))
	return err == nil && subtle.ConstantTimeCompare(tag, h.tag) == 1
}

func (f prf) blank(cost string, random io.Reader) (string, error) {
	b, err := octets(random, 16+f.size)
	return "$" + f.format + "$" + cost + "$" + adapted.EncodeToString(b[:16]) + "$" + adapted.EncodeToString(b[16:]), err
}
