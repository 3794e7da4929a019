package registration_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"registrar/internal/registration"
)

func TestParseUsername(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, key, rule string }{
		{"plain", "layla.h", "layla.h", ""},
		{"capitals", "Layla.H", "layla.h", ""},
		{"every ASCII sign", "a!#$%&'*+-/=?^_`{|}~9", "a!#$%&'*+-/=?^_`{|}~9", ""},
		{"digits", "12345", "12345", ""},
		{"accents are letters of their own", "José", "josé", ""},
		{"decomposed", "Jose\u0301", "josé", ""},
		{"full width", "ｌａｙｌａ", "layla", ""},
		{"mathematical", "𝓵𝓪𝔂𝓵𝓪", "layla", ""},
		{"circled", "ⓛⓐⓨⓛⓐ", "layla", ""},
		{"ligature", "ﬁnn", "finn", ""},
		{"superscript", "x²³", "x23", ""},
		{"Kelvin sign", "\u212aelvin", "kelvin", ""},
		{"long s", "ſam", "sam", ""},
		{"sharp s", "Weiß", "weiß", ""},
		{"capital sharp s", "WEIẞ", "weiß", ""},
		{"Greek", "ΣΟΦΟΣ", "σοφοσ", ""},
		{"Greek, with final sigma", "σοφος", "σοφοσ", ""},
		{"Turkish dotted capital", "İstanbul", "i̇stanbul", ""},
		{"Cyrillic is not Latin", "аdmin", "аdmin", ""},
		{"Arabic", "ليلى", "ليلى", ""},
		{"Arabic, presentation forms", "ﻟﻴﻠﻰ", "ليلى", ""},
		{"Arabic and digits", "ليلى90", "ليلى90", ""},
		{"Arabic-Indic digits", "ليلى٩٠", "ليلى٩٠", ""},
		{"Arabic, stretched", "ليـلى", "", "CHARACTERS"},
		{"Hebrew", "לילה", "לילה", ""},
		{"Chinese", "王小明", "王小明", ""},
		{"half-width katakana", "ﾗｲﾗ", "ライラ", ""},
		{"zero width space", "la\u200byla", "layla", ""},
		{"joiners", "la\u200c\u200dyla", "layla", ""},
		{"soft hyphen", "la\u00adyla", "layla", ""},
		{"marks of direction", "\u202alayla\u202c\u200e", "layla", ""},
		{"byte order mark", "\ufefflayla", "layla", ""},
		{"variation selector", "layla\ufe0f", "layla", ""},
		{"Hangul filler", "lay\u3164la", "layla", ""},
		{"combining grapheme joiner", "lay\u034fla", "layla", ""},
		{"tag characters", "layla\U000e0041", "layla", ""},
		{"64 characters", strings.Repeat("a", 64), strings.Repeat("a", 64), ""},

		{"empty", "", "", "TOO_SHORT"},
		{"space", "layla h", "", "CHARACTERS"},
		{"space around", " layla", "", "CHARACTERS"},
		{"another space", "layla\u00a0h", "", "CHARACTERS"},
		{"control", "layla\x00", "", "CHARACTERS"},
		{"line", "layla\n", "", "CHARACTERS"},
		{"emoji", "layla🦊", "", "CHARACTERS"},
		{"a sign beyond ASCII", "layla€", "", "CHARACTERS"},
		{"both directions", "ליlayla", "", "CHARACTERS"},
		{"Latin before Arabic", "laylaليلى", "", "CHARACTERS"},
		{"digit before Arabic", "90ليلى", "", "CHARACTERS"},
		{"Arabic number sign", "lay\u0600la", "", "CHARACTERS"},
		{"private use", "layla\ue000", "", "CHARACTERS"},
		{"unassigned", "layla\u0378", "", "CHARACTERS"},
		{"invalid octets", "layla\xff", "", "CHARACTERS"},
		{"surrogate", "layla\xed\xa0\x80", "", "CHARACTERS"},
		{"short", "ab", "", "TOO_SHORT"},
		{"short to the eye", "a\u200b\u200b\u200bb", "", "TOO_SHORT"},
		{"nothing to the eye", "\u200b\u200b\u200b", "", "TOO_SHORT"},
		{"long when written out", strings.Repeat("㌀", 20), "", "TOO_LONG"},
		{"long", strings.Repeat("a", 65), "", "TOO_LONG"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, wrong := registration.ParseUsername(test.text)
			switch {
			case wrong == nil && test.rule != "":
				t.Errorf("accepted with the key %q", got.Key)
			case wrong != nil && (wrong.Rule != test.rule || wrong.Field != "username"):
				t.Errorf("got %+v, want %q", wrong, test.rule)
			case got.Key != test.key:
				t.Errorf("the key is %q, want %q", got.Key, test.key)
			case wrong == nil && got.Text != test.text:
				t.Errorf("the text is %q", got.Text)
			}
		})
	}
}

// FuzzParseUsername: a key is its own key, capitals and invisible characters
// change nothing, and the key fits where it is kept.
func FuzzParseUsername(f *testing.F) {
	for _, seed := range []string{"Layla.H", "ｌａｙｌａ", "ليلى٩٠", "ΣΟΦΟΣ", "İstanbul", "ﬁnn", "a\u034f\u0301b\u0316c", "\u1e9b\u0323abc", "ǅungla", "ŉabc", "ﷺﷺ", "क्\u200dष", "ͅabc", "ᾼδης"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.RuneCountInString(text) > 200 {
			return
		}
		name, wrong := registration.ParseUsername(text)
		if wrong != nil {
			if name != (registration.Username{}) {
				t.Fatalf("%+v beside %+v", name, wrong)
			}
			return
		}
		if n := utf8.RuneCountInString(name.Key); n < 3 || n > 64 || len(name.Key) > 2048 || !utf8.ValidString(name.Key) {
			t.Fatalf("the key %q", name.Key)
		}
		for what, other := range map[string]string{
			"its key": name.Key, "invisible characters": "\u200b" + text + "\u200e\ufe0f", "lower case": strings.ToLower(name.Key),
		} {
			if again, wrong := registration.ParseUsername(other); wrong != nil || again.Key != name.Key {
				t.Fatalf("%q has the key %q; %s %q has %q, %+v", text, name.Key, what, other, again.Key, wrong)
			}
		}
	})
}

// TestASCIIKeysArePRECIS: names of ASCII take a short way to their key, which must
// be the one that the profile gives.
func TestASCIIKeysArePRECIS(t *testing.T) {
	t.Parallel()
	for a := rune(0); a < utf8.RuneSelf; a++ {
		for b := rune(0); b < utf8.RuneSelf; b++ {
			text := "Ab" + string(a) + string(b)
			want, err := precis.UsernameCaseMapped.String(text)
			name, wrong := registration.ParseUsername(text)
			if (err != nil) != (wrong != nil) || name.Key != want {
				t.Fatalf("%q has the key %q, %v; PRECIS gives %q, %v", text, name.Key, wrong, want, err)
			}
		}
	}
}
