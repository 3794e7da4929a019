package soap_test

import (
	"strings"
	"testing"

	"registrar/soap"
)

const xsi = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`

func TestRow11TheServedSchemaIsWhatARequestIsCheckedAgainst(t *testing.T) {
	for content, rule := range map[string]string{
		``:        "REQUIRED",
		`<text/>`: "TOO_SHORT",
		`<text>` + strings.Repeat("é", 21) + `</text>`: "TOO_LONG",
		hello + hello:                     "REPEATED",
		hello + `<x/>`:                    "UNKNOWN",
		`<text xmlns="">hello</text>`:     "NAMESPACE",
		`<text>he<x/>llo</text>`:          "CONTENT",
		hello + `x`:                       "CONTENT",
		`<text x="1">hello</text>`:        "ATTRIBUTE",
		`<text ` + xsi + ` xsi:nil="1"/>`: "NIL",
		`<text ` + xsi + ` xsi:type="xsd:base64Binary">hello</text>`: "TYPE",
		hello + `<at>2026-02-30T00:00:00Z</at>`:                      "TYPE",
		hello + `<flag>TRUE</flag>`:                                  "TYPE",
		hello + `<count>1.5</count>`:                                 "TYPE",
		hello + `<note><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="http://169.254.169.254/"/></note>`: "CONTENT",
	} {
		e := newEcho(t, nil)
		a := e.xml11(t, envelope11(say(content)))
		e.expectFault(t, a, soap.Invalid)
		if !strings.Contains(a.body, "<code>"+rule+"</code>") {
			t.Errorf("%s: %s, want %s", content, a.body, rule)
		}
	}
	for _, content := range []string{
		`<flag>0</flag>` + hello, `<text>he<!-- x -->l<![CDATA[lo]]></text>`, hello + `<note ` + xsi + ` xsi:nil="true"/>`,
		`<text ` + xsi + ` xsi:type="xsd:string" xml:lang="en" xsi:schemaLocation="u http://169.254.169.254/">hello</text>`,
		"<text>&#x68;ello</text>\n<!-- x -->",
	} {
		e := newEcho(t, nil)
		expectEcho(t, e.xml11(t, envelope11(say(content))), soap.SOAP11)
	}
}

func TestRow13NoValueOfTheRequestIsInAFault(t *testing.T) {
	e := newEcho(t, nil)
	const secret = "s3cr3t"
	for _, doc := range []string{
		envelope11(say(`<text>` + strings.Repeat(secret, 9) + `</text><flag>` + secret + `</flag><count>` + secret + `</count><at>` + secret + `</at>` + secret)),
		envelope11(say(`<text>` + secret + `</txet>`)), secret, envelope11(secret), envelope11(say(`<text x="` + secret + `">a</text>`)),
		`<!DOCTYPE a "` + secret + `">`, envelope11(say(`<text>&` + secret + `;</text>`)),
		withHeader(envelope11(say(hello)), `<x xmlns="u" s:mustUnderstand="`+secret+`"/>`),
	} {
		if a := e.xml11(t, doc); a.status != 500 || strings.Contains(a.body, secret) {
			t.Errorf("%s: %d %s", doc, a.status, a.body)
		}
	}
	if strings.Contains(e.log.String(), secret) {
		t.Errorf("the log has it: %s", e.log.String())
	}
}

func TestRow13WhatCheckSaysIsAddedForElementsThatAreRight(t *testing.T) {
	e := newEcho(t, nil)
	a := e.xml11(t, envelope11(say(`<text/><code>1</code>`)))
	e.expectFault(t, a, soap.Invalid)
	if strings.Count(a.body, "<field>") != 2 || !strings.Contains(a.body, "<name>code</name><code>LETTER</code>") || strings.Contains(a.body, "<name>text</name><code>LETTER</code>") {
		t.Errorf("got %s", a.body)
	}
	e = newEcho(t, nil)
	if a := e.xml11(t, envelope11(say(`<text>1</text>`))); a.status != 200 {
		t.Errorf("Check ran for a valid request: %s", a.body)
	}
}

func TestRow19RequiredElementsAreAlwaysWritten(t *testing.T) {
	e := newEcho(t, nil)
	a := e.xml11(t, envelope11(say(`<text>a</text>`)))
	if !strings.Contains(a.body, `<text>a</text><flag>false</flag><count>0</count><at>0001-01-01T00:00:00Z</at></EchoResponse>`) {
		t.Errorf("got %s", a.body)
	}
}
