package xsd_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"registrar/soap/xsd"
)

func ptr[T any](v T) *T { return &v }

func TestBindsWhatIsValid(t *testing.T) {
	b := bound(t)
	for name, test := range map[string]struct {
		content string
		want    order
	}{
		"required only":                    {required, order{Code: ptr(code("ABC")), Paid: true}},
		"in any order":                     {`<paid>0</paid><pin>1234</pin><code>ABC-1</code>`, order{Code: ptr(code("ABC-1")), Pin: "1234"}},
		"other prefix":                     {`<o:code>ABC</o:code><o:paid>1</o:paid>`, order{Code: ptr(code("ABC")), Paid: true}},
		"white space and comments between": {"\n <!-- a --> <code>ABC</code>\t<paid>true</paid>\r\n", order{Code: ptr(code("ABC")), Paid: true}},
		"comments and CDATA joined":        {`<code>A<!-- x -->B<![CDATA[C]]><!-- y -->D</code><paid><!-- z -->true</paid>`, order{Code: ptr(code("ABCD")), Paid: true}},
		"white space collapsed": {"<code>ABC</code><paid>\n true </paid><language> en-US\n</language><priority> -5 </priority>",
			order{Code: ptr(code("ABC")), Paid: true, Language: ptr(language("en-US")), Priority: -5}},
		"white space kept":             {required + "<note> a\t b </note>", order{Code: ptr(code("ABC")), Paid: true, Note: ptr(" a\t b ")}},
		"numbers":                      {required + `<priority>+007</priority><total>-9223372036854775808</total>`, order{Code: ptr(code("ABC")), Paid: true, Priority: 7, Total: -1 << 63}},
		"nil":                          {required + `<note xsi:nil="true"/>`, order{Code: ptr(code("ABC")), Paid: true}},
		"nil with 1, a comment inside": {required + `<note xsi:nil=" 1 "><!-- x --></note>`, order{Code: ptr(code("ABC")), Paid: true}},
		"not nil":                      {required + `<note xsi:nil="false">x</note>`, order{Code: ptr(code("ABC")), Paid: true, Note: ptr("x")}},
		"empty string":                 {required + `<note/>`, order{Code: ptr(code("ABC")), Paid: true, Note: ptr("")}},
		"repeated":                     {required + `<tag>a</tag><tag>b</tag>`, order{Code: ptr(code("ABC")), Paid: true, Tag: []string{"a", "b"}}},
		"repeated, apart": {`<line><code>AAA</code><quantity>1</quantity></line>` + required + `<line><quantity>100</quantity><code>BBB</code></line>`,
			order{Code: ptr(code("ABC")), Paid: true, Line: []*line{{ptr(shortCode("AAA")), ptr(quantity(1))}, {ptr(shortCode("BBB")), ptr(quantity(100))}}}},
		"length in characters":      {required + `<pin>محمد</pin>`, order{Code: ptr(code("ABC")), Paid: true, Pin: "محمد"}},
		"attributes of xml and xsi": {`<code xml:lang="en" xsi:schemaLocation="http://169.254.169.254/ x.xsd" xsi:noNamespaceSchemaLocation="y.xsd">ABC</code><paid>true</paid>`, order{Code: ptr(code("ABC")), Paid: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, violations, err := decode(b, envelop(test.content))
			if err != nil || len(violations) > 0 {
				t.Fatalf("%v, %+v", err, violations)
			}
			if !reflect.DeepEqual(*got, test.want) {
				t.Errorf("got  %+v\nwant %+v", *got, test.want)
			}
		})
	}
}

func TestBindsAnonymousComplexTypes(t *testing.T) {
	got, violations, err := decode(bound(t), envelop(required+`<address><city>Riyadh</city><main>1</main></address>`))
	if err != nil || len(violations) > 0 || got.Address.City != "Riyadh" || !got.Address.Main {
		t.Errorf("%+v, %v, %v", got, violations, err)
	}
}

func TestNamesWhatIsWrong(t *testing.T) {
	b := bound(t)
	for name, test := range map[string]struct {
		content string
		want    []string // path rule message
	}{
		"too short":           {`<code>AB</code><paid>1</paid>`, []string{"/Order/code TOO_SHORT must have 3 to 8 characters"}},
		"empty":               {`<code/><paid>1</paid>`, []string{"/Order/code TOO_SHORT must have 3 to 8 characters", `/Order/code PATTERN must match the pattern [A-Z]+(-\d+)?`}},
		"too long":            {`<code>ABCDEFGHI</code><paid>1</paid>`, []string{"/Order/code TOO_LONG must have 3 to 8 characters"}},
		"pattern":             {`<code>abc</code><paid>1</paid>`, []string{`/Order/code PATTERN must match the pattern [A-Z]+(-\d+)?`}},
		"pattern is anchored": {"<code>ABC\n</code><paid>1</paid>", []string{`/Order/code PATTERN must match the pattern [A-Z]+(-\d+)?`}},
		"facets of the base": {required + `<line><code>abc</code><quantity>1</quantity></line><line><code>ABCDE</code><quantity>1</quantity></line>`,
			[]string{`/Order/line[1]/code PATTERN must match the pattern [A-Z]+(-\d+)?`, "/Order/line[2]/code TOO_LONG must have 3 to 4 characters"}},
		"exact length":   {required + `<pin>123</pin>`, []string{"/Order/pin TOO_SHORT must have exactly 4 characters"}},
		"enumeration":    {required + `<color>red</color>`, []string{"/Order/color ENUMERATION must be one of RED, BLUE"}},
		"alternatives":   {required + `<language>eng</language>`, []string{"/Order/language PATTERN must match the pattern [a-z]{2} | [a-z]{2}-[A-Z]{2}"}},
		"boolean TRUE":   {`<code>ABC</code><paid>TRUE</paid>`, []string{"/Order/paid TYPE must be true, false, 1 or 0"}},
		"boolean empty":  {`<code>ABC</code><paid/>`, []string{"/Order/paid TYPE must be true, false, 1 or 0"}},
		"int":            {required + `<priority>1.0</priority>`, []string{"/Order/priority TYPE must be a whole number from -2147483648 to 2147483647"}},
		"int too large":  {required + `<priority>2147483648</priority>`, []string{"/Order/priority TOO_LARGE must be a whole number from -2147483648 to 2147483647"}},
		"long too small": {required + `<total>-9223372036854775809</total>`, []string{"/Order/total TOO_SMALL must be a whole number from -9223372036854775808 to 9223372036854775807"}},
		"integer bounds": {required + `<line><code>ABC</code><quantity>0</quantity></line><line><code>ABC</code><quantity>99999999999999999999</quantity></line>`,
			[]string{"/Order/line[1]/quantity TOO_SMALL must be a whole number from 1 to 100", "/Order/line[2]/quantity TOO_LARGE must be a whole number from 1 to 100"}},
		"underscores":         {required + `<priority>1_000</priority>`, []string{"/Order/priority TYPE must be a whole number from -2147483648 to 2147483647"}},
		"30 February":         {required + `<at>2026-02-30T00:00:00Z</at>`, []string{"/Order/at TYPE must be a date and time such as 2006-01-02T15:04:05Z"}},
		"missing":             {``, []string{"/Order/code REQUIRED is required", "/Order/paid REQUIRED is required"}},
		"missing inside":      {required + `<line/>`, []string{"/Order/line[1]/code REQUIRED is required", "/Order/line[1]/quantity REQUIRED is required"}},
		"repeated":            {required + `<code>DEF</code>`, []string{"/Order/code REPEATED must stand only once"}},
		"repeated too often":  {required + `<tag>a</tag><tag>b</tag><tag>c</tag><tag>d</tag>`, []string{"/Order/tag REPEATED must stand at most 2 times"}},
		"unknown":             {required + `<x><y>1</y></x>`, []string{"/Order/x UNKNOWN is not an element that may stand here"}},
		"other namespace":     {`<code xmlns="">ABC</code><p:paid xmlns:p="urn:x">true</p:paid>`, []string{"/Order/code NAMESPACE must be in the namespace urn:test:order", "/Order/paid NAMESPACE must be in the namespace urn:test:order"}},
		"unknown namespace":   {required + `<x xmlns="urn:x"/>`, []string{"/Order/x UNKNOWN is not an element that may stand here"}},
		"case of names":       {`<Code>ABC</Code><paid>1</paid>`, []string{"/Order/Code UNKNOWN is not an element that may stand here", "/Order/code REQUIRED is required"}},
		"text between":        {required + `x<tag>a</tag>y`, []string{"/Order CONTENT must hold elements only, but there is text between them"}},
		"element in a value":  {`<code>AB<x>E</x>C</code><paid>1</paid>`, []string{"/Order/code CONTENT must hold text only, but there is an element inside"}},
		"xop:Include":         {`<code><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:1"/></code><paid>1</paid>`, []string{"/Order/code CONTENT must hold text only, but there is an element inside", "/Order/code TOO_SHORT must have 3 to 8 characters", `/Order/code PATTERN must match the pattern [A-Z]+(-\d+)?`}},
		"nil where not":       {`<code xsi:nil="true"/><paid>1</paid>`, []string{"/Order/code NIL may not be nil"}},
		"nil false where not": {`<code xsi:nil="false">ABC</code><paid>1</paid>`, []string{"/Order/code NIL may not be nil"}},
		"nil not a boolean":   {required + `<note xsi:nil="yes"/>`, []string{"/Order/note NIL has an xsi:nil that is not true, false, 1 or 0"}},
		"nil with text":       {required + `<note xsi:nil="true">a</note>`, []string{"/Order/note NIL must be empty where xsi:nil is true"}},
		"nil with an element": {required + `<note xsi:nil="true"><x/></note>`, []string{"/Order/note NIL must be empty where xsi:nil is true"}},
		"attribute":           {`<code id="1">ABC</code><paid o:x="1">1</paid>`, []string{"/Order/code ATTRIBUTE has the attribute id, which the schema does not have", "/Order/paid ATTRIBUTE has the attribute x, which the schema does not have"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, violations, err := decode(b, envelop(test.content))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range violations {
				got = append(got, fmt.Sprintf("%s %s %s", v.Path, v.Rule, v.Message))
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestBindsTheOthersBesideWhatIsWrong(t *testing.T) {
	got, violations, err := decode(bound(t), envelop(`<code>x</code><paid>true</paid><tag>a</tag><tag>b</tag><tag>c</tag><note>n</note>`+
		`<line><code>ABC</code><quantity>0</quantity></line><at>2026-13-01T00:00:00Z</at>`))
	if err != nil || len(violations) != 5 {
		t.Fatalf("%v, %+v", err, violations)
	}
	want := order{Paid: true, Note: ptr("n"), Line: []*line{{Code: ptr(shortCode("ABC"))}}}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
}

func TestXSIType(t *testing.T) {
	b := bound(t)
	for _, test := range []struct {
		content string
		ok      bool
	}{
		{`<code xsi:type="o:Code">ABC</code><paid xsi:type="xs:boolean">1</paid>`, true}, // Axis 1: the declared type
		{`<code xsi:type="xs:string">ABC</code><paid>1</paid>`, true},                    // a base of it
		{`<code xsi:type="xs:token">ABC</code><paid>1</paid>`, true},
		{`<code>ABC</code><paid xsi:type="xs:long">1</paid>`, true}, // SOAP::Lite guesses
		{`<code>ABC</code><paid xsi:type="xs:unsignedByte">1</paid>`, true},
		{required + `<line xsi:type="o:Line"><code xsi:type="o:ShortCode">ABC</code><quantity xsi:type="xs:int">7</quantity></line>`, true},
		{required + `<pin xsi:type="xs:string">1234</pin>`, true},      // an anonymous type
		{`<code>ABC</code><paid xsi:type="xs:int">true</paid>`, false}, // the value has not the form
		{`<code xsi:type="xs:int">ABC</code><paid>1</paid>`, false},
		{`<code xsi:type="xs:base64Binary">ABCD</code><paid>1</paid>`, false},
		{`<code xsi:type="xs:hexBinary">ABCD</code><paid>1</paid>`, false},
		{`<code xsi:type="xs:QName">ABC</code><paid>1</paid>`, false},
		{`<code xsi:type="xs:nonsense">ABC</code><paid>1</paid>`, false},
		{`<code xsi:type="o:ShortCode">ABC</code><paid>1</paid>`, false}, // a restriction of it
		{`<code xsi:type="o:Color">ABC</code><paid>1</paid>`, false},
		{`<code xsi:type="string">ABC</code><paid>1</paid>`, false}, // in the default namespace
		{`<code xsi:type="undeclared:string">ABC</code><paid>1</paid>`, false},
		{`<code xsi:type="">ABC</code><paid>1</paid>`, false},
		{required + `<line xsi:type="xs:string"><code>ABC</code><quantity>7</quantity></line>`, false},
		{required + `<address xsi:type="o:Line"><city>x</city></address>`, false},
	} {
		_, violations, err := decode(b, envelop(test.content))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case test.ok && len(violations) > 0:
			t.Errorf("%s: %+v", test.content, violations)
		case !test.ok && (len(violations) != 1 || violations[0].Rule != xsd.WrongType):
			t.Errorf("%s: %+v, want one of the type", test.content, violations)
		}
	}
}

func TestBuiltInFormsUnderXSIType(t *testing.T) {
	b := bound(t)
	for form, values := range map[string]map[string]bool{
		"anySimpleType": {"x": true}, "anyURI": {"x": true}, "normalizedString": {"a  b": true, "a\tb": false},
		"token": {"a b": true, "a  b": false, " a": false}, "boolean": {"1": true, "2": false},
		"decimal": {"-1.5": true, "+.5": true, "1.": true, ".": false, "1e3": false},
		"double":  {"1e3": true, "-1.5E-3": true, "INF": true, "NaN": true, "inf": false, "1e": false, "0x1p2": false},
		"float":   {"1": true, "one": false}, "integer": {"-5": true, "5.0": false},
		"dateTime": {"2026-02-28T24:00:00": true, "2026-02-29T00:00:00": false}, "date": {"2024-02-29": true, "2026-02-29": false, "2026-01-01.5": false, "2026-1-1": false},
		"nonNegativeInteger": {"0": true, "-0": true, "-1": false}, "positiveInteger": {"1": true, "0": false},
		"nonPositiveInteger": {"0": true, "-1": true, "1": false}, "negativeInteger": {"-1": true, "0": false, "-0": false},
		"long": {"9223372036854775807": true, "9223372036854775808": false}, "int": {"-2147483648": true, "2147483648": false},
		"short": {"32767": true, "32768": false}, "byte": {"-128": true, "128": false},
		"unsignedLong": {"18446744073709551615": true, "-1": false}, "unsignedInt": {"4294967295": true, "4294967296": false},
		"unsignedShort": {"65535": true, "65536": false}, "unsignedByte": {"255": true, "256": false, "-0": true},
	} {
		for value, want := range values {
			_, violations, err := decode(b, envelop(required+`<note xsi:type="xs:`+form+`">`+value+`</note>`))
			if err != nil || (len(violations) == 0) != want {
				t.Errorf("%s as %s: %v %+v, want %t", value, form, err, violations, want)
			}
		}
	}
}

func TestDateTime(t *testing.T) {
	b := bound(t)
	for written, want := range map[string]time.Time{
		"2026-02-28T23:59:59Z":            time.Date(2026, 2, 28, 23, 59, 59, 0, time.UTC),
		" 2024-02-29T00:00:00.5+03:00 ":   time.Date(2024, 2, 28, 21, 0, 0, 500_000_000, time.UTC),
		"2026-01-01T00:00:00.1234567899Z": time.Date(2026, 1, 1, 0, 0, 0, 123_456_789, time.UTC),
		"2026-12-31T24:00:00-14:00":       time.Date(2027, 1, 1, 14, 0, 0, 0, time.UTC),
		"2026-01-01T00:00:00":             time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00Z":            time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		got, violations, err := decode(b, envelop(required+"<at>"+written+"</at>"))
		if err != nil || len(violations) > 0 || !got.At.inner.Equal(want) || got.At.zoned != strings.ContainsAny(written[12:], "Z+-") {
			t.Errorf("%s: %v, %v, %v", written, got.At, violations, err)
		}
	}
	for _, bad := range []string{
		"", "x", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-01T24:00:01Z", "2026-01-01T25:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00z", "2026-01-01t00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01", "2026-01-01T00:00Z", "26-01-01T00:00:00Z",
		"2026-01-01T00:00:00+14:01", "2026-01-01T00:00:00+3:00", "2026-01-01T00:00:00+03:60", "2026-01-01T00:00:00 +03:00", "2026-01-01T00:00:00ZZ",
		"0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "+2026-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T24:00:00Z",
		"２０２６-01-01T00:00:00Z",
	} {
		if _, violations, err := decode(b, envelop(required+"<at>"+bad+"</at>")); err != nil || len(violations) != 1 || violations[0].Rule != xsd.WrongType {
			t.Errorf("%q: %v, %+v", bad, err, violations)
		}
	}
}

func TestViolationsAreBoundedAndHoldNoValue(t *testing.T) {
	content := required + strings.Repeat(`<line><code>s3cr3t-value</code><quantity>s3cr3t</quantity></line>`, 200)
	got, violations, err := decode(bound(t), envelop(content))
	if err != nil || len(violations) != xsd.MaxViolations {
		t.Fatalf("%v, %d violations", err, len(violations))
	}
	if text := fmt.Sprintf("%+v", violations); strings.Contains(text, "s3cr3t") {
		t.Error("a violation tells a value")
	}
	for _, l := range got.Line {
		if l.Code != nil || l.Quantity != nil {
			t.Fatal("what is wrong is bound")
		}
	}
}

func TestTheReadersErrorsPassThrough(t *testing.T) {
	for _, doc := range []string{
		`<Order xmlns="urn:test:order"><code>ABC`, `<Order xmlns="urn:test:order"><code>ABC</paid>`, `<Order xmlns="urn:test:order"><x><y></x>`,
		`<Order xmlns="urn:test:order"><code>A<b></code>`,
	} {
		if _, _, err := decode(bound(t), doc); err == nil {
			t.Errorf("%s is taken", doc)
		}
	}
}
