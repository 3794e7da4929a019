package xsd_test

import (
	"encoding/xml"
	"os"
	"reflect"
	"testing"
	"time"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

const target = "urn:test:order"

// The types are shaped like those that gowsdl generates for testdata/order.xsd.
type (
	code      string
	shortCode string
	color     string
	language  string
	quantity  int32

	line struct {
		Code     *shortCode `xml:"code,omitempty" json:"code,omitempty"`
		Quantity *quantity  `xml:"quantity,omitempty" json:"quantity,omitempty"`
	}

	order struct {
		XMLName  xml.Name  `xml:"urn:test:order Order"`
		Code     *code     `xml:"code,omitempty" json:"code,omitempty"`
		Paid     bool      `xml:"paid,omitempty" json:"paid,omitempty"`
		Color    *color    `xml:"color,omitempty" json:"color,omitempty"`
		Language *language `xml:"language,omitempty" json:"language,omitempty"`
		Pin      string    `xml:"pin,omitempty" json:"pin,omitempty"`
		Note     *string   `xml:"note,omitempty" json:"note,omitempty"`
		Priority int32     `xml:"priority,omitempty" json:"priority,omitempty"`
		Total    int64     `xml:"total,omitempty" json:"total,omitempty"`
		At       dateTime  `xml:"at,omitempty" json:"at,omitempty"`
		Tag      []string  `xml:"tag,omitempty" json:"tag,omitempty"`
		Line     []*line   `xml:"line,omitempty" json:"line,omitempty"`
		Address  struct {
			City string `xml:"city,omitempty" json:"city,omitempty"`
			Main bool   `xml:"main,omitempty" json:"main,omitempty"`
		} `xml:"address,omitempty" json:"address,omitempty"`
	}
)

// dateTime behaves like gowsdl's soap.XSDDateTime: hidden fields, methods on
// both kinds of receivers, reads itself from XML.
type dateTime struct {
	inner time.Time
	zoned bool
}

func (d *dateTime) ToGoTime() time.Time { return d.inner }

func (d *dateTime) UnmarshalXML(decoder *xml.Decoder, start xml.StartElement) error {
	var text string
	if err := decoder.DecodeElement(&text, &start); err != nil {
		return err
	}
	var err error
	if d.inner, err = time.Parse(time.RFC3339Nano, text); err == nil {
		d.zoned = true
		return nil
	}
	d.inner, err = time.Parse("2006-01-02T15:04:05.999999999", text)
	return err
}

func schemaBytes(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/order.xsd")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bound(t testing.TB) *xsd.Binding {
	t.Helper()
	schema, err := xsd.Compile(schemaBytes(t))
	if err != nil {
		t.Fatal(err)
	}
	b, err := schema.Bind(xsd.Name{Space: target, Local: "Order"}, reflect.TypeFor[order]())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// decode reads a document whose root is an Order.
func decode(b *xsd.Binding, doc string) (*order, []xsd.Violation, error) {
	r := xmlreader.New(doc, xmlreader.Limits{})
	start, err := r.Next()
	if err != nil {
		return nil, nil, err
	}
	o := new(order)
	violations, err := b.Decode(r, start, o)
	if err != nil {
		return o, violations, err
	}
	_, err = r.Next()
	return o, violations, err
}

// envelop puts the content of an order into its root, with the prefixes o
// (target), xsi and xs declared, and the target as the default namespace.
func envelop(content string) string {
	return `<Order xmlns="urn:test:order" xmlns:o="urn:test:order" xmlns:xs="` + xsd.SchemaSpace + `" xmlns:xsi="` + xsd.InstanceSpace + `">` + content + `</Order>`
}

const required = `<code>ABC</code><paid>true</paid>`

// mustDecode reads a document that is well-formed.
func mustDecode(t testing.TB, b *xsd.Binding, doc string, into any) []xsd.Violation {
	t.Helper()
	r := xmlreader.New(doc, xmlreader.Limits{})
	start, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	violations, err := b.Decode(r, start, into)
	if err != nil {
		t.Fatal(err)
	}
	return violations
}
