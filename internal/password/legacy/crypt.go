package legacy

import (
	"io"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// The rounds of SHA-crypt. The least and the default are its specification's;
// passlib's defaults of up to 656,000 are within the bound, which is 0.3 s of one core
// for usual passwords and 0.8 s for those of 268 octets: see MaxStretch.
const (
	MinSHACryptRounds     = 1000
	DefaultSHACryptRounds = 5000
	MaxSHACryptRounds     = 1_000_000
)

const md5CryptRounds = 1000

// cryptHash is one of those of crypt(3).
type cryptHash struct {
	class  Class
	rounds int
	digest algorithm.Digest
}

func (h cryptHash) Class() Class { return h.class }

func (h cryptHash) Matches(password []byte) bool {
	if len(password) > MaxPassword || len(password)*h.rounds > MaxStretch {
		return false
	}
	return h.digest.MatchBytes(password)
}

// shaCrypt is Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512".
type shaCrypt struct {
	format, prefix string
	tag            int // characters
}

var (
	sha256Crypt = shaCrypt{"sha256-crypt", "$5$", 43}
	sha512Crypt = shaCrypt{"sha512-crypt", "$6$", 86}
)

// parse reads [rounds=ROUNDS$]SALT$TAG.
func (f shaCrypt) parse(rest string) (Hash, error) {
	parts := strings.Split(rest, "$")
	rounds := DefaultSHACryptRounds
	if text, found := strings.CutPrefix(parts[0], "rounds="); found {
		var ok bool
		if rounds, ok = number(text, MinSHACryptRounds, MaxSHACryptRounds); !ok {
			return nil, Refuse("SHA-crypt rounds are not 1000 to 1000000")
		}
		parts = parts[1:]
	}
	if len(parts) != 2 || len(parts[0]) > shacrypt.SaltLengthMax || !printable(parts[0]) {
		return nil, Refuse("SHA-crypt is not a salt of up to 16 characters and a tag")
	}
	if !isItoa64(parts[1], f.tag) {
		return nil, Refuse("malformed SHA-crypt tag")
	}
	digest, err := shacrypt.Decode(f.prefix + rest)
	if err != nil {
		return nil, Refuse("malformed SHA-crypt")
	}
	return cryptHash{Class{f.format, strconv.Itoa(rounds)}, rounds, digest}, nil
}

func (f shaCrypt) blank(cost string, random io.Reader) (string, error) {
	text, err := characters(random, shacrypt.SaltLengthMax+f.tag)
	return f.prefix + "rounds=" + cost + "$" + text[:shacrypt.SaltLengthMax] + "$" + text[shacrypt.SaltLengthMax:], err
}

const md5CryptTag = 22 // characters

// parseMD5Crypt reads SALT$TAG.
func parseMD5Crypt(rest string) (Hash, error) {
	salt, tag, found := strings.Cut(rest, "$")
	if !found || len(salt) > md5crypt.SaltLengthMax || !printable(salt) {
		return nil, Refuse("MD5-crypt is not a salt of up to 8 characters and a tag")
	}
	if !isItoa64(tag, md5CryptTag) {
		return nil, Refuse("malformed MD5-crypt tag")
	}
	digest, err := md5crypt.Decode("$1$" + rest)
	if err != nil {
		return nil, Refuse("malformed MD5-crypt")
	}
	return cryptHash{Class{Format: "md5-crypt"}, md5CryptRounds, digest}, nil
}

func blankMD5Crypt(_ string, random io.Reader) (string, error) {
	text, err := characters(random, md5crypt.SaltLengthMax+md5CryptTag)
	return "$1$" + text[:md5crypt.SaltLengthMax] + "$" + text[md5crypt.SaltLengthMax:], err
}
