package sms_test

import (
	"slices"
	"strings"
	"testing"

	"registrar/internal/sms"
)

// alphabet is 3GPP TS 23.038 section 6.2.1 as its table has it, column by
// column from code 0x00; the escape is left out.
const (
	alphabet = "@£$¥èéùìòÇ\nØø\rÅå" + "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ" + " !\"#¤%&'()*+,-./" + "0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNO" + "PQRSTUVWXYZÄÖÑÜ§" + "¿abcdefghijklmno" + "pqrstuvwxyzäöñüà"
	extension = "\f^{}\\[~]|€"
)

func TestAlphabet(t *testing.T) {
	octets, err := sms.EncodeGSM7(alphabet)
	if err != nil || len(octets) != 127 {
		t.Fatalf("%d octets, %v", len(octets), err)
	}
	for i, want := 0, 0; i < len(octets); i, want = i+1, want+1 {
		if want == 0x1b {
			want++
		}
		if octets[i] != byte(want) {
			t.Errorf("character %d has code %#x, not %#x", i, octets[i], want)
		}
	}
	if text, err := sms.DecodeGSM7(octets); err != nil || text != alphabet {
		t.Errorf("back: %q, %v", text, err)
	}
	octets, err = sms.EncodeGSM7(extension)
	want := []byte{0x1b, 0x0a, 0x1b, 0x14, 0x1b, 0x28, 0x1b, 0x29, 0x1b, 0x2f, 0x1b, 0x3c, 0x1b, 0x3d, 0x1b, 0x3e, 0x1b, 0x40, 0x1b, 0x65}
	if err != nil || !slices.Equal(octets, want) {
		t.Errorf("extension: % x, %v", octets, err)
	}
	for _, text := range []string{"`", "ç", "\x1b", "\t", "م", "😀", "’"} {
		if _, err := sms.EncodeGSM7("a" + text); err == nil || sms.AlphabetOf("a"+text) != sms.UCS2 {
			t.Errorf("%q is in the default alphabet", text)
		}
	}
	for _, octets := range [][]byte{{0x1b}, {0x1b, 'A'}, {0x80}, {'a', 0xff}} {
		if text, err := sms.DecodeGSM7(octets); err == nil {
			t.Errorf("% x is %q", octets, text)
		}
	}
}

func TestUCS2(t *testing.T) {
	for text, want := range map[string]string{
		"aم":     "\x00\x61\x06\x45",
		"😀":      "\xd8\x3d\xde\x00",
		"\xff":   "\xff\xfd",
		"":       "",
		"\u200f": "\x20\x0f",
	} {
		if got := sms.EncodeUCS2(text); string(got) != want {
			t.Errorf("%q: % x", text, got)
		}
	}
	if _, err := sms.DecodeUCS2([]byte{0}); err == nil {
		t.Error("half a unit was read")
	}
}

func TestSplit(t *testing.T) {
	a, m := strings.Repeat("a", 153), strings.Repeat("م", 67)
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":                     {"", []string{""}},
		"160 septets":                 {a + "1234567", []string{a + "1234567"}},
		"161 septets":                 {a + "12345678", []string{a, "12345678"}},
		"an escape at the end":        {a + "12345€", []string{a + "12345€"}},
		"an escape over the end":      {a[1:] + "€" + "1234567", []string{a[1:], "€1234567"}},
		"escapes that take one more":  {strings.Repeat(a[1:]+"€", 2), []string{a[1:], "€" + a[2:], "a€"}},
		"70 units":                    {m + "abc", []string{m + "abc"}},
		"71 units":                    {m + "abcd", []string{m, "abcd"}},
		"a pair over the end":         {m[2:] + "😀abcd", []string{m[2:], "😀abcd"}},
		"one character makes it UCS2": {"م" + a, []string{"م" + a[:66], a[:67], a[:20]}},
	} {
		t.Run(name, func(t *testing.T) {
			got := sms.Split(sms.AlphabetOf(c.text), c.text)
			if !slices.Equal(got, c.want) || sms.Segments(c.text) != len(c.want) {
				t.Errorf("%d parts: %q", len(got), got)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	for _, text := range []string{"", alphabet + extension, strings.Repeat("€", 200), strings.Repeat("😀م", 100), strings.Repeat("a", 152) + "€😀", strings.Repeat("\xff", 80)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		alphabet := sms.AlphabetOf(text)
		parts := sms.Split(alphabet, text)
		if strings.Join(parts, "") != text {
			t.Fatal("the parts are not the text")
		}
		for i, part := range parts {
			length, alone, together := len(sms.EncodeUCS2(part))/2, 70, 67
			if alphabet == sms.GSM7 {
				octets, err := sms.EncodeGSM7(part)
				if err != nil {
					t.Fatal(err)
				}
				if back, err := sms.DecodeGSM7(octets); err != nil || back != part {
					t.Fatalf("%q is read as %q, %v", part, back, err)
				}
				length, alone, together = len(octets), 160, 153
			}
			most := together
			if len(parts) == 1 {
				most = alone
			}
			if length > most {
				t.Fatalf("part %d has length %d", i, length)
			}
			// A part that is not the last is full but for one character of width two.
			if i < len(parts)-1 && length < together-1 {
				t.Fatalf("part %d has length %d only", i, length)
			}
		}
	})
}

func FuzzGSM7(f *testing.F) {
	f.Add([]byte("hello\x00\x1b\x65"))
	f.Add([]byte{0x1b, 0x1b, 0x80})
	f.Fuzz(func(t *testing.T, octets []byte) {
		text, err := sms.DecodeGSM7(octets)
		if err != nil {
			return
		}
		if back, err := sms.EncodeGSM7(text); err != nil || !slices.Equal(back, octets) {
			t.Fatalf("% x is written as % x, %v", octets, back, err)
		}
	})
}
