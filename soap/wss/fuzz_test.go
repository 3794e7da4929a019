package wss_test

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"registrar/soap"
	"registrar/soap/wss"
	"registrar/soap/xmlreader"
)

// otherToken is a token as encoding/xml reads it.
type otherToken struct {
	Token []struct {
		Username string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Username"`
		Password string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Password"`
		Nonce    string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Nonce"`
		Created  string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Created"`
	} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd UsernameToken"`
}

var blanks = regexp.MustCompile(`[ \t\r\n]+`)

// FuzzSecurity: any element as the Security header is refused by a fault of
// WS-Security, or means to a second reader what it means to this one: the
// user, the password or digest, the nonce, and for any secret whether the
// digest is made of it.
func FuzzSecurity(f *testing.F) {
	const wrapped = `<o:Security xmlns:o="` + wss.SecextSpace + `" xmlns:u="` + wss.UtilitySpace + `">`
	for _, content := range []string{
		user + plain, user + plain + nonce, user + digest + nonce + fresh, user + `<o:Password>&lt;</o:Password>` + fresh, user, plain, "x",
	} {
		f.Add(wrapped+usernameToken(content)+`</o:Security>`, "secret", int64(0))
		f.Add(wrapped+`<u:Timestamp>`+fresh+`</u:Timestamp>`+usernameToken(content)+`</o:Security>`, password, int64(400))
	}
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil {
		f.Fatal(err)
	}
	element := regexp.MustCompile(`(?s)<(\w+):Security.*</\w+:Security>`)
	for _, name := range files {
		doc, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(element.FindString(string(doc)), password, int64(0))
	}
	f.Fuzz(func(t *testing.T, doc, secret string, seconds int64) {
		root, err := xmlreader.ReadDocument(doc, xmlreader.Limits{})
		if err != nil || !utf8.ValidString(secret) {
			return
		}
		root.Name = soap.Name{Space: wss.SecextSpace, Local: "Security"}
		h := newHandler(at(t, noon).Add(time.Duration(seconds%1000) * time.Second))
		err = h.process(t, root)
		if err != nil {
			var own *soap.Error
			if !errors.As(err, &own) || own.Kind != soap.Unauthenticated || !strings.HasSuffix(own.Reason, ".") || len(own.Reason) > 300 ||
				own.Subcode != wss.InvalidSecurity && own.Subcode != wss.UnsupportedSecurityToken && own.Subcode != wss.MessageExpired {
				t.Fatalf("%#v", err)
			}
			return
		}
		var other otherToken
		if err := xml.Unmarshal([]byte(doc), &other); err != nil {
			return // it is narrower in names and in places of xmlns
		}
		if h.token == nil {
			if len(other.Token) != 0 {
				t.Fatal("a token is overlooked")
			}
			return
		}
		if len(other.Token) != 1 {
			t.Fatalf("%d tokens", len(other.Token))
		}
		want := other.Token[0]
		bytes, err := base64.StdEncoding.DecodeString(blanks.ReplaceAllString(want.Nonce, ""))
		if err != nil || string(bytes) != string(h.token.Nonce) || strings.Trim(want.Username, " \t\r\n") != h.token.Username {
			t.Fatalf("nonce %q (%v), username %q", bytes, err, want.Username)
		}
		if h.token.Digest == nil {
			if h.token.Text != want.Password || h.token.Text == "" {
				t.Fatalf("password %q and %q", h.token.Text, want.Password)
			}
			return
		}
		hash := sha1.New()
		for _, part := range []string{string(bytes), strings.Trim(want.Created, " \t\r\n"), secret} {
			hash.Write([]byte(part))
		}
		equal := base64.StdEncoding.EncodeToString(hash.Sum(nil)) == blanks.ReplaceAllString(want.Password, "")
		if h.token.Digest.Matches(secret) != equal {
			t.Fatalf("matches %v, want %v", !equal, equal)
		}
	})
}
