package registration_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"registrar/internal/address"
	"registrar/internal/registration"
)

func TestParseEmail(t *testing.T) {
	t.Parallel()
	longDomain := strings.Repeat("a", 62) + "." + strings.Repeat("b", 62) + "." + strings.Repeat("c", 59) // 185 octets
	for _, test := range []struct{ name, text, key, mailbox, rule string }{
		{"plain", "layla@example.com", "layla@example.com", "layla@example.com", ""},
		{"capitals", "Layla.H@EXAMPLE.Com", "layla.h@example.com", "Layla.H@example.com", ""},
		{"plus", "layla+news@example.com", "layla+news@example.com", "layla+news@example.com", ""},
		{"every sign of an atom", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", ""},
		{"IDN", "layla@Bücher.example", "layla@xn--bcher-kva.example", "layla@xn--bcher-kva.example", ""},
		{"IDN in ASCII", "layla@XN--BCHER-KVA.example", "layla@xn--bcher-kva.example", "layla@xn--bcher-kva.example", ""},
		{"Arabic", "ليلى@مثال.السعودية", "ليلى@xn--mgbh0fb.xn--mgberp4a5d4ar", "ليلى@xn--mgbh0fb.xn--mgberp4a5d4ar", ""},
		{"accent", "josé@example.com", "josé@example.com", "josé@example.com", ""},
		{"accent decomposed", "jose\u0301@example.com", "josé@example.com", "josé@example.com", ""},
		{"full width", "Ｌａｙｌａ@ｅｘａｍｐｌｅ.com", "layla@example.com", "Layla@example.com", ""},
		{"invisible", "lay\u200bla@example.com\u200b", "layla@example.com", "layla@example.com", ""},
		{"marks of direction around it", "\u202alayla@example.com\u202c", "layla@example.com", "layla@example.com", ""},
		{"one letter", "a@b.co", "a@b.co", "a@b.co", ""},
		{"64 octets", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", strings.Repeat("a", 64) + "@example.com", ""},
		{"254 octets", strings.Repeat("a", 64) + "@" + longDomain + ".com", strings.Repeat("a", 64) + "@" + longDomain + ".com", strings.Repeat("a", 64) + "@" + longDomain + ".com", ""},

		{"empty", "", "", "", "FORMAT"},
		{"no at", "layla.example.com", "", "", "FORMAT"},
		{"no local part", "@example.com", "", "", "FORMAT"},
		{"no domain", "layla@", "", "", "FORMAT"},
		{"two ats", "a@b@example.com", "", "", "FORMAT"},
		{"an at in disguise", "a＠b@example.com", "", "", "FORMAT"},
		{"dots in disguise", "a․․b@example.com", "", "", "FORMAT"},
		{"dot first", ".layla@example.com", "", "", "FORMAT"},
		{"dot last", "layla.@example.com", "", "", "FORMAT"},
		{"two dots", "lay..la@example.com", "", "", "FORMAT"},
		{"quoted", `"layla h"@example.com`, "", "", "FORMAT"},
		{"comment", "layla(h)@example.com", "", "", "FORMAT"},
		{"name and address", "Layla <layla@example.com>", "", "", "FORMAT"},
		{"space", "lay la@example.com", "", "", "FORMAT"},
		{"space around", " layla@example.com", "", "", "FORMAT"},
		{"line", "layla\r\nBcc: x@example.com", "", "", "FORMAT"},
		{"line after", "layla@example.com\r\n", "", "", "FORMAT"},
		{"direction override", "\u202elayla@example.com", "", "", "FORMAT"},
		{"control", "lay\x00la@example.com", "", "", "FORMAT"},
		{"emoji", "layla🦊@example.com", "", "", "FORMAT"},
		{"nothing to the eye", "\u200b@example.com", "", "", "FORMAT"},
		{"both directions", "ליla@example.com", "", "", "FORMAT"},
		{"invalid octets", "lay\xffla@example.com", "", "", "FORMAT"},
		{"one label", "layla@localhost", "", "", "DOMAIN"},
		{"address literal", "layla@[192.0.2.1]", "", "", "DOMAIN"},
		{"IPv4", "layla@192.0.2.1", "", "", "DOMAIN"},
		{"a number for a top-level domain", "layla@example.123", "", "", "DOMAIN"},
		{"IPv6", "layla@[IPv6:2001:db8::1]", "", "", "DOMAIN"},
		{"hyphen", "layla@-example.com", "", "", "DOMAIN"},
		{"underscore", "layla@ex_ample.com", "", "", "DOMAIN"},
		{"root", "layla@example.com.", "", "", "DOMAIN"},
		{"empty label", "layla@example..com", "", "", "DOMAIN"},
		{"long label", "layla@" + strings.Repeat("a", 64) + ".com", "", "", "DOMAIN"},
		{"65 octets", strings.Repeat("a", 65) + "@example.com", "", "", "TOO_LONG"},
		{"65 octets of 33 letters", strings.Repeat("é", 32) + "a@example.com", "", "", "TOO_LONG"},
		{"72 octets written out", strings.Repeat("㌀", 6) + "@example.com", "", "", "TOO_LONG"},
		{"255 octets", strings.Repeat("a", 64) + "@" + longDomain + ".info", "", "", "TOO_LONG"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, wrong := registration.ParseEmail(test.text, address.DomainToASCII)
			switch {
			case wrong == nil && test.rule != "":
				t.Errorf("accepted with the key %q", got.Key)
			case wrong != nil && (wrong.Rule != test.rule || wrong.Field != "email"):
				t.Errorf("got %+v, want %q", wrong, test.rule)
			case got.Key != test.key || got.Mailbox != test.mailbox:
				t.Errorf("the key is %q, want %q; the mailbox %q, want %q", got.Key, test.key, got.Mailbox, test.mailbox)
			case wrong == nil && got.Text != test.text:
				t.Errorf("the text is %q", got.Text)
			}
		})
	}
}

// FuzzParseEmail: a key is its own key, and so is the mailbox's: mail goes where
// the key says. Both are within the limits of SMTP and of the store.
func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"Layla.H@EXAMPLE.com", "ليلى@مثال.السعودية", "josé@bücher.example", "a＠b@example.com", "a․b@example.com", "ΣΑΣ@example.com", "İ@example.com", "\u202aa@b.co\u202c", "a@b。co", "a@1.2.3.4", "ﷺ@b.co", "a\u034f\u0301b@b.co"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.RuneCountInString(text) > 400 {
			return
		}
		email, wrong := registration.ParseEmail(text, address.DomainToASCII)
		if wrong != nil {
			if email != (registration.Email{}) {
				t.Fatalf("%+v beside %+v", email, wrong)
			}
			return
		}
		if len(email.Key) > 254 || len(email.Mailbox) > 254 || strings.Count(email.Mailbox, "@") != 1 || strings.ContainsAny(email.Mailbox, " \r\n\x00\"<>(),;:\\[]") {
			t.Fatalf("%q gives %+v", text, email)
		}
		for what, other := range map[string]string{"key": email.Key, "mailbox": email.Mailbox} {
			if again, wrong := registration.ParseEmail(other, address.DomainToASCII); wrong != nil || again.Key != email.Key {
				t.Fatalf("%q has the key %q; its %s %q has %q, %+v", text, email.Key, what, other, again.Key, wrong)
			}
		}
		if again, wrong := registration.ParseEmail(email.Mailbox, address.DomainToASCII); wrong != nil || again.Mailbox != email.Mailbox {
			t.Fatalf("the mailbox %q has the mailbox %q, %+v", email.Mailbox, again.Mailbox, wrong)
		}
	})
}
