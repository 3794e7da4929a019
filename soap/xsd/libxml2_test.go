package xsd_test

import (
	"regexp"
	"strings"
	"testing"

	"registrar/soap/xsd"
	"registrar/test/libxml2"
)

// orders are contents of an Order, right and wrong.
var orders = []string{
	required,
	`<code> ABC</code><paid> 1
</paid>`,
	`<code>ABC-12345</code><paid>TRUE</paid>`,
	`<code>AB-1</code><paid>0</paid><color>RED</color><language> en </language><pin>` + "\t\n x" + `</pin><note xsi:nil="true"/><priority>+7</priority><total>-9223372036854775808</total>`,
	required + `<at>2026-01-01T24:00:00+14:00</at><tag/><tag> x </tag><line><code>AAA</code><quantity>0100</quantity></line><line><code>AB-1</code><quantity>1</quantity></line><address><city/></address>`,
	required + `<at>2024-02-29T23:59:59.999999999Z</at>`, required + `<at>2023-02-29T00:00:00</at>`, required + `<at>-0001-01-01T00:00:00</at>`, required + `<at>12026-01-01T00:00:00-14:00</at>`,
	required + `<at>2026-01-01T00:00:00+14:01</at>`, required + `<at>2026-01-01T00:00:60Z</at>`, required + `<at>2026-1-1T0:0:0Z</at>`, required + `<at>2026-01-01T00:00:00.Z</at>`,
	required + `<priority>2147483648</priority>`, required + `<priority>-0</priority>`, required + `<priority>1.0</priority>`, required + `<priority>٣</priority>`,
	required + `<note xsi:nil="false">a<!-- b -->c<![CDATA[d]]></note>`, required + `<note xsi:nil="1"> </note>`, required + `<priority xsi:nil="true"/>`,
	required + `<color xsi:type="o:Color">BLUE</color>`, required + `<color xsi:type="xs:string">GREEN</color>`, required + `<language>en-gb</language>`, required + `<tag/><tag/><tag/>`,
	required + `<address/>`, required + `<address><main>1</main><city>x</city></address>`, required + `<line/>`, required + `x`, `<paid>1</paid><code>ABC</code>`,
}

// tolerated tells what this package takes and XML Schema does not, as its
// clients need it: elements in another order, and attributes of the namespaces
// xsi and xml, among them an xsi:type whose form the value has.
func tolerated(reason string) bool {
	return strings.Contains(reason, "This element is not expected") || strings.Contains(reason, "XMLSchema-instance}") ||
		strings.Contains(reason, "XML/1998/namespace}") || spaced.MatchString(reason)
}

// spaced is white space around a number, which libxml2 2.9 refuses although
// its facet is collapse (XML Schema part 2, 3.3 and 4.3.6).
var spaced = regexp.MustCompile(`: '(\s[^']*|[^']*\s)' is not a valid value of the (atomic|local atomic) type`)

// FuzzAgainstLibxml2: what this package takes is valid for libxml2 as well,
// once it is written as this package writes it, and what libxml2 takes this
// package does.
func FuzzAgainstLibxml2(f *testing.F) {
	for _, content := range orders {
		f.Add(content)
	}
	b := bound(f)
	second := libxml2.Start(f, "testdata/order.xsd")
	f.Fuzz(func(t *testing.T, content string) { agree(t, b, second, content) })
}

// FuzzValuesAgainstLibxml2 is the same of the values of each simple type.
func FuzzValuesAgainstLibxml2(f *testing.F) {
	elements := []string{"color", "language", "pin", "note", "priority", "total", "at", "tag"}
	for i := range elements {
		for _, value := range []string{"RED", "en-GB", "1234", "-0", "9223372036854775808", "+00000000000000000000001", "2026-12-31T23:59:59.999Z", "2000-02-29T24:00:00-13:59", " x ", ""} {
			f.Add(uint8(i), value)
		}
	}
	b := bound(f)
	second := libxml2.Start(f, "testdata/order.xsd")
	f.Fuzz(func(t *testing.T, which uint8, value string) {
		e := elements[int(which)%len(elements)]
		agree(t, b, second, required+"<"+e+">"+string(xsd.AppendText(nil, value))+"</"+e+">")
	})
}

// agree compares what this package and libxml2 say of an Order.
func agree(t *testing.T, b *xsd.Binding, second *libxml2.Reader, content string) {
	t.Helper()
	doc := envelop(content)
	o, violations, err := decode(b, doc)
	if err != nil {
		return
	}
	them, err := second.Read(doc)
	if err != nil {
		t.Fatal(err)
	}
	valid := them.Error == "" && them.Invalid == ""
	if len(violations) > 0 {
		if valid && !yearOfMany(them.Tokens) {
			t.Fatalf("valid there, here %+v: %s", violations, content)
		}
		return
	}
	if !valid && them.Error == "" && !tolerated(them.Invalid) {
		t.Fatalf("valid here, there %s: %s", them.Invalid, content)
	}
	canonical, err := b.Append(nil, o)
	if err != nil {
		t.Fatal(err)
	}
	if them, err = second.Read(string(canonical)); err != nil || them.Error != "" || them.Invalid != "" {
		t.Fatalf("%v %s %s: %s", err, them.Error, them.Invalid, canonical)
	}
}

// manyDigits are years that time.Time does not write as xs:dateTime does:
// before 1 and after 9999. This package refuses them.
var manyDigits = regexp.MustCompile(`^\s*(-|\d{5}|0000-)`)

// yearOfMany tells documents with such a year.
func yearOfMany(tokens []libxml2.Token) bool {
	text := ""
	for _, t := range tokens {
		switch {
		case t.Start != nil:
			text = ""
		case t.End == nil:
			text += t.Text
		case t.End[1] == "at" && manyDigits.MatchString(text):
			return true
		}
	}
	return false
}
