package campaign_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

func links(t testing.TB, secret byte, page string) *campaign.Links {
	t.Helper()
	l, err := campaign.NewLinks(bytes.Repeat([]byte{secret}, 32), page)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var subscriptions = []campaign.Subscription{
	{AccountID: registration.ID{1, 2, 15: 3}, Channel: registration.EmailChannel, CampaignID: registration.ID{4, 15: 5}},
	{AccountID: registration.ID{1, 2, 15: 3}, Channel: registration.SMSChannel},
}

func TestTokens(t *testing.T) {
	t.Parallel()
	ours, theirs := links(t, 1, ""), links(t, 2, "")
	for i, s := range subscriptions {
		token := ours.Token(s)
		if got, err := ours.Parse(token); err != nil || got != s {
			t.Errorf("%s is %+v, %v", token, got, err)
		}
		if most := []int{66, 36}[i]; len(token) > most {
			t.Errorf("%s has %d letters", token, len(token))
		}
		bad := []string{"", token[1:], token[:len(token)-1], token + "A", token + "=", " " + token, token[:10] + "\r\n" + token[10:], strings.Repeat("A", 1<<20), theirs.Token(s)}
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			t.Fatal(err)
		}
		for j := range raw {
			other := bytes.Clone(raw)
			other[j] ^= 1
			bad = append(bad, base64.RawURLEncoding.EncodeToString(other))
		}
		for _, b := range bad {
			if got, err := ours.Parse(b); !errors.Is(err, campaign.ErrToken) {
				t.Errorf("%.100s is %+v, %v", b, got, err)
			}
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	l := links(t, 1, "https://api.example.com/unsubscribe")
	n := registration.Notification{AccountID: registration.ID{1}, Kind: registration.CampaignMessage, Channel: registration.EmailChannel, CampaignID: registration.ID{2}}
	address := l.Address(n)
	token, found := strings.CutPrefix(address, "https://api.example.com/unsubscribe?t=")
	if s, err := l.Parse(token); !found || err != nil || s != (campaign.Subscription{AccountID: n.AccountID, Channel: n.Channel, CampaignID: n.CampaignID}) {
		t.Errorf("%s leads to %+v, %v", address, s, err)
	}
	n.Kind = registration.VerificationCode
	if got := l.Address(n); got != "" {
		t.Errorf("a code has %s", got)
	}
	if got := links(t, 1, "").Address(registration.Notification{Kind: registration.CampaignMessage}); got != "" {
		t.Errorf("without a page: %s", got)
	}
	for _, page := range []string{"/unsubscribe", "ftp://example.com/", "https://", "https://example.com/?a=b", "https://example.com/#a"} {
		if _, err := campaign.NewLinks(make([]byte, 32), page); err == nil {
			t.Errorf("%s is a page", page)
		}
	}
	if _, err := campaign.NewLinks(make([]byte, 15), ""); err == nil {
		t.Error("a short secret was taken")
	}
}

// FuzzToken: nobody makes a token without the key, and there is one text of each.
func FuzzToken(f *testing.F) {
	l := links(f, 1, "")
	ours := map[string]bool{}
	for _, s := range subscriptions {
		token := l.Token(s)
		ours[token] = true
		f.Add(token)
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if s, err := l.Parse(token); err == nil && !ours[token] {
			t.Errorf("%q is %+v", token, s)
		}
	})
}
