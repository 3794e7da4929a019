package xsd_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"registrar/soap/xsd"
)

// FuzzDecode: what is valid and bound is, written again, valid and the same;
// what is not valid says where and why.
func FuzzDecode(f *testing.F) {
	for _, content := range []string{
		required, `<code>A<!-- x -->BC</code><paid xsi:type="xs:int"> 1 </paid>`, required + `<note xsi:nil="true"/><tag>a</tag><tag/><tag/>`,
		required + `<line><code>AAA</code><quantity>5</quantity></line><at>2026-01-01T24:00:00.5+14:00</at>`,
		`x<y/><code id="1"/>`, required + `<address><city>&#13;</city></address><priority>-0</priority><pin>` + "\t\n " + `x</pin>`,
	} {
		f.Add(envelop(content))
	}
	b := bound(f)
	f.Fuzz(func(t *testing.T, doc string) {
		o, violations, err := decode(b, doc)
		if err != nil {
			return
		}
		if len(violations) > 0 {
			for _, v := range violations {
				if v.Element == "" || v.Rule == "" || v.Message == "" || !strings.HasPrefix(v.Path, "/Order") {
					t.Fatalf("%+v", v)
				}
			}
			return
		}
		once, err := b.Append(nil, o)
		if err != nil {
			t.Fatal(err)
		}
		again, violations, err := decode(b, string(once))
		if err != nil || len(violations) > 0 {
			t.Fatalf("%s: %v %+v", once, err, violations)
		}
		if twice, err := b.Append(nil, again); err != nil || string(twice) != string(once) {
			t.Fatalf("%v\nonce  %s\ntwice %s", err, once, twice)
		}
	})
}

// FuzzCompile: no schema makes the compiler panic or take what regexp cannot.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob("testdata/*.xsd")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Add(restriction("xs:string", `<xs:pattern value="[\w-]+@\p{L}{1,3}(a|b)*"/>`))
	f.Fuzz(func(_ *testing.T, schema string) {
		_, _ = xsd.Compile([]byte(schema))
	})
}

// FuzzAppendText: what is written is read back by the standard library, with
// U+FFFD for what XML cannot hold.
func FuzzAppendText(f *testing.F) {
	f.Add("a<b>&\"'\r\n\t\x00\xff\uFFFE😀")
	illegal := regexp.MustCompile("[\x00-\x08\x0b\x0c\x0e-\x1f\uFFFE\uFFFF]")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := xml.Unmarshal(append(xsd.AppendText([]byte("<a>"), s), "</a>"...), &got); err != nil {
			t.Fatal(err)
		}
		var valid strings.Builder
		for _, r := range s { // each wrong byte is one U+FFFD
			valid.WriteRune(r)
		}
		if want := illegal.ReplaceAllString(valid.String(), string(utf8.RuneError)); got != want {
			t.Fatalf("%q becomes %q, want %q", s, got, want)
		}
	})
}
