package xmlreader_test

import (
	"encoding/xml"
	"os"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
)

func envelope(b *testing.B) string {
	b.Helper()
	doc, err := os.ReadFile("testdata/soap11.xml")
	if err != nil {
		b.Fatal(err)
	}
	return string(doc)
}

func BenchmarkReader(b *testing.B) {
	doc := envelope(b)
	r := xmlreader.New("", xmlreader.Limits{})
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(doc, xmlreader.Limits{})
		for {
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

// BenchmarkEncodingXML is the standard library's decoder, which checks less.
func BenchmarkEncodingXML(b *testing.B) {
	doc := envelope(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		d := xml.NewDecoder(strings.NewReader(doc))
		for {
			if t, _ := d.Token(); t == nil {
				break
			}
		}
	}
}
