package campaign

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"

	"registrar/internal/registration"
)

// Subscription is what a link ends: what a person gets of campaigns.
type Subscription struct {
	AccountID  registration.ID
	Channel    registration.Channel
	CampaignID registration.ID // whose message has the link; zero where that is not told
}

// Links makes and reads the links by which people unsubscribe. They tell ids
// alone, hold for ever and for nothing else, and cannot be made without the
// key: a message may be read, and its link used, years later.
type Links struct {
	key  []byte
	page string // "" where nobody can reach it
}

// The forms of a token, by its first octet.
//
//	1, e-mail: account, campaign, 16 octets of the HMAC
//	2, SMS: account, 10 octets of the HMAC, for the room that there is
//
// RFC 2104 section 5 takes half of a hash, and no less than 80 bits, for
// enough; here every guess is a request.
const (
	longForm, shortForm   = 1, 2
	longMAC, shortMAC     = 16, 10
	longBytes, shortBytes = 1 + 16 + 16 + longMAC, 1 + 16 + shortMAC
	linksPurpose          = "registrar unsubscribe links 1"
	minSecret             = 16
)

// ErrToken is of a token that this service has not made.
var ErrToken = errors.New("campaign: not a token of ours")

var encoding = base64.RawURLEncoding.Strict()

// NewLinks makes Links that lead to page, an http or https address without a
// query ("https://api.example.com/unsubscribe"), or nowhere where it is "". The
// key is derived from secret, which must have 16 octets at least; with another
// one all links of before are void.
func NewLinks(secret []byte, page string) (*Links, error) {
	if len(secret) < minSecret {
		return nil, errors.New("campaign: the secret of unsubscribe links is too short")
	}
	if u, err := url.Parse(page); page != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return nil, errors.New("campaign: the page of unsubscribe links must be an http or https address without query")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, linksPurpose, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	return &Links{key, page}, nil
}

// Address is the link for a notification; "" for one that is of no campaign,
// and where there is no page.
func (l *Links) Address(n registration.Notification) string {
	if n.Kind != registration.CampaignMessage || l.page == "" {
		return ""
	}
	return l.page + "?t=" + l.Token(Subscription{n.AccountID, n.Channel, n.CampaignID})
}

// Token is what a link says.
func (l *Links) Token(s Subscription) string {
	b := make([]byte, 0, longBytes)
	if s.Channel == registration.SMSChannel {
		b = append(append(b, shortForm), s.AccountID[:]...)
		return encoding.EncodeToString(append(b, l.mac(b)[:shortMAC]...))
	}
	b = append(append(append(b, longForm), s.AccountID[:]...), s.CampaignID[:]...)
	return encoding.EncodeToString(append(b, l.mac(b)[:longMAC]...))
}

// Parse reads a token that Token has made. The error is ErrToken.
func (l *Links) Parse(token string) (Subscription, error) {
	var s Subscription
	if len(token) > encoding.EncodedLen(longBytes) {
		return s, ErrToken
	}
	b, err := encoding.DecodeString(token)
	if err != nil || len(b) == 0 || encoding.EncodeToString(b) != token { // the decoder passes line ends over
		return s, ErrToken
	}
	var size int
	switch {
	case b[0] == longForm && len(b) == longBytes:
		size = longMAC
	case b[0] == shortForm && len(b) == shortBytes:
		size = shortMAC
	default:
		return s, ErrToken
	}
	said, mac := b[:len(b)-size], b[len(b)-size:]
	if !hmac.Equal(mac, l.mac(said)[:size]) {
		return s, ErrToken
	}
	s.Channel = registration.EmailChannel
	if said[0] == shortForm {
		s.Channel = registration.SMSChannel
	}
	copy(s.AccountID[:], said[1:17])
	copy(s.CampaignID[:], said[17:])
	return s, nil
}

func (l *Links) mac(b []byte) []byte {
	h := hmac.New(sha256.New, l.key)
	h.Write(b)
	return h.Sum(nil)
}
