package password

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"io"

	"registrar/internal/password/legacy"
)

// WordPress has made "$wp$2y$COST$SALTTAG" since 6.8 (wp_hash_password): bcrypt of
// the password's HMAC-SHA-384 in base64, which makes one of any length 64 octets.
const (
	wordPressPrefix = "$wp"
	wordPressKey    = "wp-sha384"
	wordPressFormat = "wordpress-bcrypt"
)

type wordPressHash struct{ bcryptHash }

func parseWordPress(text string) (legacy.Hash, error) {
	h, err := parseBcrypt(text[len(wordPressPrefix):])
	if err != nil {
		return nil, err
	}
	return wordPressHash{h.(bcryptHash)}, nil //nolint:forcetypeassert // it parses nothing else
}

func (h wordPressHash) Class() Class {
	return Class{Format: wordPressFormat, Cost: h.bcryptHash.Class().Cost}
}

func (h wordPressHash) Matches(password []byte) bool {
	mac := hmac.New(sha512.New384, []byte(wordPressKey))
	mac.Write(password)
	return h.bcryptHash.Matches(base64.StdEncoding.AppendEncode(nil, mac.Sum(nil)))
}

func blankWordPress(class Class, random io.Reader) (string, error) {
	text, err := blankBcrypt(class, random)
	return wordPressPrefix + text, err
}
