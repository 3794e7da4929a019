package address_test

import (
	"errors"
	"strings"
	"testing"

	"registrar/internal/address"
)

func TestDomainToASCII(t *testing.T) {
	t.Parallel()
	label := strings.Repeat("a", 63)
	for _, test := range []struct{ domain, want string }{
		{"example.com", "example.com"},
		{"EXAMPLE.Com", "example.com"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"bu\u0308cher.example", "xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"ｅｘａｍｐｌｅ.com", "example.com"},
		{"example。com", "example.com"},
		{"faß.example", "xn--fa-hia.example"}, // not transitional: not fass
		{"مثال.السعودية", "xn--mgbh0fb.xn--mgberp4a5d4ar"},
		{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"mail-1.example.co.uk", "mail-1.example.co.uk"},
		{"localhost", "localhost"},
		{"127.0.0.1", "127.0.0.1"}, // digits are a host name's letters; ParseEmail refuses it
		{label + ".example", label + ".example"},
		{"ex\u00adample.com", "example.com"}, // a soft hyphen is ignored

		{"", ""},
		{".", ""},
		{"example.com.", ""},
		{".example.com", ""},
		{"example..com", ""},
		{"-example.com", ""},
		{"example-.com", ""},
		{"ab--cd.com", ""},
		{"exa mple.com", ""},
		{"exa_mple.com", ""},
		{"exa!mple.com", ""},
		{"example.com\x00", ""},
		{"[192.0.2.1]", ""},
		{"xn--a", ""},
		{"xn--\u00e9.com", ""},
		{"a\u200cb.example", ""},
		{"אa.example", ""}, // both directions in one label
		{label + "a.example", ""},
		{strings.Repeat(label[:50]+".", 5) + "example", ""},
		{"\xff.example", ""},
		{"\ufffd.example", ""},
		{strings.Repeat("ü", 60) + ".example", ""},
	} {
		got, err := address.DomainToASCII(test.domain)
		switch {
		case got != test.want:
			t.Errorf("%q is %q, want %q (%v)", test.domain, got, test.want, err)
		case (test.want == "") != errors.Is(err, address.ErrDomain):
			t.Errorf("%q: error %v", test.domain, err)
		}
	}
}

// FuzzDomainToASCII: never panics; what it gives is a name within DNS's limits
// that stays itself.
func FuzzDomainToASCII(f *testing.F) {
	for _, seed := range []string{"example.com", "bücher.example", "مثال.السعودية", "xn--bcher-kva.example", "faß.de", "a\u200db.example", "xn--a", "。", "Ⅷ.x", "\u0130.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, domain string) {
		got, err := address.DomainToASCII(domain)
		if err != nil {
			return
		}
		if len(got) > 253 || strings.ToLower(got) != got || strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Fatalf("%q gives %q", domain, got)
		}
		for label := range strings.SplitSeq(got, ".") {
			if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
				t.Fatalf("%q gives %q with the label %q", domain, got, label)
			}
		}
		if again, err := address.DomainToASCII(got); again != got {
			t.Fatalf("%q gives %q, that %q, %v", domain, got, again, err)
		}
	})
}
