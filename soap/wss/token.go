package wss

import (
	"crypto/sha1" //nolint:gosec // what the profile prescribes
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"strings"
	"time"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// The values of attributes (UsernameToken Profile 1.1.1, section 3.1; SOAP
// Message Security 1.1.1, section 6.3).
const (
	typeText     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
	typeDigest   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	base64Binary = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
)

// Limits of a token.
const (
	maxUsername = 256  // bytes
	maxPassword = 1024 // bytes, of a PasswordText
	// A nonce of fewer octets than eight is likely to be drawn twice within
	// the time that it is remembered, and an honest message refused. The
	// longest ones in use have 32; each is remembered.
	minNonce = 8
	maxNonce = 64
)

var (
	usernameName = soap.Name{Space: SecextSpace, Local: "Username"}
	passwordName = soap.Name{Space: SecextSpace, Local: "Password"}
	nonceName    = soap.Name{Space: SecextSpace, Local: "Nonce"}
)

// Token is a UsernameToken that is in order and in time. It has a password or
// the digest of one.
type Token struct {
	Username string  // not empty, at most 256 bytes, without white space around it
	Text     string  // the password, as it was sent; "" with a Digest
	Digest   *Digest // nil with a Text

	// Nonce is 8 to 64 octets, nil for none, which only a Text may have. A
	// token with a Nonce serves once: it is to be remembered until Expires,
	// when any node refuses the token for its age.
	Nonce   []byte
	Expires time.Time
}

// String keeps the password out of whatever is printed.
func (t Token) String() string { return "UsernameToken" }

// LogValue keeps the password out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Digest is a PasswordDigest with what it was made of beside the password.
type Digest struct {
	Value   [sha1.Size]byte
	Nonce   []byte // 8 to 64 octets
	Created string // as it was sent
}

// Matches says in constant time whether the digest was made with secret:
// SHA-1(nonce + created + password), where the password is UTF-8 and the nonce
// what was decoded (UsernameToken Profile 1.1.1, section 3.1).
func (d *Digest) Matches(secret string) bool {
	made := make([]byte, 0, len(d.Nonce)+len(d.Created)+len(secret))
	made = append(append(append(made, d.Nonce...), d.Created...), secret...)
	sum := sha1.Sum(made) //nolint:gosec // what the profile prescribes
	clear(made)
	return subtle.ConstantTimeCompare(sum[:], d.Value[:]) == 1
}

func (s *Settings) readToken(e *xmlreader.Element, now time.Time) (*Token, error) {
	found, err := parts(e, usernameName, passwordName, nonceName, createdName)
	if err != nil {
		return nil, err
	}
	username, password, nonce, created := found[0], found[1], found[2], found[3]
	t := &Token{}
	if t.Username, err = readUsername(username); err != nil {
		return nil, err
	}
	if nonce != nil {
		if t.Nonce, err = readNonce(nonce); err != nil {
			return nil, err
		}
	}
	freshFrom, written := now, ""
	if created != nil {
		if freshFrom, written, err = s.readCreated(created, now); err != nil {
			return nil, err
		}
	}
	if t.Nonce != nil {
		t.Expires = freshFrom.Add(s.MaxAge + s.MaxSkew)
	}
	return t, t.readPassword(password, written)
}

func readUsername(e *xmlreader.Element) (string, error) {
	if e == nil {
		return "", invalid("The UsernameToken has no Username.")
	}
	written, err := text(e)
	if err != nil {
		return "", err
	}
	if written = trim(written); written == "" || len(written) > maxUsername {
		return "", invalid("The Username is empty or longer than 256 bytes.")
	}
	return written, nil
}

func readNonce(e *xmlreader.Element) ([]byte, error) {
	encoding, err := attribute(e, "EncodingType")
	if err != nil {
		return nil, err
	}
	if encoding != "" && encoding != base64Binary {
		return nil, unsupported("The Nonce has an EncodingType other than " + base64Binary + ".")
	}
	written, err := text(e)
	if err != nil {
		return nil, err
	}
	nonce, ok := decode(written, maxNonce)
	if !ok || len(nonce) < minNonce {
		return nil, invalid("The Nonce is not 8 to 64 octets in base64.")
	}
	return nonce, nil
}

// readCreated gives the time of a token's Created, which must be fresh, and its text.
func (s *Settings) readCreated(e *xmlreader.Element, now time.Time) (time.Time, string, error) {
	created, written, err := readTime(e)
	switch {
	case err != nil:
		return created, "", err
	case created.After(now.Add(s.MaxSkew)):
		return created, "", invalid("The UsernameToken's Created is in the future. Check the clock and the time zone of the sender.")
	case now.After(created.Add(s.MaxAge)):
		return created, "", expired("The UsernameToken's Created is too old. Check the clock and the time zone of the sender.")
	default:
		return created, written, nil
	}
}

// readPassword reads the token's password or digest; created is "" for none.
func (t *Token) readPassword(e *xmlreader.Element, created string) error {
	if e == nil {
		return invalid("The UsernameToken has no Password.")
	}
	kind, err := attribute(e, "Type")
	if err != nil {
		return err
	}
	written, err := text(e)
	if err != nil {
		return err
	}
	switch kind {
	case "", typeText:
		if written == "" || len(written) > maxPassword {
			return invalid("The Password is empty or longer than 1024 bytes.")
		}
		t.Text = written
		return nil
	case typeDigest:
		if t.Nonce == nil || created == "" {
			return invalid("A PasswordDigest needs a Nonce and a Created.")
		}
		value, ok := decode(written, sha1.Size)
		if !ok || len(value) != sha1.Size {
			return invalid("The PasswordDigest is not a SHA-1 digest in base64.")
		}
		t.Digest = &Digest{Value: [sha1.Size]byte(value), Nonce: t.Nonce, Created: created}
		return nil
	default:
		return unsupported("The Password has a Type other than " + typeText + " and " + typeDigest + ".")
	}
}

// decode reads at most limit octets of base64, in which white space may stand
// anywhere (xs:base64Binary; MIME breaks lines).
func decode(written string, limit int) ([]byte, bool) {
	compact := strings.Join(strings.FieldsFunc(written, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), "")
	if base64.StdEncoding.DecodedLen(len(compact)) > limit+2 { // up to two for padding
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(compact)
	return b, err == nil && len(b) <= limit
}
