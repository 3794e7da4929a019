package xmlreader_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
)

func TestReadDocument(t *testing.T) {
	e, err := xmlreader.ReadDocument(`<p:a xmlns:p="u" b="p:x">1<p:c>2</p:c>3</p:a>`, xmlreader.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	value, _ := e.Attr(xmlreader.Name{Local: "b"})
	name, ok := e.ResolveQName(value)
	if e.Text != "13" || len(e.Children) != 1 || e.Children[0].Text != "2" || !ok || name != (xmlreader.Name{Space: "u", Local: "x"}) {
		t.Errorf("%+v, %v", e, name)
	}
	for _, bad := range []string{"", "<a/><b/>", "<a><b></a>", "<a/>x"} {
		if _, err := xmlreader.ReadDocument(bad, xmlreader.Limits{}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAnElementResolvesQNamesInItsOwnScope(t *testing.T) {
	root, err := xmlreader.ReadDocument(`<a xmlns="d" xmlns:p="1" xmlns:q="2"><b xmlns:p="3" xmlns=""><c/></b><d/></a>`, xmlreader.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	b, d := root.Children[0], root.Children[1]
	for _, test := range []struct {
		at          *xmlreader.Element
		value, want string
	}{
		{root, "p:x", "1"}, {root, "q:x", "2"}, {root, "x", "d"}, {root, "xml:x", xmlreader.XMLSpace},
		{b, "p:x", "3"}, {b, "q:x", "2"}, {b, "x", ""}, {b.Children[0], "p:x", "3"}, {b.Children[0], " q:x\n", "2"}, {b.Children[0], "x", ""},
		{d, "p:x", "1"}, {d, "x", "d"},
	} {
		if got, ok := test.at.ResolveQName(test.value); !ok || got != (xmlreader.Name{Space: test.want, Local: "x"}) {
			t.Errorf("%s: %q is %+v, %v", test.at.Name.Local, test.value, got, ok)
		}
	}
	for _, bad := range []string{"r:x", "xmlns:x", "p:", ":x", "", "p:x:y"} {
		if got, ok := b.ResolveQName(bad); ok {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

// TestElementsTakeMemoryInProportionToTheDocument: what is in scope is not
// kept again and again, nor is text that stands in one piece.
func TestElementsTakeMemoryInProportionToTheDocument(t *testing.T) {
	var declarations strings.Builder
	for i := range 60 {
		fmt.Fprintf(&declarations, ` xmlns:p%d="u"`, i)
	}
	for name, doc := range map[string]string{
		"children of many declarations": `<a` + declarations.String() + `>` + strings.Repeat(`<b/>`, 900) + `</a>`,
		"each with a declaration":       `<a` + declarations.String() + `>` + strings.Repeat(`<b xmlns:c="d"/>`, 900) + `</a>`,
		"long text":                     `<a>` + strings.Repeat("x", 100_000) + `</a>`,
		"references":                    `<a>` + strings.Repeat("&lt;", 25_000) + `</a>`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const times = 20
		for range times {
			if _, err := xmlreader.ReadDocument(doc, xmlreader.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		const fixed = 300_000 // 900 elements of 150 bytes, and the slices that hold them
		if each := (after.TotalAlloc - before.TotalAlloc) / times; int(each) > fixed+2*len(doc) {
			t.Errorf("%s: %d bytes of document take %d", name, len(doc), each)
		}
	}
}
