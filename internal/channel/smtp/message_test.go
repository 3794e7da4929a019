package smtp_test

import (
	"bufio"
	"bytes"
	"io"
	"mime"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-msgauth/dkim"

	"registrar/internal/channel/smtp"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// offline is a sender that never connects, and the record of its key.
func offline(t testing.TB, replyTo string) (*smtp.Sender, string) {
	t.Helper()
	file, record := newKey(t, "ed25519")
	s, err := smtp.New(smtp.Config{
		Host: "127.0.0.1", Port: 1, Security: smtp.Plaintext, From: from, ReplyTo: mail.Address{Address: replyTo},
		DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "e", File: file}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, record
}

// received is what a server makes of what follows DATA: standard library's reading.
func received(t *testing.T, wire []byte) []byte {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(wire))
	reader := textproto.NewReader(r)
	raw, err := io.ReadAll(reader.DotReader())
	if err != nil || r.Buffered() != 0 {
		t.Fatalf("%d octets behind the dot, %v", r.Buffered(), err)
	}
	return bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
}

func TestSignedFields(t *testing.T) {
	for _, c := range []struct {
		replyTo, unsubscribe string
		also                 []string
	}{
		{"", "", nil},
		{"help@example.net", "", []string{"Reply-To"}},
		{"", "https://api.example.com/u/1", []string{"List-Unsubscribe", "List-Unsubscribe-Post"}},
		{"help@example.net", "https://api.example.com/u/1", []string{"Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post"}},
	} {
		s, record := offline(t, c.replyTo)
		m := messageTo("ada@example.com")
		m.Unsubscribe = c.unsubscribe
		wire, err := s.Compose(m)
		if err != nil {
			t.Fatal(err)
		}
		found, err := dkim.VerifyWithOptions(bytes.NewReader(received(t, wire)), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
			if name != "e._domainkey.example.net" {
				t.Errorf("the key is looked for at %s", name)
			}
			return []string{record}, nil
		}})
		if err != nil || len(found) != 1 || found[0].Err != nil {
			t.Fatalf("%+v, %v", found, err)
		}
		want := append([]string{
			"From", "From", "To", "To", "Subject", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted",
		}, c.also...)
		if !slices.Equal(found[0].HeaderKeys, want) || found[0].Domain != "example.net" {
			t.Errorf("%s signs %v", found[0].Domain, found[0].HeaderKeys)
		}
	}
}

// FuzzMessage: whatever people and templates put into a message, it is one mail
// of 7-bit lines that are not too long, with the fields it ought to have, whose
// text comes out as it went in and whose signature holds.
func FuzzMessage(f *testing.F) {
	f.Add("Ada", "Your account", "Hello\n.\n", "<p>Hello</p>", "en")
	f.Add("نور", "تم تسجيل حسابك", "مرحبًا\r\n", "<p dir=\"rtl\">مرحبًا</p>", "ar")
	f.Add("A\r\nBcc: eve@example.com", "=?utf-8?q?Bcc?=", "a\rb", "", "x\ny")
	f.Add(strings.Repeat("name ", 100), strings.Repeat("x", 3000), strings.Repeat("y", 3000), strings.Repeat("é", 2000), "")
	f.Add("\"(),:;<>@[\\]", "  two  spaces  ", " \t \n\n", "trailing \nspace\t", "en-GB")
	s, record := offline(f, "")
	f.Fuzz(func(t *testing.T, name, subject, text, html, locale string) {
		for _, field := range []string{name, subject, text, html, locale} {
			if !utf8.ValidString(field) {
				return // the templates' output is valid
			}
		}
		m := notify.Message{NotificationID: registration.ID{15: 9}, To: "ada@example.com", Name: name, Subject: subject, Text: text, HTML: html, Locale: locale}
		wire, err := s.Compose(m)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(string(wire), "\r\n"), "\r\n") {
			if len(line) > 998+len(".") || strings.ContainsAny(line, "\r\n\x00") || strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) {
				t.Fatalf("the line %q", line)
			}
		}
		raw := received(t, wire)
		read, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		for field := range read.Header {
			if !slices.Contains([]string{
				"Dkim-Signature", "Date", "From", "To", "Subject", "Message-Id", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Language", "Mime-Version", "Content-Type", "Content-Transfer-Encoding",
			}, field) || len(read.Header[field]) != 1 {
				t.Errorf("a field %s", field)
			}
		}
		if got, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject")); err != nil || plain(got) != plain(subject) {
			t.Errorf("Subject: %q for %q, %v", got, subject, err)
		}
		to, err := mail.ParseAddressList(read.Header.Get("To"))
		if err != nil || len(to) != 1 || to[0].Address != m.To || plain(to[0].Name) != plain(name) {
			t.Errorf("To: %v for %q, %v", to, name, err)
		}
		if html != "" {
			ends := strings.NewReplacer("\r\n", "\n", "\r", "\n")
			if parts := bodies(t, read); len(parts) != 2 || parts["text/plain"] != ends.Replace(text) || parts["text/html"] != ends.Replace(html) {
				t.Errorf("%q for %q and %q", parts, text, html)
			}
		}
		found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(string) ([]string, error) { return []string{record}, nil }})
		if err != nil || len(found) != 1 || found[0].Err != nil {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// plain is what of a header's text has to survive: not its white space, nor
// what would be read as an encoded word.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
