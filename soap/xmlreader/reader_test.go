package xmlreader_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"registrar/soap/xmlreader"
)

// stream reads a document to its end, text joined, as lines.
func stream(doc string, limits xmlreader.Limits) ([]string, error) {
	r := xmlreader.New(doc, limits)
	var lines []string
	text := ""
	flush := func() {
		if text != "" {
			lines = append(lines, fmt.Sprintf("text %q", text))
		}
		text = ""
	}
	for {
		t, err := r.Next()
		if err != nil {
			return lines, err
		}
		switch t.Kind {
		case xmlreader.Text:
			text += t.Text
		case xmlreader.StartElement:
			flush()
			line := fmt.Sprintf("start {%s}%s", t.Name.Space, t.Name.Local)
			for _, a := range t.Attrs {
				line += fmt.Sprintf(" {%s}%s=%q", a.Name.Space, a.Name.Local, a.Value)
			}
			lines = append(lines, line)
		case xmlreader.EndElement:
			flush()
			lines = append(lines, fmt.Sprintf("end {%s}%s", t.Name.Space, t.Name.Local))
		case xmlreader.EndDocument:
			return lines, nil
		}
	}
}

func TestReads(t *testing.T) {
	for name, test := range map[string]struct {
		doc  string
		want []string
	}{
		"namespaces":               {`<a xmlns="u:1" xmlns:p="u:2"><p:b p:c="1" d="2"/><e xmlns=""/></a>`, []string{"start {u:1}a", `start {u:2}b {u:2}c="1" {}d="2"`, "end {u:2}b", "start {}e", "end {}e", "end {u:1}a"}},
		"prefix redeclared":        {`<p:a xmlns:p="u:1"><p:b xmlns:p="u:2"/><p:c/></p:a>`, []string{"start {u:1}a", "start {u:2}b", "end {u:2}b", "start {u:1}c", "end {u:1}c", "end {u:1}a"}},
		"one prefix, later bound":  {`<p:a p:x="1" xmlns:p="u:1"></p:a>`, []string{`start {u:1}a {u:1}x="1"`, "end {u:1}a"}},
		"xml prefix":               {`<a xml:lang="ar"/>`, []string{`start {}a {http://www.w3.org/XML/1998/namespace}lang="ar"`, "end {}a"}},
		"declaration":              {"<?xml version='1.0' encoding = \"ISO-8859-1\" standalone='yes' ?>\n<a/>\n", []string{"start {}a", "end {}a"}},
		"references":               {`<a b="&lt;&#x41;&quot;">&amp;&#65;&gt;&apos;&#x10FFFF;&#0065;</a>`, []string{`start {}a {}b="<A\""`, `text "&A>'\U0010ffffA"`, "end {}a"}},
		"comments join text":       {`<!-- x --><a>b<!-- - < & -->c</a><!---->`, []string{"start {}a", `text "bc"`, "end {}a"}},
		"CDATA is text":            {`<a>b<![CDATA[<c>&amp;]]]]><![CDATA[>]]></a>`, []string{"start {}a", `text "b<c>&amp;]]>"`, "end {}a"}},
		"empty CDATA":              {`<a><![CDATA[]]></a>`, []string{"start {}a", "end {}a"}},
		"line ends":                {"<a>1\r\n2\r3&#13;<![CDATA[4\r\n5\r]]></a>", []string{"start {}a", `text "1\n2\n3\r4\n5\n"`, "end {}a"}},
		"attribute white space":    {"<a b='1\r\n2\r3\n4\t5&#10;6&#9;7'/>", []string{`start {}a {}b="1 2 3 4 5\n6\t7"`, "end {}a"}},
		"names beyond ASCII":       {"<é·1><日本 名='1'/></é·1>", []string{"start {}é·1", `start {}日本 {}名="1"`, "end {}日本", "end {}é·1"}},
		"brackets in text":         {"<a>]] ]> > ]]&gt;</a>", []string{"start {}a", `text "]] ]> > ]]>"`, "end {}a"}},
		"space in tags":            {"<a \n b = '1'\t/>", []string{`start {}a {}b="1"`, "end {}a"}},
		"one name, two namespaces": {`<a xmlns:p="u:1" x="1" p:x="2"/>`, []string{`start {}a {}x="1" {u:1}x="2"`, "end {}a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stream(test.doc, xmlreader.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

// refused has a document for each reason, and more for those with several roads.
var refused = []struct {
	doc    string
	reason xmlreader.Reason
	offset int
}{
	{`<!DOCTYPE a><a/>`, xmlreader.Doctype, 0},
	{`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, xmlreader.Doctype, 21},
	{`<a><!DOCTYPE a></a>`, xmlreader.Doctype, 3},
	{`<?php x?><a/>`, xmlreader.ProcessingInstruction, 0},
	{`<a><?x?></a>`, xmlreader.ProcessingInstruction, 3},
	{`<a/><?x y?>`, xmlreader.ProcessingInstruction, 4},
	{`<?xml-stylesheet href="x"?><a/>`, xmlreader.ProcessingInstruction, 0},
	{` <?xml version="1.0"?><a/>`, xmlreader.BadDeclaration, 1},
	{`<?xml encoding="UTF-8"?><a/>`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.0" standalone="yes" encoding="UTF-8"?><a/>`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.0" standalone="maybe"?><a/>`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.0" encoding="-"?><a/>`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.0"encoding="UTF-8"?><a/>`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.0"`, xmlreader.BadDeclaration, 0},
	{`<?xml version="1.1"?><a/>`, xmlreader.BadVersion, 0},
	{`<?xml version="2.0"?><a/>`, xmlreader.BadVersion, 0},
	{"<a>\xff</a>", xmlreader.BadUTF8, 3},
	{"<a>\xed\xa0\x80</a>", xmlreader.BadUTF8, 3}, // a surrogate
	{"<a>\xc0\xbc</a>", xmlreader.BadUTF8, 3},     // overlong
	{"<a>\x00</a>", xmlreader.BadCharacter, 3},
	{"<a b='\x0b'/>", xmlreader.BadCharacter, 6},
	{"<a><!-- \x01 --></a>", xmlreader.BadCharacter, 8},
	{"<a>\uFFFE</a>", xmlreader.BadCharacter, 3},
	{`<a>&#0;</a>`, xmlreader.BadReference, 3},
	{`<a>&#xD800;</a>`, xmlreader.BadReference, 3},
	{`<a>&#x110000;</a>`, xmlreader.BadReference, 3},
	{`<a>&#99999999999999999999;</a>`, xmlreader.BadReference, 3},
	{`<a>&#;</a>`, xmlreader.BadReference, 3},
	{`<a>&#x;</a>`, xmlreader.BadReference, 3},
	{`<a>&#X41;</a>`, xmlreader.BadReference, 3},
	{`<a>&#65</a>`, xmlreader.BadReference, 3},
	{`<a>&#1;</a>`, xmlreader.BadReference, 3},
	{`<a b="&nbsp;"/>`, xmlreader.UndefinedEntity, 6},
	{`<a>&LT;</a>`, xmlreader.UndefinedEntity, 3},
	{`<a>b & c</a>`, xmlreader.BareAmpersand, 5},
	{`<a>&lt</a>`, xmlreader.BareAmpersand, 3},
	{`<a><!-- a -- b --></a>`, xmlreader.BadComment, 3},
	{`<a><!-- a ---></a>`, xmlreader.BadComment, 3},
	{`<a><!-- </a>`, xmlreader.BadComment, 3},
	{`<a><!--></a>`, xmlreader.BadComment, 3},
	{`<a><![CDATA[b]]</a>`, xmlreader.BadCDATA, 3},
	{`<a><!ELEMENT a></a>`, xmlreader.BadMarkup, 3},
	{`<a`, xmlreader.BadMarkup, 2},
	{`<a/ >`, xmlreader.BadMarkup, 2},
	{`<a b="1"c="2"/>`, xmlreader.BadMarkup, 8},
	{`<a></a x>`, xmlreader.BadMarkup, 3},
	{`<a></a`, xmlreader.BadMarkup, 3},
	{`<a>b<`, xmlreader.BadMarkup, 4},
	{`< a/>`, xmlreader.BadName, 1},
	{`<1/>`, xmlreader.BadName, 1},
	{`<:a/>`, xmlreader.BadName, 1},
	{`<a:/>`, xmlreader.BadName, 1},
	{`<a:b:c/>`, xmlreader.BadName, 1},
	{`<a:1/>`, xmlreader.BadName, 1},
	{`<a ="1"/>`, xmlreader.BadName, 3},
	{`<a b/>`, xmlreader.BadAttribute, 3},
	{`<a b=c/>`, xmlreader.BadAttribute, 3},
	{`<a b="c/>`, xmlreader.BadAttribute, 3},
	{`<a b="<"/>`, xmlreader.LessThanInAttribute, 6},
	{`<a b="1" b="2"/>`, xmlreader.DuplicateAttribute, 9},
	{`<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>`, xmlreader.DuplicateAttribute, 35},
	{`<a xmlns="u" xmlns="v"/>`, xmlreader.DuplicateAttribute, 13},
	{`<a xmlns:p="u" xmlns:p="u"/>`, xmlreader.DuplicateAttribute, 15},
	{`<p:a/>`, xmlreader.UndeclaredPrefix, 0},
	{`<a p:b="1"/>`, xmlreader.UndeclaredPrefix, 3},
	{`<a><b xmlns:p="u"/><p:c/></a>`, xmlreader.UndeclaredPrefix, 19},
	{`<a xmlns:p=""/>`, xmlreader.BadNamespace, 3},
	{`<a xmlns:xml="u"/>`, xmlreader.BadNamespace, 3},
	{`<a xmlns:p="http://www.w3.org/XML/1998/namespace"/>`, xmlreader.BadNamespace, 3},
	{`<a xmlns="http://www.w3.org/XML/1998/namespace"/>`, xmlreader.BadNamespace, 3},
	{`<a xmlns:xmlns="u"/>`, xmlreader.BadNamespace, 3},
	{`<a xmlns:p="http://www.w3.org/2000/xmlns/"/>`, xmlreader.BadNamespace, 3},
	{`<xmlns:a/>`, xmlreader.BadNamespace, 0},
	{`<a>]]></a>`, xmlreader.CDATAEndInText, 3},
	{`<a>b&amp;]]></a>`, xmlreader.CDATAEndInText, 9},
	{`<a></b>`, xmlreader.MismatchedTag, 3},
	{`<a></ab>`, xmlreader.MismatchedTag, 3},
	{`<ab></a>`, xmlreader.MismatchedTag, 4},
	{`<a><b></a></b>`, xmlreader.MismatchedTag, 6},
	{`<p:a xmlns:p="u" xmlns:q="u"></q:a>`, xmlreader.MismatchedTag, 29},
	{`<a/></a>`, xmlreader.MismatchedTag, 4},
	{`</a>`, xmlreader.MismatchedTag, 0},
	{`<a>`, xmlreader.UnclosedElement, 3},
	{`<a><b></b>`, xmlreader.UnclosedElement, 10},
	{`<a/><b/>`, xmlreader.SecondRoot, 4},
	{`<a></a><a></a>`, xmlreader.SecondRoot, 7},
	{`x<a/>`, xmlreader.TextOutsideRoot, 0},
	{`<a/> x`, xmlreader.TextOutsideRoot, 5},
	{`<a/>&#32;`, xmlreader.TextOutsideRoot, 4},
	{`<![CDATA[]]><a/>`, xmlreader.TextOutsideRoot, 0},
	{"\uFEFF<a/>", xmlreader.TextOutsideRoot, 0}, // the mark is of the encoding, which is decoded already
	{``, xmlreader.NoRoot, 0},
	{`<!-- a -->`, xmlreader.NoRoot, 10},
}

func TestRefusesWhatIsNotWellFormed(t *testing.T) {
	for _, test := range refused {
		t.Run(test.doc, func(t *testing.T) {
			_, err := stream(test.doc, xmlreader.Limits{})
			var e *xmlreader.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Reason != test.reason || e.Offset != test.offset {
				t.Errorf("refused as %q at %d, want %q at %d", e.Reason, e.Offset, test.reason, test.offset)
			}
			if e.Limit() {
				t.Error("called a limit")
			}
		})
	}
}

func TestLimits(t *testing.T) {
	limits := xmlreader.Limits{Depth: 3, Attributes: 2, Elements: 5, NameBytes: 5, Namespaces: 2}
	for name, test := range map[string]struct {
		within, beyond string
		reason         xmlreader.Reason
	}{
		"depth":                  {`<a><b><c/></b></a>`, `<a><b><c><d/></c></b></a>`, xmlreader.TooDeep},
		"attributes":             {`<a b="" c=""/>`, `<a b="" c="" d=""/>`, xmlreader.TooManyAttributes},
		"declarations too":       {`<a b="" xmlns="u"/>`, `<a b="" c="" xmlns="u"/>`, xmlreader.TooManyAttributes},
		"elements":               {`<a><b/><b/><b/><b/></a>`, `<a><b/><b/><b/><b/><b/></a>`, xmlreader.TooManyElements},
		"name":                   {`<abcde/>`, `<abcdef/>`, xmlreader.NameTooLong},
		"prefixed name":          {`<xml:a/>`, `<xml:ab/>`, xmlreader.NameTooLong},
		"attribute's name":       {`<a abcde=""/>`, `<a abcdef=""/>`, xmlreader.NameTooLong},
		"name of many bytes":     {`<éé/>`, `<ééé/>`, xmlreader.NameTooLong},
		"namespaces in scope":    {`<a xmlns="1"><b xmlns="2"/><b xmlns="3"/></a>`, `<a xmlns="1"><b xmlns="2"><c xmlns="3"/></b></a>`, xmlreader.TooManyNamespaces},
		"an endless name is cut": {`<abcd/>`, `<` + strings.Repeat("a", 1<<20), xmlreader.NameTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := stream(test.within, limits); err != nil {
				t.Errorf("within the limit: %v", err)
			}
			_, err := stream(test.beyond, limits)
			var e *xmlreader.Error
			if !errors.As(err, &e) || e.Reason != test.reason || !e.Limit() {
				t.Errorf("beyond the limit: %v, want %q", err, test.reason)
			}
		})
	}
}

func TestDefaultLimitsAreThoseDocumented(t *testing.T) {
	nest := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attributes := func(n int) string {
		var b strings.Builder
		b.WriteString("<a")
		for i := range n {
			fmt.Fprintf(&b, " a%d=''", i)
		}
		return b.String() + "/>"
	}
	for name, document := range map[string]func(n int) string{
		"depth 32":       func(n int) string { return nest(32 + n) },
		"attributes 64":  func(n int) string { return attributes(64 + n) },
		"elements 1,000": func(n int) string { return "<a>" + strings.Repeat("<b/>", 999+n) + "</a>" },
		"name bytes 256": func(n int) string { return "<" + strings.Repeat("a", 256+n) + "/>" },
	} {
		if _, err := stream(document(0), xmlreader.Limits{}); err != nil {
			t.Errorf("%s: at the limit: %v", name, err)
		}
		if _, err := stream(document(1), xmlreader.Limits{}); err == nil {
			t.Errorf("%s: one beyond is taken", name)
		}
	}
}

func TestErrorsStayAndHoldNoText(t *testing.T) {
	r := xmlreader.New(`<a>secret</b>`, xmlreader.Limits{})
	var first error
	for first == nil {
		_, first = r.Next()
	}
	_, second := r.Next()
	if !errors.Is(second, first) {
		t.Errorf("then %v", second)
	}
	if strings.Contains(first.Error(), "secret") {
		t.Errorf("the error tells the text: %v", first)
	}
}

func TestQNameValues(t *testing.T) {
	r := xmlreader.New(`<a xmlns="u:0" xmlns:p="u:1"><b xmlns:p="u:2"/><c/></a>`, xmlreader.Limits{})
	next := func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(value string, want xmlreader.Name, wantOK bool) {
		t.Helper()
		if got, ok := r.ResolveQName(value); got != want && wantOK || ok != wantOK {
			t.Errorf("%q is %v, %t", value, got, ok)
		}
	}
	next() // a
	expect("p:x", xmlreader.Name{Space: "u:1", Local: "x"}, true)
	expect(" \tx\n", xmlreader.Name{Space: "u:0", Local: "x"}, true)
	expect("xml:x", xmlreader.Name{Space: xmlreader.XMLSpace, Local: "x"}, true)
	for _, bad := range []string{"", ":", "p:", ":x", "p:x:y", "q:x", "p x", "1", "xmlns:x"} {
		expect(bad, xmlreader.Name{}, false)
	}
	next() // b
	expect("p:x", xmlreader.Name{Space: "u:2", Local: "x"}, true)
	next() // end of b
	next() // c
	expect("p:x", xmlreader.Name{Space: "u:1", Local: "x"}, true)
}

func TestSkipLeavesTheReaderBehindTheElement(t *testing.T) {
	r := xmlreader.New(`<a><b><c/>x<d><e/></d></b><f/></a>`, xmlreader.Limits{})
	_, _ = r.Next()
	_, _ = r.Next() // b
	if err := r.Skip(); err != nil {
		t.Fatal(err)
	}
	if next, err := r.Next(); err != nil || next.Name.Local != "f" || r.Depth() != 2 {
		t.Errorf("then %v, %v, depth %d", next, err, r.Depth())
	}
	if err := xmlreader.New(`<a><b></a>`, xmlreader.Limits{}).Skip(); err == nil {
		t.Error("skipped what is not closed")
	}
}

func TestResetForgetsTheDocumentBefore(t *testing.T) {
	r := xmlreader.New(`<a xmlns:p="u"><b`, xmlreader.Limits{})
	for {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	r.Reset(`<p:a/>`, xmlreader.Limits{})
	if _, err := r.Next(); err == nil {
		t.Error("a prefix of the document before is still declared")
	}
	r.Reset(`<a/>`, xmlreader.Limits{})
	if got, err := r.Next(); err != nil || got.Name.Local != "a" {
		t.Errorf("%v, %v", got, err)
	}
}
