package xsd_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

func TestWritesRequiredElementsZeroOrNot(t *testing.T) {
	got, err := bound(t).Append(nil, &order{Line: []*line{{}, nil}})
	want := `<Order xmlns="urn:test:order"><code></code><paid>false</paid>` +
		`<line><code></code><quantity>0</quantity></line><line><code></code><quantity>0</quantity></line></Order>`
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

func TestWritesInTheSchemasOrder(t *testing.T) {
	o := &order{
		Code: ptr(code("A<&>\"'é]]>")), Paid: true, Color: ptr(color("RED")), Language: ptr(language("")), Pin: "\x00\xff\uFFFF1", Note: ptr("a\r\nb"),
		Priority: -1, Total: 1 << 62, At: dateTime{inner: time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.FixedZone("", 3*3600)), zoned: true},
		Tag: []string{"x", ""},
	}
	o.Address.Main = true
	got, err := bound(t).Append([]byte("before"), o)
	want := `before<Order xmlns="urn:test:order"><code>A&lt;&amp;&gt;&#34;'é]]&gt;</code><paid>true</paid><color>RED</color><language></language><pin>` + "\uFFFD\uFFFD\uFFFD" + `1</pin>` +
		"<note>a&#13;\nb</note><priority>-1</priority><total>4611686018427387904</total><at>2026-01-02T00:04:05.123456Z</at><tag>x</tag><tag></tag>" +
		`<address><city></city><main>true</main></address></Order>`
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

func TestWritesNilAndTimes(t *testing.T) {
	s, err := xsd.Compile([]byte(complexOf(`<xs:element name="n" type="xs:string" nillable="true"/><xs:element name="t" type="xs:dateTime"/><xs:element name="u" type="xs:dateTime" minOccurs="0"/>`)))
	if err != nil {
		t.Fatal(err)
	}
	type value struct {
		N *string   `xml:"n"`
		T time.Time `xml:"t"`
		U dateTime  `xml:"u"`
	}
	b, err := s.Bind(xsd.Name{Space: "urn:t", Local: "e"}, reflect.TypeFor[value]())
	if err != nil {
		t.Fatal(err)
	}
	for want, v := range map[string]value{
		`0001-01-01T00:00:00Z`: {T: time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC), U: dateTime{zoned: true}},
		`9999-12-31T23:59:59Z`: {T: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		`2026-05-01T00:00:00Z`: {T: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)},
	} {
		got, err := b.Append(nil, &v)
		whole := `<e xmlns="urn:t"><n xmlns:xsi="` + xsd.InstanceSpace + `" xsi:nil="true"/><t>` + want + `</t></e>`
		if err != nil || string(got) != whole {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, whole)
		}
		if v := mustDecode(t, b, string(got), new(value)); len(v) > 0 {
			t.Errorf("%s is not valid: %v", got, v)
		}
	}
}

func TestAppendRefusesOtherTypes(t *testing.T) {
	b := bound(t)
	for _, v := range []any{nil, order{}, (*order)(nil), &line{}, "x"} {
		if _, err := b.Append(nil, v); err == nil {
			t.Errorf("%T is written", v)
		}
	}
	r := xmlreader.New(envelop(required), xmlreader.Limits{})
	start, _ := r.Next()
	for _, v := range []any{nil, order{}, (*order)(nil), &line{}} {
		if _, err := b.Decode(r, start, v); err == nil {
			t.Errorf("%T is read into", v)
		}
	}
}

// TestWhatIsWrittenIsReadBack takes random orders that keep the schema.
func TestWhatIsWrittenIsReadBack(t *testing.T) {
	b := bound(t)
	property := func(seed uint64, note string, total int64, tags []string, seconds uint32, nanoseconds uint32) bool {
		r := rand.New(rand.NewPCG(seed, 0))
		o := order{
			Code: ptr(code("AB" + string(rune('A'+r.IntN(26))))), Paid: r.IntN(2) == 0, Note: ptr(strings.ToValidUTF8(clean(note), "")), Total: total, Priority: int32(total >> 32),
			At: dateTime{inner: time.Unix(int64(seconds), int64(nanoseconds%1_000_000)*1000).UTC(), zoned: true},
		}
		for _, tag := range tags[:min(len(tags), 2)] {
			o.Tag = append(o.Tag, clean(tag))
		}
		for range r.IntN(4) {
			o.Line = append(o.Line, &line{ptr(shortCode("XYZ")), ptr(quantity(1 + r.IntN(100)))})
		}
		if r.IntN(2) == 0 {
			o.Address.City = clean(note)
			o.Address.Main = true
		}
		doc, err := b.Append(nil, &o)
		if err != nil {
			t.Fatal(err)
		}
		var back order
		if violations := mustDecode(t, b, string(doc), &back); len(violations) > 0 {
			t.Logf("%s: %v", doc, violations)
			return false
		}
		back.At.inner = back.At.inner.UTC()
		if !reflect.DeepEqual(back, o) {
			t.Logf("\ngot  %+v\nwant %+v", back, o)
			return false
		}
		return true
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

// clean drops the characters that XML cannot hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
}
