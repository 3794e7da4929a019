package charset_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"registrar/soap/charset"
)

func utf16Bytes(order binary.AppendByteOrder, s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

const mark = "\uFEFF"

func TestDecodes(t *testing.T) {
	const arabic = "<a>محمد 😀</a>"
	for name, test := range map[string]struct {
		body     []byte
		declared string
		want     string
	}{
		"UTF-8 by default":              {[]byte("<a>é</a>"), "", "<a>é</a>"},
		"UTF-8 declared in HTTP":        {[]byte("<a>é</a>"), "utf-8", "<a>é</a>"},
		"UTF-8 in any case, spaced":     {[]byte("<a>é</a>"), " UTF8 ", "<a>é</a>"},
		"UTF-8 with a mark":             {[]byte(mark + "<a>é</a>"), "", "<a>é</a>"},
		"UTF-8 with a mark, declared":   {[]byte(mark + "<a>é</a>"), "UTF-8", "<a>é</a>"},
		"UTF-16BE by its mark":          {utf16Bytes(binary.BigEndian, mark+arabic), "", arabic},
		"UTF-16LE by its mark":          {utf16Bytes(binary.LittleEndian, mark+arabic), "", arabic},
		"UTF-16 declared in HTTP":       {utf16Bytes(binary.LittleEndian, mark+arabic), "utf-16", arabic},
		"UTF-16LE declared, no mark":    {utf16Bytes(binary.LittleEndian, arabic), "utf-16le", arabic},
		"UTF-16BE declared, mark":       {utf16Bytes(binary.BigEndian, mark+arabic), "utf-16be", arabic},
		"the mark beats the prolog":     {utf16Bytes(binary.LittleEndian, mark+`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`), "", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`},
		"ISO-8859-1 in the prolog":      {[]byte("<?xml version='1.0' encoding = 'iso-8859-1'?><a>\xe9\x80</a>"), "", "<?xml version='1.0' encoding = 'iso-8859-1'?><a>é\u0080</a>"},
		"ISO-8859-1 in HTTP":            {[]byte("<a>\xe9</a>"), "ISO-8859-1", "<a>é</a>"},
		"HTTP beats the prolog":         {[]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>`), "utf-8", `<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>`},
		"windows-1252 in the prolog":    {[]byte("<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\x80\x93\xe9</a>"), "", "<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>€“é</a>"},
		"windows-1252 in HTTP":          {[]byte("\x80"), "Windows-1252", "€"},
		"US-ASCII":                      {[]byte("<a/>"), "us-ascii", "<a/>"},
		"empty":                         {nil, "", ""},
		"encoding in an attribute only": {[]byte(`<a encoding="x-unknown"/>`), "", `<a encoding="x-unknown"/>`},
		"a declaration that is broken":  {[]byte(`<?xml version="1.0" encoding=x?><a/>`), "", `<?xml version="1.0" encoding=x?><a/>`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := charset.Decode(test.body, test.declared)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v\nwant %q", got, err, test.want)
			}
		})
	}
}

func TestRefusesBytesThatAreNotOfTheCharset(t *testing.T) {
	for name, test := range map[string]struct {
		body     string
		declared string
		offset   int
	}{
		"UTF-8":                        {"<a>\xe9</a>", "", 3},
		"UTF-8 cut off":                {"<a>\xd9", "utf-8", 3},
		"UTF-8 with a surrogate":       {"\xed\xa0\x80", "utf-8", 0},
		"US-ASCII":                     {"<a>é</a>", "us-ascii", 3},
		"windows-1252, not assigned":   {"<a>\x81", "windows-1252", 3},
		"UTF-16 without a mark":        {"<\x00a\x00", "utf-16", 0},
		"UTF-16 only in the prolog":    {`<?xml version="1.0" encoding="utf-16"?><a/>`, "", 0},
		"UTF-16 of an odd length":      {"\xfe\xff\x00", "", 2},
		"UTF-16, half of a pair":       {"\xfe\xff\xd8\x00", "", 2},
		"UTF-16, second half first":    {"\xfe\xff\xdc\x00\x00a", "", 2},
		"UTF-16, half before a letter": {"\xfe\xff\xd8\x00\x00a", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := charset.Decode([]byte(test.body), test.declared)
			var invalid *charset.InvalidError
			if !errors.As(err, &invalid) || invalid.Offset != test.offset {
				t.Errorf("got %q, %v, want an error at %d", got, err, test.offset)
			}
		})
	}
}

func TestRefusesCharsetsThatItDoesNotKnow(t *testing.T) {
	for _, test := range []struct{ body, declared string }{
		{"<a/>", "utf-7"},
		{"<a/>", "ebcdic-cp-us"},
		{"<a/>", strings.Repeat("x", 1000)},
		{`<?xml version="1.0" encoding="Shift_JIS"?><a/>`, ""},
	} {
		_, err := charset.Decode([]byte(test.body), test.declared)
		var unknown *charset.UnknownError
		if !errors.As(err, &unknown) || len(unknown.Label) > 40 {
			t.Errorf("%+v: %v", test, err)
		}
	}
}

func TestTakesTheMemoryOfItsResultAlone(t *testing.T) {
	const n = 50_000
	for name, test := range map[string]struct {
		body     []byte
		declared string
	}{
		"UTF-8":                {[]byte(strings.Repeat("م", n)), "utf-8"},
		"ISO-8859-1":           {[]byte(strings.Repeat("\xe9", n)), "iso-8859-1"},
		"windows-1252":         {[]byte(strings.Repeat("\x80", n)), "windows-1252"},
		"UTF-16, Latin":        {utf16Bytes(binary.BigEndian, strings.Repeat("a", n)), "utf-16be"},
		"UTF-16, Chinese":      {utf16Bytes(binary.BigEndian, strings.Repeat("注", n)), "utf-16be"},
		"UTF-16, beyond 65535": {utf16Bytes(binary.BigEndian, strings.Repeat("😀", n)), "utf-16be"},
	} {
		if allocs := testing.AllocsPerRun(10, func() {
			if _, err := charset.Decode(test.body, test.declared); err != nil {
				t.Fatal(err)
			}
		}); allocs > 1 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, declared := range append([]string{"", "utf-16le", "x"}, charset.Names...) {
		f.Add([]byte("<a>é\x81\xff</a>"), declared)
		f.Add([]byte("\xff\xfe<\x00a\x00"), declared)
		f.Add([]byte(`<?xml version="1.0" encoding="windows-1252"?>`), declared)
	}
	f.Fuzz(func(t *testing.T, body []byte, declared string) {
		got, err := charset.Decode(body, declared)
		var unknown *charset.UnknownError
		var invalid *charset.InvalidError
		switch {
		case err == nil:
			if !utf8.ValidString(got) || len(got) > 3*len(body) {
				t.Fatalf("%q becomes %q", body, got)
			}
		case !errors.As(err, &unknown) && !errors.As(err, &invalid):
			t.Fatalf("error %v", err)
		case got != "":
			t.Fatal("an error and a text")
		}
	})
}
