package xsd_test

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"registrar/soap/xsd"
)

func schemaOf(content string) string {
	return `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t" elementFormDefault="qualified">` + content + `</xs:schema>`
}

func complexOf(children string) string {
	return schemaOf(`<xs:element name="e"><xs:complexType><xs:sequence>` + children + `</xs:sequence></xs:complexType></xs:element>`)
}

func restriction(base, facets string) string {
	return schemaOf(`<xs:simpleType name="s"><xs:restriction base="` + base + `">` + facets + `</xs:restriction></xs:simpleType>`)
}

func TestCompileRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct{ schema, want string }{
		"not XML":                {`<xs:schema`, "malformed"},
		"other root":             {`<schema/>`, "not xs:schema"},
		"no target":              {`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"/>`, "targetNamespace"},
		"unqualified":            {`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="u"/>`, "elementFormDefault"},
		"import":                 {schemaOf(`<xs:import namespace="u"/>`), "import in schema"},
		"include":                {schemaOf(`<xs:include schemaLocation="u"/>`), "include in schema"},
		"group":                  {schemaOf(`<xs:group name="g"/>`), "group in schema"},
		"foreign element":        {schemaOf(`<x/>`), "x in schema"},
		"foreign attribute":      {schemaOf(`<xs:element name="e" type="xs:string" t:x="1"/>`), "attribute x"},
		"text":                   {schemaOf(`x`), "holds text"},
		"choice":                 {schemaOf(`<xs:complexType name="c"><xs:choice/></xs:complexType>`), "choice"},
		"all":                    {schemaOf(`<xs:complexType name="c"><xs:all/></xs:complexType>`), "all"},
		"attribute":              {schemaOf(`<xs:complexType name="c"><xs:attribute name="a"/></xs:complexType>`), "attribute in complexType"},
		"mixed":                  {schemaOf(`<xs:complexType name="c" mixed="true"/>`), "mixed"},
		"abstract":               {schemaOf(`<xs:complexType name="c" abstract="true"/>`), "abstract"},
		"complexContent":         {schemaOf(`<xs:complexType name="c"><xs:complexContent/></xs:complexType>`), "complexContent"},
		"any":                    {complexOf(`<xs:any/>`), "any in sequence"},
		"nested sequence":        {complexOf(`<xs:sequence/>`), "sequence in sequence"},
		"two sequences":          {schemaOf(`<xs:complexType name="c"><xs:sequence/><xs:sequence/></xs:complexType>`), "more than one sequence"},
		"repeated sequence":      {schemaOf(`<xs:complexType name="c"><xs:sequence maxOccurs="2"/></xs:complexType>`), "maxOccurs of sequence"},
		"reference":              {complexOf(`<xs:element ref="t:e"/>`), "ref"},
		"default":                {complexOf(`<xs:element name="a" type="xs:string" default="x"/>`), "default"},
		"fixed":                  {complexOf(`<xs:element name="a" type="xs:string" fixed="x"/>`), "fixed"},
		"form":                   {complexOf(`<xs:element name="a" type="xs:string" form="unqualified"/>`), "form"},
		"substitution":           {schemaOf(`<xs:element name="a" type="xs:string" substitutionGroup="t:b"/>`), "substitutionGroup"},
		"global minOccurs":       {schemaOf(`<xs:element name="a" type="xs:string" minOccurs="0"/>`), "minOccurs"},
		"twice in a sequence":    {complexOf(`<xs:element name="a" type="xs:string"/><xs:element name="a" type="xs:string"/>`), "twice"},
		"element twice":          {schemaOf(`<xs:element name="a" type="xs:string"/><xs:element name="a" type="xs:string"/>`), "declared twice"},
		"type twice":             {schemaOf(`<xs:complexType name="c"/><xs:simpleType name="c"><xs:restriction base="xs:string"/></xs:simpleType>`), "defined twice"},
		"no name":                {complexOf(`<xs:element type="xs:string"/>`), "no name"},
		"global without a name":  {schemaOf(`<xs:complexType/>`), "no name"},
		"no type":                {complexOf(`<xs:element name="a"/>`), "either a type"},
		"two types":              {complexOf(`<xs:element name="a" type="xs:string"><xs:complexType/></xs:element>`), "either a type"},
		"named inside":           {complexOf(`<xs:element name="a"><xs:complexType name="c"/></xs:element>`), "attribute name"},
		"undefined type":         {complexOf(`<xs:element name="a" type="t:x"/>`), "not defined"},
		"type elsewhere":         {`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:o="urn:o" targetNamespace="urn:t" elementFormDefault="qualified"><xs:element name="a" type="o:x"/></xs:schema>`, "not defined"},
		"undeclared prefix":      {complexOf(`<xs:element name="a" type="q:x"/>`), "declared prefix"},
		"other built-in":         {complexOf(`<xs:element name="a" type="xs:decimal"/>`), "decimal is not supported"},
		"recursion":              {schemaOf(`<xs:complexType name="c"><xs:sequence><xs:element name="a" type="t:c"/></xs:sequence></xs:complexType>`), "contains itself"},
		"recursion by two":       {schemaOf(`<xs:complexType name="c"><xs:sequence><xs:element name="a" type="t:d"/></xs:sequence></xs:complexType><xs:complexType name="d"><xs:sequence><xs:element name="a" type="t:c"/></xs:sequence></xs:complexType>`), "contains itself"},
		"minOccurs":              {complexOf(`<xs:element name="a" type="xs:string" minOccurs="-1"/>`), "minOccurs"},
		"maxOccurs 0":            {complexOf(`<xs:element name="a" type="xs:string" minOccurs="0" maxOccurs="0"/>`), "maxOccurs"},
		"maxOccurs less":         {complexOf(`<xs:element name="a" type="xs:string" minOccurs="3" maxOccurs="2"/>`), "maxOccurs"},
		"nillable":               {complexOf(`<xs:element name="a" type="xs:string" nillable="yes"/>`), "nillable"},
		"list":                   {schemaOf(`<xs:simpleType name="s"><xs:list itemType="xs:string"/></xs:simpleType>`), "list in simpleType"},
		"union":                  {schemaOf(`<xs:simpleType name="s"><xs:union memberTypes="xs:string"/></xs:simpleType>`), "union in simpleType"},
		"base is complex":        {schemaOf(`<xs:complexType name="c"/><xs:simpleType name="s"><xs:restriction base="t:c"/></xs:simpleType>`), "not a simple type"},
		"no base":                {schemaOf(`<xs:simpleType name="s"><xs:restriction><xs:simpleType/></xs:restriction></xs:simpleType>`), "not a simple type"},
		"totalDigits":            {restriction("xs:int", `<xs:totalDigits value="3"/>`), "totalDigits"},
		"minExclusive":           {restriction("xs:int", `<xs:minExclusive value="3"/>`), "minExclusive"},
		"no value":               {restriction("xs:string", `<xs:maxLength/>`), "no value"},
		"fixed facet":            {restriction("xs:string", `<xs:maxLength value="3" fixed="true"/>`), "fixed"},
		"length of an int":       {restriction("xs:int", `<xs:length value="3"/>`), "length is not supported"},
		"enumeration of an int":  {restriction("xs:int", `<xs:enumeration value="3"/>`), "enumeration is not supported"},
		"bounds of a string":     {restriction("xs:string", `<xs:minInclusive value="3"/>`), "minInclusive is not supported"},
		"bounds of a dateTime":   {restriction("xs:dateTime", `<xs:minInclusive value="2026-01-01T00:00:00Z"/>`), "minInclusive is not supported"},
		"length not a number":    {restriction("xs:string", `<xs:maxLength value="x"/>`), "maxLength"},
		"lengths crossed":        {restriction("xs:string", `<xs:minLength value="4"/><xs:maxLength value="3"/>`), "greater"},
		"bounds crossed":         {restriction("xs:int", `<xs:minInclusive value="4"/><xs:maxInclusive value="3"/>`), "greater"},
		"bound not a number":     {restriction("xs:int", `<xs:maxInclusive value="1.5"/>`), "whole number"},
		"bound beyond the base":  {restriction("xs:int", `<xs:maxInclusive value="2147483648"/>`), "outside"},
		"white space weaker":     {restriction("xs:int", `<xs:whiteSpace value="preserve"/>`), "weaker"},
		"white space unknown":    {restriction("xs:string", `<xs:whiteSpace value="trim"/>`), "whiteSpace"},
		"wider length":           {schemaOf(`<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:maxLength value="3"/></xs:restriction></xs:simpleType><xs:simpleType name="b"><xs:restriction base="t:a"><xs:maxLength value="4"/></xs:restriction></xs:simpleType>`), "wider"},
		"wider enumeration":      {schemaOf(`<xs:simpleType name="a"><xs:restriction base="xs:string"><xs:enumeration value="x"/></xs:restriction></xs:simpleType><xs:simpleType name="b"><xs:restriction base="t:a"><xs:enumeration value="y"/></xs:restriction></xs:simpleType>`), "not one of its base"},
		"pattern":                {restriction("xs:string", `<xs:pattern value="["/>`), "pattern"},
		"pattern of subtraction": {restriction("xs:string", `<xs:pattern value="[a-z-[aeiou]]"/>`), "subtraction"},
		"pattern too large":      {restriction("xs:string", `<xs:pattern value="a{5000}"/>`), "pattern"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := xsd.Compile([]byte(test.schema))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
		})
	}
}

func TestCompileTellsAllAtOnce(t *testing.T) {
	_, err := xsd.Compile([]byte(complexOf(`<xs:element name="a" type="xs:decimal"/><xs:any/><xs:element name="b" type="t:x"/>`)))
	for _, want := range []string{"decimal", "any", "t:x"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

// TestPatterns checks the translation by what the pattern matches.
func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern string
		yes, no []string
	}{
		{`a|bc`, []string{"a", "bc"}, []string{"ab", "abc", "ac", ""}},
		{`(a|b)+c?`, []string{"ab", "bc"}, []string{"c", "abcc"}},
		{`a{2}b{1,2}c{0,}`, []string{"aab", "aabbcc"}, []string{"ab", "aabbb"}},
		{`^a$`, []string{"^a$"}, []string{"a"}},
		{`.`, []string{"a", "é", "\t", "\u2028"}, []string{"\n", "\r", "ab"}},
		{`\.\\\|\-\^\?\*\+\{\}\(\)\[\]`, []string{`.\|-^?*+{}()[]`}, []string{"x"}},
		{`\d+`, []string{"12", "٣"}, []string{"a", "½"}},
		{`\D`, []string{"a"}, []string{"1", "٣"}},
		{`\s\S`, []string{" a", "\nb"}, []string{"a ", "\u00a0a"}},
		{`\w+`, []string{"aé3€", "م"}, []string{"a b", "-", "_"}},
		{`\W`, []string{"-", "_", " "}, []string{"a", "€"}},
		{`[a-c\d.-]+`, []string{"ab.1-"}, []string{"d"}},
		{`[^a-c]`, []string{"d", "^", "\n"}, []string{"a", ""}},
		{`[\^\]\[\-]+`, []string{"^][-"}, []string{"a"}},
		{`[-a]+`, []string{"-a"}, []string{"b"}},
		{`[\w-]+@[\S]+`, []string{"a-b@c"}, []string{"@", "a@ "}},
		{`\p{Lu}\P{Lu}`, []string{"Aa", "É1"}, []string{"aA"}},
		{`[\p{L}\p{Nd}]+`, []string{"aé٣"}, []string{"-"}},
		{`[ -~]*`, []string{"", " a~"}, []string{"é", "\t"}},
		{`$[0-9]+`, []string{"$5"}, []string{"5"}},
		{``, []string{""}, []string{"a"}},
		{`\n\r?\t`, []string{"\n\t"}, []string{"n\t"}},
	} {
		b := textElement(t, `<xs:pattern value="`+strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(test.pattern)+`"/>`)
		for _, values := range []struct {
			of   []string
			want bool
		}{{test.yes, true}, {test.no, false}} {
			for _, v := range values.of {
				if got := holds(t, b, v); got != values.want {
					t.Errorf("%s matches %q: %t", test.pattern, v, got)
				}
			}
		}
	}
	for _, bad := range []string{
		`(`, `)`, `a)`, `(a`, `[`, `[]`, `[a`, `a{`, `a{x}`, `a{2,1}`, `*`, `a**`, `+a`, `]`, `}`, `\`, `\q`, `\1`, `\b`, `\i`, `\c`,
		`\p{IsArabic}`, `\p{Latin}`, `\pL`, `\p{L`, `[b-a]`, `[a-\d]`, `[a-b-c]`, `[a[b]`, `(?i)a`, `a{2}{3}`,
	} {
		if _, err := xsd.Compile([]byte(restriction("xs:string", `<xs:pattern value="`+bad+`"/>`))); err == nil {
			t.Errorf("the pattern %s is taken", bad)
		}
	}
}

type textHolder struct {
	V string `xml:"v,omitempty"`
}

// textElement binds an element of one string under facets.
func textElement(t testing.TB, facets string) *xsd.Binding {
	t.Helper()
	s, err := xsd.Compile([]byte(complexOf(`<xs:element name="v"><xs:simpleType><xs:restriction base="xs:string">` + facets + `</xs:restriction></xs:simpleType></xs:element>`)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Bind(xsd.Name{Space: "urn:t", Local: "e"}, reflect.TypeFor[textHolder]())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// holds tells whether a value is valid in b.
func holds(t testing.TB, b *xsd.Binding, value string) bool {
	t.Helper()
	doc := string(xsd.AppendText([]byte(`<e xmlns="urn:t"><v>`), value)) + `</v></e>`
	var into textHolder
	violations := mustDecode(t, b, doc, &into)
	return len(violations) == 0
}

func TestWhiteSpaceReplace(t *testing.T) {
	b := textElement(t, `<xs:whiteSpace value="replace"/>`)
	var into textHolder
	if v := mustDecode(t, b, "<e xmlns='urn:t'><v> a\t\nb </v></e>", &into); len(v) > 0 || into.V != " a  b " {
		t.Errorf("%q, %v", into.V, v)
	}
}

func TestBindRefusesWhatDoesNotFit(t *testing.T) {
	s, err := xsd.Compile([]byte(schemaOf(`<xs:element name="text" type="xs:string"/><xs:complexType name="c"><xs:sequence><xs:element name="x" type="xs:string"/></xs:sequence></xs:complexType>` +
		`<xs:element name="e"><xs:complexType><xs:sequence><xs:element name="v" type="xs:string"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="many"><xs:complexType><xs:sequence><xs:element name="v" type="xs:string" maxOccurs="3"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="big"><xs:complexType><xs:sequence><xs:element name="v" type="xs:integer"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="long"><xs:complexType><xs:sequence><xs:element name="v" type="xs:long"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="when"><xs:complexType><xs:sequence><xs:element name="v" type="xs:dateTime"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="flag"><xs:complexType><xs:sequence><xs:element name="v" type="xs:boolean"/></xs:sequence></xs:complexType></xs:element>` +
		`<xs:element name="inner"><xs:complexType><xs:sequence><xs:element name="v" type="t:c"/></xs:sequence></xs:complexType></xs:element>`)))
	if err != nil {
		t.Fatal(err)
	}
	type of[T any] struct {
		V T `xml:"v,omitempty"`
	}
	for _, test := range []struct {
		element string
		goType  any
		ok      bool
	}{
		{"e", of[string]{}, true}, {"e", of[*string]{}, true}, {"e", of[*code]{}, true},
		{"e", of[[]string]{}, false}, {"e", of[[]byte]{}, false}, {"e", of[int]{}, false}, {"e", of[**string]{}, false},
		{"many", of[[]string]{}, true}, {"many", of[[]*code]{}, true}, {"many", of[string]{}, false},
		{"big", of[int32]{}, false}, {"big", of[int64]{}, false}, // gowsdl makes int32 of xs:integer, which has no bounds
		{"long", of[int64]{}, true}, {"long", of[int32]{}, false}, {"long", of[uint64]{}, false}, {"long", of[string]{}, false},
		{"when", of[time.Time]{}, true}, {"when", of[*dateTime]{}, true}, {"when", of[string]{}, false}, {"when", of[order]{}, false},
		{"flag", of[bool]{}, true}, {"flag", of[string]{}, false},
		{"inner", of[*struct {
			X string `xml:"x"`
		}]{}, true},
		{"inner", of[string]{}, false}, {"inner", of[struct{}]{}, false},
		{"e", struct{}{}, false},
		{"e", struct {
			V string `xml:"v"`
			W string `xml:"w"`
		}{}, false},
		{"e", struct {
			V string `xml:"v,attr"`
		}{}, false},
		{"e", struct{ V string }{}, false},
		{"e", struct {
			XMLName xml.Name `xml:"urn:t other"`
			V       string   `xml:"v"`
		}{}, false},
		{"e", struct {
			XMLName xml.Name `xml:"urn:t e"`
			V       string   `xml:"v"`
		}{}, true},
		{"e", "", false}, {"text", "", false}, {"text", struct{}{}, false}, {"absent", of[string]{}, false},
	} {
		_, err := s.Bind(xsd.Name{Space: "urn:t", Local: test.element}, reflect.TypeOf(test.goType))
		if (err == nil) != test.ok {
			t.Errorf("%s to %s: %v", test.element, fmt.Sprintf("%T", test.goType), err)
		}
	}
}
