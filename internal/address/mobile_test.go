package address_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"registrar/internal/address"
)

func TestMobiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ region, number, want string }{
		{"SA", "+966512345678", "+966512345678"},
		{"SA", "00966512345678", "+966512345678"},
		{"SA", "0512345678", "+966512345678"},
		{"SA", "512345678", "+966512345678"},
		{"SA", "966512345678", "+966512345678"},
		{"SA", "+966 51 234 5678", "+966512345678"},
		{"SA", "+966 (0)51-234-5678", "+966512345678"},
		{"SA", "(051) 234.5678", "+966512345678"},
		{"SA", "051/234/5678", "+966512345678"},
		{"SA", "٠٥١٢٣٤٥٦٧٨", "+966512345678"},
		{"SA", "+٩٦٦ ٥١ ٢٣٤ ٥٦٧٨", "+966512345678"},
		{"SA", "۰۵۱۲۳۴۵۶۷۸", "+966512345678"},
		{"SA", "०५१२३४५६७८", "+966512345678"},
		{"SA", "＋９６６５１２３４５６７８", "+966512345678"},
		{"SA", "\u202a+966 51 234 5678\u202c", "+966512345678"},
		{"SA", "\u200f0512345678", "+966512345678"},
		{"SA", "051\u00a0234\u20115678", "+966512345678"},
		{"SA", "  0512345678\t", "+966512345678"},
		{"SA", "+1 415 555 2671", "+14155552671"},
		{"SA", "0014155552671", "+14155552671"},

		{"", "+966512345678", "+966512345678"},
		{"", "00966 51 234 5678", "+966512345678"},
		{"", "0512345678", ""},
		{"", "512345678", ""},
		{"", "966512345678", ""},

		{"US", "(415) 555-2671", "+14155552671"},
		{"US", "1-415-555-2671", "+14155552671"},
		{"US", "011 966 51 234 5678", "+966512345678"},
		{"US", "00966512345678", "+966512345678"},
		{"GB", "07400 123456", "+447400123456"},
		{"GB", "+44 (0)7400 123 456", "+447400123456"},
		{"DE", "0151 23456789", "+4915123456789"},
		{"FR", "06 12 34 56 78", "+33612345678"},
		{"IT", "312 345 6789", "+393123456789"},
		{"EG", "0100 123 4567", "+201001234567"},
		{"AE", "050 123 4567", "+971501234567"},
		{"JO", "07 9012 3456", "+962790123456"},
		{"YE", "712 345 678", "+967712345678"},
		{"IN", "081234 56789", "+918123456789"},
		{"CN", "131 2345 6789", "+8613123456789"},
		{"JP", "090-1234-5678", "+819012345678"},
		{"KR", "010-2000-0000", "+821020000000"},
		{"BR", "(11) 96123-4567", "+5511961234567"},
		{"AR", "011 15-2345-6789", "+5491123456789"},
		{"MX", "222 123 4567", "+522221234567"},
		{"AU", "0412 345 678", "+61412345678"},
		{"AU", "0011 966 512345678", "+966512345678"},
		{"ZA", "071 123 4567", "+27711234567"},
		{"NG", "0802 123 4567", "+2348021234567"},
		{"RU", "8 (912) 345-67-89", "+79123456789"},
		{"TR", "0501 234 56 78", "+905012345678"},
		{"NO", "406 12 345", "+4740612345"},
		{"SG", "8123 4567", "+6581234567"},

		{"SA", "", ""},
		{"SA", "+", ""},
		{"SA", "   ", ""},
		{"SA", "0112345678", ""},            // a fixed line in Riyadh
		{"SA", "8001234567", ""},            // toll-free
		{"SA", "911", ""},                   // an emergency number
		{"SA", "051234567", ""},             // a digit short
		{"SA", "05123456789", ""},           // a digit more
		{"SA", "0512345678 ext. 12", ""},    // an extension
		{"SA", "0512345678x12", ""},         //
		{"SA", "0512345678;ext=12", ""},     //
		{"SA", "0512345678#12", ""},         //
		{"SA", "0512345678,12", ""},         // a pause
		{"SA", "05123FOUR8", ""},            // letters
		{"SA", "tel:+966512345678", ""},     // a URI
		{"SA", "+966512345678+", ""},        // a second plus
		{"SA", "0512345678 0512345679", ""}, // two numbers
		{"SA", "+999 1234567890", ""},       // no such country
		{"GB", "020 7946 0018", ""},         // a fixed line in London
		{"GB", "07640 123456", ""},          // a pager
		{"US", "555-2671", ""},              // local dialling
		{"US", "+1 900 555 2671", ""},       // premium rate
		{"SA", strings.Repeat("5", 300), ""},
		{"SA", "\xff0512345678", ""},
	} {
		got, err := address.Mobiles{Region: test.region}.Parse(test.number)
		switch {
		case string(got) != test.want:
			t.Errorf("%s %q is %q, want %q", test.region, test.number, got, test.want)
		case (test.want == "") != errors.Is(err, address.ErrMobile):
			t.Errorf("%s %q: error %v", test.region, test.number, err)
		}
	}
}

func TestKnownRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]bool{"": true, "SA": true, "GB": true, "sa": false, "KSA": false, "ZZ": false, "001": false, "XX": false} {
		if got := address.KnownRegion(region); got != want {
			t.Errorf("%q: %v", region, got)
		}
	}
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// FuzzMobiles: never panics; what it gives is E.164 and is read as itself,
// whatever the region.
func FuzzMobiles(f *testing.F) {
	for _, seed := range []string{"+966512345678", "00966512345678", "٠٥١٢٣٤٥٦٧٨", "(415) 555-2671", "8 (912) 345-67-89", "011 15-2345-6789", "\u202a+1\u202c"} {
		f.Add(seed, "SA")
		f.Add(seed, "")
	}
	f.Fuzz(func(t *testing.T, number, region string) {
		if !address.KnownRegion(region) {
			region = "SA"
		}
		got, err := address.Mobiles{Region: region}.Parse(number)
		if err != nil {
			if got != "" || !errors.Is(err, address.ErrMobile) {
				t.Fatalf("%q, %v", got, err)
			}
			return
		}
		if !e164.MatchString(string(got)) {
			t.Fatalf("%q is read as %q", number, got)
		}
		for _, other := range []string{region, "", "US"} {
			if again, err := (address.Mobiles{Region: other}).Parse(string(got)); again != got {
				t.Fatalf("%q in %q is %q, %v", got, other, again, err)
			}
		}
	})
}

func BenchmarkMobiles(b *testing.B) {
	m := address.Mobiles{Region: "SA"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Parse("051 234 5678"); err != nil {
			b.Fatal(err)
		}
	}
}
