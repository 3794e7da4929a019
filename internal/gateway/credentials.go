package gateway

import (
	"crypto/sha256"
	"net/http"

	"registrar/internal/caller"
	"registrar/soap/wss"
)

// credentials are all that a message has.
type credentials struct {
	token       *wss.Token // nil for none
	basic       *basic     // nil for none
	certificate bool
	subject     string // of the certificate; "" for one that no caller can have
}

// maxAuthorization is the longest Authorization header that is read, in bytes.
const maxAuthorization = 2048

// credentialsOf finds what a message has. Only a certificate that was verified
// is one.
func credentialsOf(r *http.Request, t *wss.Token) (credentials, error) {
	c := credentials{token: t}
	if headers := r.Header.Values("Authorization"); len(headers) > 0 {
		if len(headers) > 1 || len(headers[0]) > maxAuthorization {
			return c, errAuthorization
		}
		b, ok := parseBasic(headers[0])
		if !ok {
			return c, errAuthorization
		}
		c.basic = &b
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		c.certificate = true
		c.subject, _ = caller.Subject(r.TLS.VerifiedChains[0][0])
	}
	return c, nil
}

func (c credentials) none() bool { return c.token == nil && c.basic == nil && !c.certificate }

// password says whether whoever sees the message knows a secret.
func (c credentials) password() bool {
	return c.basic != nil || c.token != nil && c.token.Digest == nil
}

// name is the one that the message gives, "" for none.
func (c credentials) name() string {
	switch {
	case c.token != nil:
		return c.token.Username
	case c.basic != nil:
		return c.basic.name
	default:
		return ""
	}
}

// authenticate gives the caller that all of the credentials prove.
func (g *Gateway) authenticate(held credentials) (caller.Caller, error) {
	var found []caller.Caller
	var wrong error
	note := func(c caller.Caller, err error) {
		if found = append(found, c); err != nil {
			wrong = err
		}
	}
	if held.basic != nil {
		note(g.directory.ByText(held.basic.name, held.basic.password))
	}
	if held.certificate {
		note(g.directory.BySubject(held.subject))
	}
	switch {
	case held.token == nil:
	case held.token.Digest != nil:
		note(g.directory.ByDigest(held.token.Username, held.token.Digest))
	default:
		note(g.directory.ByText(held.token.Username, held.token.Text))
	}
	for _, c := range found[1:] {
		if c.Name != found[0].Name {
			wrong = caller.ErrUnauthenticated
		}
	}
	switch {
	case wrong == nil:
		return found[0], nil
	case held.token != nil:
		return caller.Caller{}, errTokenWrong
	default:
		return caller.Caller{}, wrong
	}
}

// nonceKey is what is remembered of a token's nonce: of all that a digest is
// made of but the secret, in the same order, so that what is part of the nonce
// and what of Created makes no difference.
func nonceKey(t *wss.Token) [sha256.Size]byte {
	h := sha256.New()
	h.Write(t.Nonce)
	if t.Digest != nil {
		h.Write([]byte(t.Digest.Created))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
