package xmlreader_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
)

// attributes are n of different names.
func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ` attribute-%d="%d"`, i, i)
	}
	return b.String()
}

func TestNoAttributeStandsTwiceAmongMany(t *testing.T) {
	for n := range 40 {
		many := attributes(n)
		for _, twice := range []string{
			`<a` + many + ` attribute-0=""` + ` attribute-0=""/>`,
			`<a xmlns:p="u" xmlns:q="u" p:x=""` + many + ` q:x=""/>`,
			`<a` + many + `><b` + many + ` x="" x=""/></a>`,
		} {
			_, err := stream(twice, xmlreader.Limits{})
			var e *xmlreader.Error
			if !errors.As(err, &e) || e.Reason != xmlreader.DuplicateAttribute {
				t.Errorf("%d: %s: %v", n, twice, err)
			}
		}
		once := `<a xmlns:p="u" attribute-x=""` + many + ` p:attribute-x=""><b` + many + `/><b` + many + `/></a>`
		if _, err := stream(once, xmlreader.Limits{}); err != nil {
			t.Errorf("%d: %v", n, err)
		}
	}
}

// BenchmarkManyAttributes is the most that the limits let an element have.
func BenchmarkManyAttributes(b *testing.B) {
	doc := "<a>" + strings.Repeat("<b"+attributes(64)+"/>", 900) + "</a>"
	r := xmlreader.New("", xmlreader.Limits{})
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		for r.Reset(doc, xmlreader.Limits{}); ; {
			t, err := r.Next()
			if err != nil {
				b.Fatal(err)
			}
			if t.Kind == xmlreader.EndDocument {
				break
			}
		}
	}
}

// BenchmarkManyElements is the same, kept as elements.
func BenchmarkManyElements(b *testing.B) {
	doc := "<a>" + strings.Repeat("<b"+attributes(60)+"/>", 900) + "</a>"
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmlreader.ReadDocument(doc, xmlreader.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
